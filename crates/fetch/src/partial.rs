//! A download on disk: `.NAME.part` with the bytes, and `.NAME.part.json` with what they are part of.

use crate::checksum::Hasher;
use crate::{Error, Result, Source};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use vesalius_control::Control;

/// How many bytes are moved between two looks at the handle.
pub(crate) const PIECE: usize = 256 * 1024;

/// What the bytes are part of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub url: String,
    /// A strong ETag or a Last-Modified: what says that the file at the server is still the same.
    pub version: Option<String>,
    /// The size of the whole in bytes.
    pub total: Option<u64>,
}

impl Origin {
    /// A file of which nothing is known but the address.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..Self::default()
        }
    }
}

/// An unfinished download that no other process writes.
pub(crate) struct Partial {
    pub path: PathBuf,
    pub origin: Origin,
    file: File,
    length: u64,
}

impl Partial {
    /// The unfinished download of a source in a folder; empty where there is none, or where it is of something else.
    pub fn open(folder: &Path, source: &Source) -> Result<Self> {
        let path = folder.join(format!(".{}.part", source.file_name()));
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(Error::file(&path))?;
        match file.try_lock() {
            // A disk without locks: nothing warns of two at once.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path }),
        }
        let length = file.metadata().map_err(Error::file(&path))?.len();
        let mut partial = Self {
            origin: Origin::default(),
            path,
            file,
            length,
        };
        let known = std::fs::read(partial.origin_path()).ok();
        let known = known.and_then(|bytes| serde_json::from_slice::<Origin>(&bytes).ok());
        match known {
            Some(origin) if origin.url == source.url => partial.origin = origin,
            _ => partial.restart(Origin::at(&source.url))?,
        }
        Ok(partial)
    }

    fn origin_path(&self) -> PathBuf {
        self.path.with_added_extension("json")
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Begins again with nothing, as a part of `origin`.
    pub fn restart(&mut self, origin: Origin) -> Result<()> {
        self.file.set_len(0).map_err(Error::file(&self.path))?;
        self.length = 0;
        let text = serde_json::to_vec_pretty(&origin).map_err(|e| Error::File {
            path: self.origin_path(),
            source: e.into(),
        })?;
        let written = vesalius_io::write_bytes_atomically(self.origin_path(), &text);
        written.map_err(|error| Error::File {
            path: self.origin_path(),
            source: std::io::Error::other(error),
        })?;
        self.origin = origin;
        Ok(())
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let at = self.file.seek(SeekFrom::Start(self.length));
        let written = at.and_then(|_| self.file.write_all(bytes));
        written.map_err(Error::file(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Hashes what is there.
    pub fn hash(&mut self, mut hasher: Hasher, control: &Control) -> Result<Hasher> {
        let stage = control.stage("checking", self.length);
        self.rewind()?;
        let mut piece = vec![0; PIECE];
        loop {
            stage.control().check()?;
            let count = self
                .file
                .read(&mut piece)
                .map_err(Error::file(&self.path))?;
            if count == 0 {
                return Ok(hasher);
            }
            hasher.update(&piece[..count]);
            stage.advance(count as u64);
        }
    }

    /// The file, to be read from its begin.
    pub fn rewind(&mut self) -> Result<&File> {
        self.file.rewind().map_err(Error::file(&self.path))?;
        Ok(&self.file)
    }

    /// Makes it the file `target`, durable before it has the name.
    pub fn keep_as(self, target: &Path) -> Result<()> {
        self.file.sync_all().map_err(Error::file(&self.path))?;
        std::fs::rename(&self.path, target).map_err(Error::file(target))?;
        let _ = std::fs::remove_file(self.origin_path());
        Ok(())
    }

    /// Removes it.
    pub fn remove(self) -> Result<()> {
        let _ = std::fs::remove_file(self.origin_path());
        std::fs::remove_file(&self.path).map_err(Error::file(&self.path))
    }
}
