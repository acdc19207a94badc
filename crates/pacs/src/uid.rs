//! Unique identifiers: their syntax, which is checked before one becomes a part of a file's name, and new ones.

use crate::{Error, Result};

/// The implementation class UID of this library, in associations and in file meta information. The crate `dicom` writes
/// the same into its objects.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.203814972047150162748927846212037518366";

/// The implementation version name of this library.
pub const IMPLEMENTATION_VERSION_NAME: &str = concat!("VESALIUS_", env!("CARGO_PKG_VERSION"));

/// Whether a text is a unique identifier: at most 64 characters, numbers separated by single dots.
///
/// Numbers with leading zeros are taken, because devices write them. No identifier is a path: it has no separator, and
/// no two dots in a row.
///
/// ```
/// use vesalius_pacs::is_uid;
///
/// assert!(is_uid("1.2.840.10008.1.1"));
/// assert!(!is_uid("../../etc/passwd") && !is_uid("1..2") && !is_uid(""));
/// ```
pub fn is_uid(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 64 && text.split('.').all(number)
}

/// A new unique identifier: `2.25.` and a random number of 122 bits (PS3.5 B.2).
///
/// # Errors
/// [`Error::Io`] when the system gives no random numbers.
pub fn new_uid() -> Result<String> {
    let mut bytes = random()?;
    // Version 4 and variant of a UUID (RFC 9562), which the number is to be.
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    Ok(format!("2.25.{}", u128::from_be_bytes(bytes)))
}

/// 32 hexadecimal digits that nobody can guess, for names of files that are not finished and for boundaries.
pub(crate) fn random_name() -> Result<String> {
    Ok(format!("{:032x}", u128::from_be_bytes(random()?)))
}

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::Io {
        doing: "asking the system for random numbers".into(),
        source: std::io::Error::other(error),
    })?;
    Ok(bytes)
}

/// The text of a value of bytes that is padded to an even length.
pub(crate) fn unpadded(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_end_matches(['\0', ' ']).trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_commands_are_no_identifiers() {
        let long = "1".repeat(65);
        for bad in [
            "", ".", "1.", ".1", "1..2", "/1.2", "1.2/3", "1.2\0", "1.2 ", "$(id)", "1.2a", &long,
        ] {
            assert!(!is_uid(bad), "{bad:?}");
        }
        for good in ["1", "1.2.03", &"1".repeat(64)] {
            assert!(is_uid(good), "{good}");
        }
    }

    #[test]
    fn new_identifiers_are_valid_and_differ() {
        let uids: std::collections::BTreeSet<_> = (0..100).map(|_| new_uid().unwrap()).collect();
        assert_eq!(uids.len(), 100);
        assert!(uids.iter().all(|uid| is_uid(uid) && uid.len() > 30));
    }
}
