//! A preprocessed case on disk. The file is written completely or not at all. When it is opened, every byte is checked,
//! unless the file is unchanged since the last check (`seen`). Then only the parts that patches cover are read.
//!
//! Layout, little-endian: magic bytes; the length of a JSON header; the BLAKE3 hash of the header; the header, padded
//! with spaces so that what follows begins at a multiple of 64 bytes; the image (f32); its labels (u16); if
//! preprocessing changed the grid, the labels on the grid of the file (u16); the index of labelled voxels
//! ([`LabelIndex::to_bytes`]).
//!
//! The file is read and not mapped into memory: if a mapped file is truncated or its disk fails, the system ends the
//! process (SIGBUS). A read that fails is an error that names the case.

mod header;
mod indices;
mod parts;
mod stored;

use crate::seen::{FileStamp, Reading};
use crate::{Case, CaseFiles, Error, Result};
use header::Header;
pub(crate) use header::{FileNote, Identity, Source};
pub(crate) use indices::Indices;
use parts::{Box3, read_box};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use vesalius_control::Control;
use vesalius_transforms::LabelIndex;
use vesalius_volume::{FileWarning, Geometry, LabelMap, Subject, Volume, check_memory};

/// Bytes that are read at a time when a file is hashed.
const CHUNK: usize = 1 << 20;

/// A preprocessed case on disk, open for reading: image, labels, and an index of the labelled voxels.
#[derive(Debug)]
pub struct CacheEntry {
    path: PathBuf,
    file: File,
    header: Header,
    geometry: Geometry,
    /// The index, where it was read and is still kept by `indices` or used.
    index: Mutex<Weak<LabelIndex>>,
    indices: Arc<Indices>,
    ignore: Option<u16>,
    /// Offset of the image in the file, in bytes.
    start: u64,
    seen: Mutex<FileStamp>,
    /// The time of the last comparison with the checksum.
    checked: Reading,
}

/// The result of opening an entry.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The entry can be used.
    Whole(Box<CacheEntry>),
    /// There is no file.
    Absent,
    /// The file cannot be used, for this reason; the case is preprocessed again.
    Unusable(String),
}

/// Writes a case, completely or not at all. `told` has the warnings that reading its files gave.
///
/// # Errors
/// [`Error::Cache`] for a case without labels; [`Error::CacheWrite`] for a folder that cannot be written or a full
/// disk.
pub(crate) fn write(
    path: &Path,
    identity: &Identity,
    case: &Case,
    told: Vec<FileNote>,
) -> Result<()> {
    let subject = case.subject();
    let none = || cache_error(path, "a case without labels cannot be cached");
    let labels = subject.labels().ok_or_else(none)?;
    let voxels = subject.geometry().voxel_count();
    let index = case.index_bytes();
    let length = voxels * (4 * subject.image().channels() + 4) + index.len();
    let mut content = Vec::with_capacity(length);
    content.extend(subject.image().data().iter().flat_map(|v| v.to_le_bytes()));
    content.extend(labels.data().iter().flat_map(|v| v.to_le_bytes()));
    if let Some(original) = case.original_labels() {
        content.extend(original.data().iter().flat_map(|v| v.to_le_bytes()));
    }
    content.extend_from_slice(&index);
    let index = index.len() as u64;
    let header = Header::of(case, identity, index, blake3::hash(&content), told)
        .bytes()
        .map_err(|e| cache_error(path, &e.to_string()))?;
    vesalius_io::write_atomically(path, |writer| {
        writer.write_all(&header)?;
        writer.write_all(&content)
    })
    .map_err(|source| Error::CacheWrite { source })
}

impl CacheEntry {
    /// Opens an entry. Every byte is checked, unless the file is unchanged since the check in `last`.
    pub(crate) fn open(
        path: &Path,
        identity: &Identity,
        ignore: Option<u16>,
        last: Option<Reading>,
    ) -> Opened {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Opened::Absent,
            Err(e) => return Opened::Unusable(format!("cannot be read: {e}")),
        };
        match Self::check(path, file, Some(identity), ignore, last) {
            Ok(entry) => Opened::Whole(Box::new(entry)),
            Err(reason) => Opened::Unusable(reason),
        }
    }

    fn check(
        path: &Path,
        file: File,
        identity: Option<&Identity>,
        ignore: Option<u16>,
        last: Option<Reading>,
    ) -> std::result::Result<Self, String> {
        let cannot = |e: std::io::Error| format!("cannot be read: {e}");
        let stamp = FileStamp::of(&file.metadata().map_err(cannot)?);
        let last = last.filter(|reading| reading.holds(stamp));
        let checked = last.unwrap_or_else(|| Reading::now(stamp));
        let (header, start) = Header::read(&file)?;
        header.check(identity)?;
        let geometry = header.geometry()?;
        let expected = start + header.content_bytes().ok_or("has sizes that overflow")?;
        if stamp.bytes != expected {
            return Err(format!(
                "has {} bytes where its header announces {expected}",
                stamp.bytes
            ));
        }
        if last.is_none()
            && content_hash(&file, start, stamp.bytes).map_err(cannot)? != header.content
        {
            return Err("is damaged: its checksum does not match its content".to_owned());
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            geometry,
            index: Mutex::default(),
            indices: Arc::default(),
            ignore,
            start,
            seen: Mutex::new(stamp),
            checked,
        })
    }

    /// The time of the last comparison with the checksum.
    pub(crate) fn checked(&self) -> Reading {
        self.checked
    }

    /// The name of the case.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Its grid after preprocessing.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Where its labelled voxels are; no voxel is read for it. The last indices that were read stay in memory, up to 128 MiB of
    /// all entries of a pool together.
    ///
    /// # Errors
    /// [`Error::CacheEntry`] for a file that was cut or written to since it was opened, and for a disk that fails.
    pub fn index(&self) -> Result<Arc<LabelIndex>> {
        if let Some(index) = self.kept_index() {
            return Ok(index);
        }
        let index = Arc::new(self.read_index()?);
        self.indices.keep(&index);
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&index);
        Ok(index)
    }

    fn kept_index(&self) -> Option<Arc<LabelIndex>> {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.upgrade()
    }

    /// The same entry, whose index is kept together with those of other entries.
    pub(crate) fn sharing(self, indices: Arc<Indices>) -> Self {
        Self { indices, ..self }
    }

    fn read_index(&self) -> Result<LabelIndex> {
        self.check_unchanged()?;
        if self.header.ignore != self.ignore {
            // Stored with another scheme.
            let labels = self.labels_in([0; 3], self.geometry.size())?;
            let labels = LabelMap::new(self.geometry, labels)?;
            return Ok(LabelIndex::of(&labels, self.ignore));
        }
        let damaged = || {
            self.unusable("is damaged: its index is none of its labels (`Verify::Full` makes such entries again)".into(), None)
        };
        // Both are within the file, whose length was compared with the header's.
        let voxels = self.header.voxel_bytes().ok_or_else(damaged)?;
        let mut bytes = vec![0; usize::try_from(self.header.index).map_err(|_| damaged())?];
        parts::read_at(&self.file, self.start + voxels, &mut bytes).map_err(|e| self.failed(e))?;
        let count = self.geometry.voxel_count() as u64;
        let index = LabelIndex::from_bytes(&bytes);
        index
            .filter(|index| index.voxel_count() == count)
            .ok_or_else(damaged)
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The warnings that reading the case's files gave. `files` has their paths now, which may have changed since.
    pub(crate) fn warnings(&self, files: &CaseFiles) -> Vec<FileWarning> {
        let sources = files.images.iter().chain([&files.label]);
        let sources: Vec<&PathBuf> = sources.collect();
        let told = self.header.told.iter().filter_map(|(number, warning)| {
            Some(FileWarning {
                path: (*sources.get(*number)?).clone(),
                warning: warning.clone(),
            })
        });
        told.collect()
    }

    /// Bytes of memory that [`CacheEntry::case`] takes, with or without its index.
    pub(crate) fn case_bytes(&self, with_index: bool) -> u64 {
        let voxels = self.header.voxel_bytes().unwrap_or(u64::MAX);
        match with_index {
            true => voxels.saturating_add(self.header.index),
            false => voxels,
        }
    }

    /// The voxels of a box, `[x, y, z]`, that begins at voxel `start`. Where the box reaches outside of the case, the
    /// image is 0 and the label is background.
    ///
    /// # Errors
    /// [`Error::Volume`] for a size that no memory holds; [`Error::CacheEntry`] for a file that was changed since it was
    /// opened, and for a disk that fails.
    pub fn region(&self, start: [i64; 3], size: [usize; 3]) -> Result<Subject> {
        let grid = self.geometry.region(start, size)?;
        let channels = self.header.channels;
        check_memory("a region of a case", size, channels, size_of::<f32>(), None)?;
        self.check_unchanged()?;
        let (image, labels) = (self.image(start, size)?, self.labels_in(start, size)?);
        let image = Volume::new(grid, self.header.channels, image)?;
        let labels = LabelMap::new(grid, labels)?;
        Ok(Subject::new(self.name(), image, Some(labels))?)
    }

    /// The whole case, read into memory, with the labels on the grid of the file if preprocessing changed it.
    ///
    /// # Errors
    /// As [`CacheEntry::region`].
    pub fn case(&self) -> Result<Case> {
        let subject = self.region([0; 3], self.geometry.size())?;
        let original = match self.header.original_geometry()? {
            None => None,
            Some(grid) => {
                let part = Box3::whole(grid.size(), 1);
                let labels = read_box(&self.file, self.originals(), &part, u16::from_le_bytes);
                Some(LabelMap::new(grid, labels.map_err(|e| self.failed(e))?)?)
            }
        };
        let case = Case::of_preprocessed(subject, original, self.ignore)
            .with_coverage(self.header.coverage.clone());
        Ok(match self.kept_index() {
            Some(index) => case.with_index(index),
            None => case,
        })
    }

    fn image(&self, start: [i64; 3], size: [usize; 3]) -> Result<Vec<f32>> {
        let part = Box3 {
            whole: self.geometry.size(),
            channels: self.header.channels,
            start,
            size,
        };
        read_box(&self.file, self.start, &part, f32::from_le_bytes).map_err(|e| self.failed(e))
    }

    fn labels_in(&self, start: [i64; 3], size: [usize; 3]) -> Result<Vec<u16>> {
        let part = Box3 {
            whole: self.geometry.size(),
            channels: 1,
            start,
            size,
        };
        let voxels = self.geometry.voxel_count() as u64;
        let from = self.start + voxels * self.header.channels as u64 * 4;
        read_box(&self.file, from, &part, u16::from_le_bytes).map_err(|e| self.failed(e))
    }

    /// Offset of the labels on the grid of the case's file, in bytes.
    fn originals(&self) -> u64 {
        let voxels = self.geometry.voxel_count() as u64;
        self.start + voxels * (self.header.channels as u64 * 4 + 2)
    }

    /// Checks that the file has the content that it had when it was opened. A file whose length, modification time and
    /// inode are unchanged is not read. Otherwise it is read and compared with its checksum. A change in place that
    /// keeps the three is not noticed; Vesalius never writes that way.
    ///
    /// # Errors
    /// [`Error::CacheEntry`].
    fn check_unchanged(&self) -> Result<()> {
        let facts = self.file.metadata().map_err(|e| self.failed(e))?;
        let now = FileStamp::of(&facts);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now == *seen {
            return Ok(());
        }
        let whole = now.bytes == seen.bytes
            && content_hash(&self.file, self.start, now.bytes).map_err(|e| self.failed(e))?
                == self.header.content;
        if !whole {
            let reason = format!(
                "was changed while the run read it (it had {} bytes and has {})",
                seen.bytes, now.bytes
            );
            return Err(self.unusable(reason, None));
        }
        *seen = now;
        Ok(())
    }

    fn failed(&self, error: std::io::Error) -> Error {
        self.unusable(format!("can no longer be read ({error})"), Some(error))
    }

    fn unusable(&self, reason: String, source: Option<std::io::Error>) -> Error {
        Error::CacheEntry {
            case: self.name().to_owned(),
            path: self.path.clone(),
            reason,
            source,
        }
    }
}

/// The BLAKE3 hash, in hex, of a file's bytes from `start` to `end`.
fn content_hash(file: &File, start: u64, end: u64) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut at = start;
    while at < end {
        let length = CHUNK.min((end - at) as usize);
        parts::read_at(file, at, &mut buffer[..length])?;
        hasher.update(&buffer[..length]);
        at += length as u64;
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The BLAKE3 hash of a whole file, in hex, and its length in bytes.
///
/// # Errors
/// A file that cannot be read; [`Error::Cancelled`].
pub(crate) fn file_hash(path: &Path, control: &Control) -> Result<(String, u64)> {
    let failed = |source| vesalius_io::Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut length = 0;
    loop {
        control.check()?;
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok((hasher.finalize().to_hex().to_string(), length));
        }
        hasher.update(&buffer[..read]);
        length += read as u64;
    }
}

pub(crate) fn cache_error(path: &Path, reason: &str) -> Error {
    Error::Cache {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
