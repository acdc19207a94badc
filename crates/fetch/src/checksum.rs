//! Checksums of a download: SHA-256 for new ones, MD5 because the published tables have it.

use crate::{Error, Result};
use md5::{Digest, Md5};
use sha2::Sha256;
use std::fmt;

/// What the bytes of an archive must hash to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checksum {
    /// SHA-256: guards against damage and against another's file.
    Sha256([u8; 32]),
    /// MD5: guards against damage only.
    Md5([u8; 16]),
}

impl Checksum {
    /// SHA-256 from its 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::BadChecksum`] for anything else.
    ///
    /// ```
    /// use vesalius_fetch::Checksum;
    ///
    /// let digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    /// assert_eq!(Checksum::sha256(digits)?.to_string(), format!("SHA-256 {digits}"));
    /// assert!(Checksum::sha256("e3b0").unwrap_err().to_string().contains("64 hexadecimal digits"));
    /// # Ok::<(), vesalius_fetch::Error>(())
    /// ```
    pub fn sha256(digits: &str) -> Result<Self> {
        bytes(digits.trim())
            .map(Self::Sha256)
            .ok_or_else(|| Error::BadChecksum {
                found: digits.to_owned(),
            })
    }

    pub(crate) fn hasher(&self) -> Hasher {
        match self {
            Self::Sha256(_) => Hasher::Sha256(Sha256::default()),
            Self::Md5(_) => Hasher::Md5(Md5::default()),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Sha256(bytes) => ("SHA-256", bytes.as_slice()),
            Self::Md5(bytes) => ("MD5", bytes.as_slice()),
        };
        write!(f, "{name} ")?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The bytes of `2 N` hexadecimal digits.
pub(crate) const fn md5_of(digits: &str) -> Checksum {
    match const_bytes(digits.as_bytes()) {
        Some(bytes) => Checksum::Md5(bytes),
        None => panic!("an MD5 of a table has 32 hexadecimal digits"),
    }
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    const_bytes(digits.as_bytes())
}

const fn const_bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    let mut at = 0;
    while at < digits.len() {
        let digit = match digits[at] {
            found @ b'0'..=b'9' => found - b'0',
            found @ b'a'..=b'f' => found - b'a' + 10,
            found @ b'A'..=b'F' => found - b'A' + 10,
            _ => return None,
        };
        bytes[at / 2] = bytes[at / 2] << 4 | digit;
        at += 1;
    }
    Some(bytes)
}

/// A checksum while bytes come in.
pub(crate) enum Hasher {
    Sha256(Sha256),
    Md5(Md5),
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Md5(hasher) => hasher.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Checksum {
        match self {
            Self::Sha256(hasher) => Checksum::Sha256(hasher.finalize().into()),
            Self::Md5(hasher) => Checksum::Md5(hasher.finalize().into()),
        }
    }
}
