//! The key of the hashes: 32 bytes in a file of its own.

use crate::{Error, Result};
use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// The secret with which identifiers are hashed and dates are shifted. The same key gives the same pseudonyms, so that
/// what is de-identified later fits to what was before; who has it and the originals can [re-identify](crate::Reidentifier).
///
/// It is not shown by `Debug`.
///
/// ```
/// use vesalius_dicom::DeidentifyKey;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("study.key");
/// let made = DeidentifyKey::create(&path)?;
/// assert_eq!(DeidentifyKey::read(&path)?, made);
/// assert!(DeidentifyKey::create(&path).is_err(), "a key is never overwritten");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DeidentifyKey([u8; 32]);

impl fmt::Debug for DeidentifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeidentifyKey(not shown)")
    }
}

impl DeidentifyKey {
    /// How many bytes a key has.
    pub const LENGTH: usize = 32;

    /// A key of these bytes, which must be random.
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Makes a random key and writes it as 64 hexadecimal digits into a new file that only its owner may read.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Key`] when the system has no random numbers, [`Error::Io`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut bytes = [0; Self::LENGTH];
        getrandom::fill(&mut bytes)
            .map_err(|e| Error::key(path, format!("the system gives no random numbers ({e})")))?;
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|source| {
            if source.kind() == std::io::ErrorKind::AlreadyExists {
                return Error::Exists {
                    path: path.to_owned(),
                };
            }
            Error::write(path, source)
        })?;
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let written = file.write_all(format!("{digits}\n").as_bytes());
        if let Err(source) = written.and_then(|()| file.sync_all()) {
            // A part of a key would be taken for one that is damaged.
            let _ = std::fs::remove_file(path);
            return Err(Error::write(path, source));
        }
        Ok(Self(bytes))
    }

    /// Reads the key of a file.
    ///
    /// # Errors
    /// [`Error::Key`] for a file that is not 64 hexadecimal digits, or that others than its owner may read;
    /// [`Error::Io`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::read(path, source))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let found = file
                .metadata()
                .map_err(|source| Error::read(path, source))?;
            if found.permissions().mode() & 0o077 != 0 {
                let problem = "others than its owner may read it; take that right away (chmod 600)";
                return Err(Error::key(path, problem));
            }
        }
        let mut text = String::new();
        file.take(4096)
            .read_to_string(&mut text)
            .map_err(|_| Error::key(path, "it is not text; a key is 64 hexadecimal digits"))?;
        Self::of_digits(text.trim()).ok_or_else(|| {
            let count = text.trim().chars().count();
            let problem = format!(
                "a key is 64 hexadecimal digits, and this file has {count} characters; make one by `DeidentifyKey::create`"
            );
            Error::key(path, problem)
        })
    }

    fn of_digits(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 2 * Self::LENGTH || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let mut bytes = [0; Self::LENGTH];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The keyed hash of values for one purpose.
    pub(crate) fn hash(&self, purpose: &str, values: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(purpose.as_bytes()).chain(values.iter().copied()) {
            // With their lengths, so that parts cannot run into each other.
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }
}
