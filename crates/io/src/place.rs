//! Where a file's bytes come from: a file on disk, memory in place of one, or a member of an archive. Parsers read
//! through this alone, so that all share every check.

use crate::archive::{Archive, Member};
use crate::text::{check_regular, open_regular};
use crate::{Error, Result, budget};
use memmap2::Mmap;
use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a file or a stream that are not voxels, at most: headers, extensions.
pub(crate) const BESIDE: u64 = 128 << 20;

/// A file on disk, or the bytes of one under a name.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    OnDisk,
    Held(Held),
    /// A member of an archive, unpacked when it is read.
    Member(Arc<Member>),
    /// The members of an archive that was opened.
    Archive(Arc<Archive>),
}

/// A part of bytes that several readers share.
#[derive(Clone)]
pub(crate) struct Held {
    bytes: Arc<Bytes>,
    first: usize,
    length: usize,
}

impl Held {
    pub fn new(bytes: Arc<Bytes>) -> Self {
        let length = bytes.len();
        Self {
            bytes,
            first: 0,
            length,
        }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// A part of this part; `None` where it reaches beyond the end.
    pub fn part(&self, first: usize, length: usize) -> Option<Self> {
        let end = first.checked_add(length)?;
        (end <= self.length).then(|| Self {
            bytes: self.bytes.clone(),
            first: self.first + first,
            length,
        })
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.first..self.first + self.length]
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
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
    Member(Box<dyn Read + Send>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Memory(bytes) => bytes.read(buffer),
            Self::Member(stream) => stream.read(buffer),
        }
    }
}

impl Place {
    pub fn on_disk(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            content: Content::OnDisk,
        }
    }

    pub fn in_memory(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self::held(name, Held::new(Arc::new(Bytes::Owned(bytes))))
    }

    pub fn held(name: impl Into<PathBuf>, held: Held) -> Self {
        Self {
            path: name.into(),
            content: Content::Held(held),
        }
    }

    pub fn member(name: impl Into<PathBuf>, member: Member) -> Self {
        Self {
            path: name.into(),
            content: Content::Member(Arc::new(member)),
        }
    }

    /// This place, with the members of the archive that it is.
    pub fn opened(&self, archive: Archive) -> Self {
        Self {
            path: self.path.clone(),
            content: Content::Archive(Arc::new(archive)),
        }
    }

    /// The members, where it is an archive that was opened.
    pub fn archive(&self) -> Option<&Archive> {
        match &self.content {
            Content::Archive(archive) => Some(archive),
            _ => None,
        }
    }

    /// A member of an archive as bytes in memory, so that parts of it can be read.
    pub fn unpacked(&self, limit: u64) -> Result<Self> {
        match &self.content {
            Content::Member(member) if member.length > limit.saturating_add(BESIDE) => {
                Err(Error::TooLarge {
                    path: self.path.clone(),
                    needed: member.length,
                    limit,
                })
            }
            Content::Member(_) => {
                let held = Held::new(Arc::new(self.map()?));
                Ok(Self::held(self.path.clone(), held))
            }
            _ => Ok(self.clone()),
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
        !matches!(self.content, Content::OnDisk)
    }

    pub fn is_folder(&self) -> bool {
        !self.is_in_memory() && self.path.is_dir()
    }

    /// Whether it is a folder, or an archive that was opened.
    pub fn holds_files(&self) -> bool {
        self.archive().is_some() || self.is_folder()
    }

    /// How many bytes there are.
    pub fn length(&self) -> Result<u64> {
        match &self.content {
            Content::Held(held) => Ok(held.len() as u64),
            Content::Member(member) => Ok(member.length),
            Content::OnDisk | Content::Archive(_) => {
                let facts = std::fs::metadata(&self.path);
                Ok(facts.map_err(|e| self.failed(e))?.len())
            }
        }
    }

    /// The bytes from `start` on.
    pub fn open_at(&self, start: u64) -> Result<Stream> {
        match &self.content {
            Content::Held(held) => {
                let mut bytes = Cursor::new(held.clone());
                bytes.set_position(start);
                return Ok(Stream::Memory(bytes));
            }
            Content::Member(member) => {
                let stream = member.open_at(start);
                let stream = stream.map_err(|e| budget::damaged(&self.path, start, &e))?;
                return Ok(Stream::Member(stream));
            }
            Content::OnDisk | Content::Archive(_) => {}
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
        match &self.content {
            Content::Held(held) => Ok(Bytes::Held(held.clone())),
            Content::Member(member) => member.bytes(&self.path),
            Content::OnDisk | Content::Archive(_) => {
                check_regular(&self.path).map_err(|e| self.failed(e))?;
                let bytes = std::fs::read(&self.path).map_err(|e| self.failed(e))?;
                Ok(Bytes::Owned(bytes))
            }
        }
    }

    /// All bytes, which stay in the file until they are read.
    pub fn map(&self) -> Result<Bytes> {
        match &self.content {
            Content::Held(held) => return Ok(Bytes::Held(held.clone())),
            Content::Member(member) => return member.bytes(&self.path),
            Content::OnDisk | Content::Archive(_) => {}
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
