//! A file that is being received: named at random, synced to the disk when it is whole, removed when it is not kept.

use crate::data_set::{InstanceHeader, meta_bytes, open};
use crate::uid::random_name;
use crate::{Error, FileMeta, Result};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

/// Names of files that are not kept yet end so.
const ENDING: &str = ".part";

/// A file that is being received. It is removed unless [`IncomingFile::finish`] and then [`ReceivedInstance::keep`] are
/// called.
pub struct IncomingFile {
    file: File,
    path: Removed,
    hash: blake3::Hasher,
    bytes: u64,
    is_part_ten: bool,
}

/// A file that is removed when this is dropped.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn failed(source: std::io::Error) -> Error {
    Error::io("writing a received object", source)
}

impl IncomingFile {
    /// A file for the bytes of a data set, which gets the meta information of these identifiers first. They must have
    /// been checked by [`is_uid`](crate::is_uid).
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be made.
    pub fn data_set(
        folder: &Path,
        class: &str,
        instance: &str,
        syntax: &str,
        source: &str,
    ) -> Result<Self> {
        let mut made = Self::create(folder, false)?;
        let meta = meta_bytes(class, instance, syntax, source);
        made.file.write_all(&meta).map_err(failed)?;
        Ok(made)
    }

    /// A file for the bytes of a whole DICOM file, as they come by DICOMweb.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be made.
    pub fn part_ten(folder: &Path) -> Result<Self> {
        Self::create(folder, true)
    }

    fn create(folder: &Path, is_part_ten: bool) -> Result<Self> {
        let path = folder.join(format!("{}{ENDING}", random_name()?));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        Ok(Self {
            file,
            path: Removed(path),
            hash: blake3::Hasher::new(),
            bytes: 0,
            is_part_ten,
        })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`Error::Io`], for example when the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(failed)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Syncs the file to the disk and reads its header.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk fails, [`Error::DataSet`] and [`Error::File`] for what is no object.
    pub fn finish(self) -> Result<ReceivedInstance> {
        self.file.sync_data().map_err(failed)?;
        let (meta, file, length) = open(&self.path.0).map_err(|error| match error {
            // The name of the file means nothing to the sender.
            Error::File { problem, .. } => Error::DataSet(problem),
            other => other,
        })?;
        let header = InstanceHeader::read(BufReader::with_capacity(1 << 14, file), &meta.syntax)?;
        let hash = match self.is_part_ten {
            false => self.hash.finalize(),
            true => hash_of(&self.path.0)?,
        };
        Ok(ReceivedInstance {
            path: self.path,
            meta,
            header,
            hash: *hash.as_bytes(),
            bytes: length,
        })
    }
}

/// The hash of a file's data set, without its meta information.
fn hash_of(path: &Path) -> Result<blake3::Hash> {
    let (_, mut file, _) = open(path)?;
    let mut hash = blake3::Hasher::new();
    std::io::copy(&mut file, &mut hash).map_err(failed)?;
    Ok(hash.finalize())
}

/// A whole object on the disk, not kept yet. It is removed when it is dropped without [`ReceivedInstance::keep`].
pub struct ReceivedInstance {
    path: Removed,
    meta: FileMeta,
    header: InstanceHeader,
    hash: [u8; 32],
    bytes: u64,
}

impl ReceivedInstance {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path.0
    }

    /// The file's meta information.
    pub fn meta(&self) -> &FileMeta {
        &self.meta
    }

    /// Identifiers, what the object shows, and where.
    pub fn header(&self) -> &InstanceHeader {
        &self.header
    }

    /// The BLAKE3 hash of the data set: equal for the same object that comes twice in the same transfer syntax.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// How long the data set is, bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a DICOM file holds the same data set.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Io`] where the file cannot be read.
    pub fn is_same_as(&self, path: &Path) -> Result<bool> {
        Ok(hash_of(path)?.as_bytes() == &self.hash)
    }

    /// Gives the file its name, on the same file system, and syncs the folder. No file is replaced.
    ///
    /// # Errors
    /// [`Error::Io`]; its source is `AlreadyExists` where a file of this name exists.
    pub fn keep(self, to: &Path) -> Result<()> {
        self.link(to)
    }

    /// As [`ReceivedInstance::keep`]; the object can still be compared with a file that exists.
    pub(super) fn link(&self, to: &Path) -> Result<()> {
        // A link fails where the name is taken; a rename would replace that file.
        match std::fs::hard_link(&self.path.0, to) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists && !to.exists() => {
                std::fs::rename(&self.path.0, to).map_err(failed)?;
            }
            linked => linked.map_err(failed)?,
        }
        sync_folder(to)
    }
}

/// Makes the name of a file or folder durable, in the folder that has it. Systems whose folders cannot be opened do so by themselves.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    match path.parent().map(File::open) {
        Some(Ok(folder)) if cfg!(unix) => folder.sync_all().map_err(failed),
        _ => Ok(()),
    }
}

/// Removes what a process that was killed left unfinished in a folder. To be called before a server starts on it.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be read.
pub fn remove_incoming(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(ENDING).unwrap_or_default();
        if stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}
