//! Which files are unchanged since they were last read whole, by the system's length, time of change and file
//! number. An unchanged file need not be hashed again.
//!
//! A time of change is not conclusive as long as another change may get the same one. So a file that was read less
//! than [`SETTLED`] after its last change is read again the next time (git's rule for its index).

use crate::Result;
use crate::entry::{Source, file_hash};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vesalius_control::Control;

/// The coarsest clock of a file system in use (FAT's) ticks every two seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// How much is read to find that a file is the one that it was at the last start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verify {
    /// Nothing, where length, time of change and inode are what they were; else all of it. A program that changes
    /// a file in place, keeps its length and sets its time of change back is not noticed.
    #[default]
    Quick,
    /// All of every file, at every start.
    Full,
}

impl Verify {
    pub(crate) fn is_quick(&self) -> bool {
        *self == Self::Quick
    }
}

/// A file's state in the file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileStamp {
    pub bytes: u64,
    /// Nanoseconds since 1970.
    modified: Option<u64>,
    inode: Option<u64>,
}

impl FileStamp {
    pub fn of(facts: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = Some(std::os::unix::fs::MetadataExt::ino(facts));
        #[cfg(not(unix))]
        let inode = None;
        Self {
            bytes: facts.len(),
            modified: facts.modified().ok().and_then(nanoseconds),
            inode,
        }
    }
}

fn nanoseconds(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// When all of a file was read, and its state then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    stamp: FileStamp,
    /// When reading began, in nanoseconds since 1970.
    began: Option<u64>,
}

impl Reading {
    /// Of a file that is about to be read.
    pub fn now(stamp: FileStamp) -> Self {
        let began = nanoseconds(SystemTime::now());
        Self { stamp, began }
    }

    /// Whether a file of state `stamp` has the content that was read.
    pub fn holds(&self, stamp: FileStamp) -> bool {
        let settled = |(began, modified): (u64, u64)| {
            began > modified.saturating_add(SETTLED.as_nanos() as u64)
        };
        self.stamp == stamp && self.began.zip(stamp.modified).is_some_and(settled)
    }
}

/// A file that was hashed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    reading: Reading,
    pub source: Source,
}

/// Files whose hashes are kept, about 300 bytes each; the dataset of a run rarely has more.
const MOST_KEPT: usize = 1 << 16;

/// Files that this process hashed: folds and trials that read the same ones one after the other.
static HASHED: LazyLock<Mutex<Hashed>> = LazyLock::new(Mutex::default);

/// The files that were hashed last.
#[derive(Debug, Default)]
struct Hashed {
    files: HashMap<PathBuf, Seen>,
    /// Their paths, in the order in which they were hashed first.
    order: VecDeque<PathBuf>,
}

impl Hashed {
    /// Keeps a file, in place of the one that was kept first where there are `most` already.
    fn insert(&mut self, path: PathBuf, seen: Seen, most: usize) {
        if self.files.insert(path.clone(), seen).is_some() {
            return;
        }
        self.order.push_back(path);
        while self.order.len() > most {
            if let Some(first) = self.order.pop_front() {
                self.files.remove(&first);
            }
        }
    }
}

impl Seen {
    /// A file's hash: the one that is `known` or that this process found before where that still holds, else
    /// that of all its bytes.
    ///
    /// # Errors
    /// A file that cannot be read; [`crate::Error::Cancelled`].
    pub fn of(
        path: &Path,
        known: Option<&Self>,
        verify: Verify,
        control: &Control,
    ) -> Result<Self> {
        let stamp = stamp_of(path)?;
        let name = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let hashed = || HASHED.lock().unwrap_or_else(PoisonError::into_inner);
        if verify.is_quick() {
            if let Some(known) = known.filter(|seen| seen.reading.holds(stamp)) {
                return Ok(known.clone());
            }
            let before = hashed().files.get(&name).cloned();
            if let Some(before) = before.filter(|seen| seen.reading.holds(stamp)) {
                return Ok(before);
            }
        }
        let mut reading = Reading::now(stamp);
        let (hash, bytes) = file_hash(path, control)?;
        if stamp_of(path)? != stamp || bytes != stamp.bytes {
            // Written to meanwhile: the next start reads it again.
            reading.began = None;
        }
        let source = Source { bytes, hash };
        let seen = Self { reading, source };
        hashed().insert(name, seen.clone(), MOST_KEPT);
        Ok(seen)
    }
}

fn stamp_of(path: &Path) -> Result<FileStamp> {
    let facts = std::fs::metadata(path).map_err(|source| vesalius_io::Error::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(FileStamp::of(&facts))
}

/// The notes of a cache entry: the states of the files it was made from, and of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub files: Vec<Seen>,
    pub entry: Option<Reading>,
}

impl Note {
    /// The note of a file; an empty one where there is none, or none that can be read.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Writes the note where that is possible: without one the next start reads more, no worse. A cache may be
    /// read-only.
    pub fn write(&self, path: &Path) {
        if let Ok(text) = serde_json::to_vec(self) {
            let _ = vesalius_io::write_bytes_atomically(path, &text);
        }
    }
}

#[cfg(test)]
mod tests;
