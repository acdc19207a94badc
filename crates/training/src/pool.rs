//! The cases of a dataset, preprocessed once: in memory as far as the budget goes, on disk beyond it.
//!
//! Entries on disk are found by a key: a hash of the files' content and of the preprocessing. The key is in the
//! entry as well, so that an entry is never stale. Several processes may share a folder: the first to need an entry
//! writes it.

use crate::entry::{self, CacheEntry, FileNote, Identity, Opened, cache_error};
use crate::seen::{Note, Seen, Verify};
use crate::source::{CaseHandle, CaseSource, no_case};
use crate::{BadCase, Case, CaseFiles, Error, Result, SkippedCase, read_case_with};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use vesalius_control::Stage;
use vesalius_io::{FolderLock, LockHolder};
use vesalius_transforms::{Chain, PatchSampling};
use vesalius_volume::{FileWarning, LabelScheme, Warning};

/// Bytes of memory that several pools share.
///
/// ```
/// use vesalius_training::MemoryBudget;
///
/// let budget = MemoryBudget::new(100);
/// assert!(budget.take(70) && !budget.take(70));
/// assert_eq!(budget.left(), 30);
/// ```
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    left: Arc<AtomicU64>,
}

impl MemoryBudget {
    /// So many bytes.
    pub fn new(bytes: u64) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(bytes)),
        }
    }

    /// Bytes that are not taken.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Takes so many bytes, or none.
    pub fn take(&self, bytes: u64) -> bool {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            });
        taken.is_ok()
    }

    /// Takes what cannot be done without: so many bytes, or all that are left.
    pub fn take_anyway(&self, bytes: u64) {
        let left = |left: u64| Some(left.saturating_sub(bytes));
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
    }
}

/// How a pool makes and keeps cases.
#[derive(Debug)]
pub struct PoolOptions<'a> {
    /// Channels of every image.
    pub channels: usize,
    /// What labels mean.
    pub scheme: &'a LabelScheme,
    /// Done once to every case.
    pub preprocessing: &'a Chain,
    /// How patches are drawn from the cases; `None` for cases that are read whole only. The indices of labelled voxels
    /// are made, and counted in the budget, where places depend on labels. Elsewhere a handle makes its index when it is
    /// asked for one.
    pub sampling: Option<&'a PatchSampling>,
    /// Memory for cases.
    pub budget: MemoryBudget,
    /// The folder for cases that do not fit in memory.
    pub folder: PathBuf,
    /// Whether every case goes to the folder, for the next run, and not only those that do not fit in memory.
    pub store_all: bool,
    /// How much of the files, and of what is stored of them, is read to find that they are the same.
    pub verify: Verify,
    /// What happens with cases that cannot be used.
    pub bad_case: BadCase,
    /// Counts the cases that are prepared; its control cancels, also in the middle of a case.
    pub stage: &'a Stage,
}

/// Cases of files, kept according to [`PoolOptions`].
#[derive(Debug)]
pub struct CasePool {
    names: Vec<String>,
    slots: Vec<Slot>,
    identities: Vec<String>,
    warnings: Vec<Warning>,
    of_files: Vec<FileWarning>,
    /// A temporary folder of the stored cases, removed when the last of them is dropped.
    scratch: Option<Arc<tempfile::TempDir>>,
}

#[derive(Debug)]
enum Slot {
    Ready(CaseHandle),
    Broken(String),
}

impl CasePool {
    /// Keeps a temporary folder as long as the pool.
    pub fn keep(&mut self, scratch: Arc<tempfile::TempDir>) {
        self.scratch = Some(scratch);
    }

    /// Reads, checks, preprocesses and stores every case, in parallel; what an earlier run stored is
    /// opened instead.
    ///
    /// # Errors
    /// The first case, in the list's order, that cannot be used, unless such cases are skipped; a
    /// cache that cannot be written; no case left; [`Error::Cancelled`].
    pub fn prepare(files: &[CaseFiles], options: &PoolOptions) -> Result<Self> {
        let folder = CacheFolder::default();
        let made: Vec<Result<Made>> = files
            .par_iter()
            .map(|case| {
                options.stage.control().check()?;
                let made = options.made(case, &folder)?;
                options.stage.advance(1);
                Ok(made)
            })
            .collect();
        let mut pool = Self {
            names: files.iter().map(|case| case.name.clone()).collect(),
            slots: Vec::with_capacity(files.len()),
            identities: Vec::with_capacity(files.len()),
            warnings: Vec::new(),
            of_files: Vec::new(),
            scratch: None,
        };
        for made in made {
            pool.slots.push(match (made, options.bad_case) {
                (Ok(made), _) => {
                    pool.identities.push(made.key);
                    pool.warnings.extend(made.remade);
                    pool.of_files.extend(made.of_files);
                    Slot::Ready(made.handle)
                }
                (Err(error), BadCase::Skip) if error.is_of_case() => {
                    pool.identities.push(String::new());
                    Slot::Broken(error.to_string())
                }
                (Err(error), _) => return Err(error),
            });
        }
        Ok(pool)
    }

    /// What was found of entries that cannot be used and were made again.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What was decided on reading the cases' files, now or when they were stored.
    pub fn of_files(&self) -> &[FileWarning] {
        &self.of_files
    }

    fn ready(&self) -> impl Iterator<Item = &CaseHandle> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Ready(handle) => Some(handle),
            Slot::Broken(_) => None,
        })
    }

    /// How many cases lie in memory, and how many on disk.
    pub fn places(&self) -> [usize; 2] {
        let in_memory = |handle: &&CaseHandle| matches!(handle, CaseHandle::Whole(_));
        let memory = self.ready().filter(in_memory).count();
        [memory, self.ready().count() - memory]
    }

    /// Cases that can be used.
    pub fn usable(&self) -> usize {
        self.ready().count()
    }
}

/// A prepared case.
struct Made {
    handle: CaseHandle,
    key: String,
    /// Why the entry had to be made again.
    remade: Option<Warning>,
    /// Warnings about the files.
    of_files: Vec<FileWarning>,
}

/// The lock on the cache's folder, taken when the first entry is written: a folder that holds all of them may
/// be read-only.
#[derive(Default)]
struct CacheFolder(Mutex<Held>);

#[derive(Default)]
enum Held {
    #[default]
    NotYet,
    ByThis {
        _lock: FolderLock,
    },
    /// By the run, whose own folder it is.
    ByTheRun,
}

impl CacheFolder {
    fn take(&self, options: &PoolOptions) -> Result<()> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*held, Held::NotYet) {
            *held = Held::of(&options.folder)?;
        }
        Ok(())
    }
}

impl Held {
    fn of(folder: &Path) -> Result<Self> {
        // With exclusive access, remove what killed runs left; then use shared access, as always.
        if let Ok(alone) = FolderLock::exclusive(folder) {
            alone.remove_leftovers("");
        }
        match FolderLock::shared(folder) {
            Ok(lock) => Ok(Self::ByThis { _lock: lock }),
            Err(vesalius_io::Error::Locked { holders, .. })
                if holders.iter().any(LockHolder::is_this_process) =>
            {
                Ok(Self::ByTheRun)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl PoolOptions<'_> {
    fn made(&self, files: &CaseFiles, folder: &CacheFolder) -> Result<Made> {
        let note_path = self.note_path(files)?;
        let known = match self.verify.is_quick() {
            true => Note::read(&note_path),
            false => Note::default(),
        };
        let seen = self.seen(files, &known)?;
        let identity = self.identity(files, &seen)?;
        let key = identity.key();
        let path = self.folder.join(format!("{key}.case"));
        let ignore = self.scheme.ignore();
        let opened = CacheEntry::open(&path, &identity, ignore, known.entry);
        let remade = match self.with_index(opened) {
            Opened::Whole(entry) => {
                let note = Note {
                    files: seen,
                    entry: Some(entry.checked()),
                };
                if note != known {
                    note.write(&note_path);
                }
                let of_files = entry.warnings(files);
                let handle = self.place(*entry)?;
                return Ok(Made {
                    handle,
                    key,
                    remade: None,
                    of_files,
                });
            }
            Opened::Absent => None,
            Opened::Unusable(reason) => Some(Warning::CacheEntryRemade {
                case: files.name.clone(),
                path: path.clone(),
                reason,
            }),
        };
        // Files and transforms of many cases at once would be no count to follow.
        let control = self.stage.control().silent();
        let (subject, of_files) = read_case_with(files, self.channels, &control)?;
        let case = Case::new_with(subject, self.scheme, self.preprocessing, &control)?;
        if self.reads_labels() {
            case.index();
        }
        let fits = self.budget.take(case.bytes());
        // A bad entry is replaced in any case, so that it is reported once.
        if self.store_all || !fits || remade.is_some() {
            folder.take(self)?;
            entry::write(&path, &identity, &case, numbered(files, &of_files))?;
            // The entry's own checksum is compared at the next start, when its time of change has settled.
            let note = Note {
                files: seen,
                entry: None,
            };
            note.write(&note_path);
        }
        let handle = match fits {
            true => CaseHandle::Whole(Arc::new(case)),
            false => {
                drop(case);
                let opened = CacheEntry::open(&path, &identity, ignore, None);
                match self.with_index(opened) {
                    Opened::Whole(entry) => self.stored(*entry),
                    Opened::Absent => {
                        return Err(cache_error(&path, "what was just written is gone"));
                    }
                    Opened::Unusable(reason) => return Err(cache_error(&path, &reason)),
                }
            }
        };
        Ok(Made {
            handle,
            key,
            remade,
            of_files,
        })
    }

    fn reads_labels(&self) -> bool {
        self.sampling.is_some_and(PatchSampling::reads_labels)
    }

    /// An entry with the index that patches are drawn by, where they are.
    fn with_index(&self, opened: Opened) -> Opened {
        match opened {
            Opened::Whole(entry) if self.reads_labels() => {
                let read = entry.index().map(|_| ());
                match read {
                    Ok(()) => Opened::Whole(entry),
                    Err(Error::CacheEntry { reason, .. }) => Opened::Unusable(reason),
                    Err(other) => Opened::Unusable(other.to_string()),
                }
            }
            opened => opened,
        }
    }

    /// An entry in memory where it fits, else as it is.
    fn place(&self, entry: CacheEntry) -> Result<CaseHandle> {
        if self.budget.take(entry.case_bytes()) {
            return Ok(CaseHandle::Whole(Arc::new(entry.case()?)));
        }
        Ok(self.stored(entry))
    }

    /// An entry that stays on disk; the index of its labelled voxels, where patches are drawn by it, is in memory all
    /// the same.
    fn stored(&self, entry: CacheEntry) -> CaseHandle {
        self.budget.take_anyway(entry.bytes());
        CaseHandle::Stored(Arc::new(entry))
    }

    /// The state of a case's files by their content, read unless `known` has it.
    fn seen(&self, files: &CaseFiles, known: &Note) -> Result<Vec<Seen>> {
        let paths = files.images.iter().chain([&files.label]);
        paths
            .enumerate()
            .map(|(index, path)| {
                let known = known.files.get(index);
                Seen::of(path, known, self.verify, self.stage.control())
            })
            .collect()
    }

    /// Everything that the preprocessed case follows from.
    fn identity(&self, files: &CaseFiles, seen: &[Seen]) -> Result<Identity> {
        let json = |value: serde_json::Result<String>| {
            value.map_err(|e| cache_error(&self.folder, &e.to_string()))
        };
        Ok(Identity::new(
            &files.name,
            self.channels,
            json(serde_json::to_string(self.scheme))?,
            json(serde_json::to_string(self.preprocessing))?,
            seen.iter().map(|seen| seen.source.clone()).collect(),
        ))
    }

    /// The path of the note of an entry whose files are identified by their paths alone.
    fn note_path(&self, files: &CaseFiles) -> Result<PathBuf> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.identity(files, &[])?.key().as_bytes());
        for path in files.images.iter().chain([&files.label]) {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            hasher.update(&[0]);
            hasher.update(path.as_os_str().as_encoded_bytes());
        }
        let name = &hasher.finalize().to_hex()[..40];
        Ok(self.folder.join(format!("{name}.seen")))
    }
}

/// The warnings with the number of each one's file in place of its path, which may change.
fn numbered(files: &CaseFiles, of_files: &[FileWarning]) -> Vec<FileNote> {
    let number = |told: &FileWarning| {
        let mut sources = files.images.iter().chain([&files.label]);
        let number = sources.position(|path| *path == told.path)?;
        Some((number, told.warning.clone()))
    };
    of_files.iter().filter_map(number).collect()
}

impl CaseSource for CasePool {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn get(&self, index: usize) -> Result<CaseHandle> {
        let (Some(slot), Some(name)) = (self.slots.get(index), self.names.get(index)) else {
            return Err(no_case(index, self.slots.len()));
        };
        match slot {
            Slot::Ready(handle) => Ok(handle.clone()),
            Slot::Broken(reason) => Err(Error::Case {
                case: name.clone(),
                reason: reason.clone(),
            }),
        }
    }

    fn label_values(&self) -> Option<Vec<u16>> {
        let mut values: Vec<u16> = self
            .ready()
            .flat_map(|handle| match handle {
                CaseHandle::Whole(case) => case.values().to_vec(),
                CaseHandle::Stored(case) => case.label_values().unwrap_or_default(),
            })
            .collect();
        values.sort_unstable();
        values.dedup();
        Some(values)
    }

    fn identities(&self) -> Vec<String> {
        self.identities.clone()
    }

    fn broken(&self) -> Vec<SkippedCase> {
        let slots = self.names.iter().zip(&self.slots);
        slots
            .filter_map(|(name, slot)| match slot {
                Slot::Ready(_) => None,
                Slot::Broken(reason) => Some(SkippedCase::new(name, reason)),
            })
            .collect()
    }
}
