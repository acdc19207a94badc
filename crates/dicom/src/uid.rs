//! Unique identifiers: 2.25 and a random number of 128 bits (PS3.5 B.2), never used twice.

use crate::{Error, Result};

/// A new unique identifier.
///
/// # Errors
/// [`Error::Source`] when the system has no random numbers.
pub(crate) fn new_uid() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::source("", format!("the system gives no random numbers ({e})")))?;
    // Version 4 and variant of a UUID (RFC 9562), which the number is to be.
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    Ok(format!("2.25.{}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_short_enough_and_all_different() {
        let uids: std::collections::BTreeSet<String> =
            (0..1000).map(|_| new_uid().unwrap()).collect();
        assert_eq!(uids.len(), 1000);
        for uid in uids {
            let number = uid.strip_prefix("2.25.").unwrap();
            assert!(
                uid.len() <= 64
                    && !number.starts_with('0')
                    && number.bytes().all(|b| b.is_ascii_digit())
            );
        }
    }
}
