//! Where a file's bytes come from: a file on disk, or memory in place of one. Parsers read through this
//! alone, so that both share every check.

use crate::text::{check_regular, open_regular};
use crate::{Error, Result};
use memmap2::Mmap;
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file on disk, or the bytes of one under a name.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    path: PathBuf,
    held: Option<Held>,
}

/// Bytes that several readers share.
#[derive(Clone)]
pub(crate) struct Held(Arc<Vec<u8>>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// All bytes of a place.
pub(crate) enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
    Held(Held),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
            Self::Held(held) => held.as_ref(),
        }
    }
}

/// A place that is read from one byte on.
pub(crate) enum Stream {
    File(File),
    Memory(Cursor<Held>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
        }
    }
}

impl Place {
    pub fn on_disk(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            held: None,
        }
    }

    pub fn in_memory(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self {
            path: name.into(),
            held: Some(Held(Arc::new(bytes))),
        }
    }

    /// The file, or the name in place of one.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same bytes under another name.
    pub fn named(self, name: impl Into<PathBuf>) -> Self {
        Self {
            path: name.into(),
            ..self
        }
    }

    pub fn is_in_memory(&self) -> bool {
        self.held.is_some()
    }

    pub fn is_folder(&self) -> bool {
        self.held.is_none() && self.path.is_dir()
    }

    /// How many bytes there are.
    pub fn length(&self) -> Result<u64> {
        match &self.held {
            Some(held) => Ok(held.0.len() as u64),
            None => {
                let facts = std::fs::metadata(&self.path);
                Ok(facts.map_err(|e| self.failed(e))?.len())
            }
        }
    }

    /// The bytes from `start` on.
    pub fn open_at(&self, start: u64) -> Result<Stream> {
        if let Some(held) = &self.held {
            let mut bytes = Cursor::new(held.clone());
            bytes.set_position(start);
            return Ok(Stream::Memory(bytes));
        }
        let fail = |e| self.failed(e);
        let mut file = open_regular(&self.path).map_err(fail)?;
        if start > 0 {
            file.seek(SeekFrom::Start(start)).map_err(fail)?;
        }
        Ok(Stream::File(file))
    }

    /// All bytes, in memory.
    pub fn bytes(&self) -> Result<Bytes> {
        match &self.held {
            Some(held) => Ok(Bytes::Held(held.clone())),
            None => {
                check_regular(&self.path).map_err(|e| self.failed(e))?;
                let bytes = std::fs::read(&self.path).map_err(|e| self.failed(e))?;
                Ok(Bytes::Owned(bytes))
            }
        }
    }

    /// All bytes, which stay in the file until they are read.
    pub fn map(&self) -> Result<Bytes> {
        if let Some(held) = &self.held {
            return Ok(Bytes::Held(held.clone()));
        }
        let fail = |e| self.failed(e);
        let file = open_regular(&self.path).map_err(fail)?;
        if file.metadata().map_err(fail)?.len() == 0 {
            return Ok(Bytes::Owned(Vec::new()));
        }
        // SAFETY: the map is read-only. A program that shortens the file meanwhile would break any
        // reader that maps files.
        Ok(Bytes::Mapped(unsafe { Mmap::map(&file) }.map_err(fail)?))
    }

    /// Refuses a header that names other files, where there are none, as in memory.
    pub fn expect_neighbours(&self, what: &str) -> Result<()> {
        match self.is_in_memory() {
            true => Err(Error::unsupported(
                &self.path,
                format!("{what}, read from memory or a stream,"),
                "read it by its path, or store the image in one file (.nii, .nii.gz, .mha, .nrrd)",
            )),
            false => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::read(&self.path, source)
    }
}
