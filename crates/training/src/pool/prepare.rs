//! One case of a pool: found in the cache, or read, preprocessed and, where the options say so, stored.

use super::PoolOptions;
use crate::entry::{self, CacheEntry, FileNote, Identity, Indices, Opened, cache_error};
use crate::seen::{Note, Seen};
use crate::source::CaseHandle;
use crate::{Case, CaseFiles, Error, Result, read_case_with};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use vesalius_io::{FolderLock, LockHolder};
use vesalius_transforms::PatchSampling;
use vesalius_volume::{FileWarning, Warning};

/// A prepared case.
pub(super) struct Made {
    pub handle: CaseHandle,
    pub key: String,
    /// Why the entry had to be made again.
    pub remade: Option<Warning>,
    /// Warnings about the files.
    pub of_files: Vec<FileWarning>,
}

/// The lock on the cache's folder, taken when the first entry is written: a folder that holds all of them may
/// be read-only.
#[derive(Default)]
pub(super) struct CacheFolder {
    held: Mutex<Held>,
    /// The indices of all entries that stay on disk.
    indices: Arc<Indices>,
}

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
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
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
    pub(super) fn made(&self, files: &CaseFiles, folder: &CacheFolder) -> Result<Made> {
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
        let unusable = match opened {
            Opened::Whole(entry) => {
                let note = Note {
                    files: seen.clone(),
                    entry: Some(entry.checked()),
                };
                let of_files = entry.warnings(files);
                match self.place(entry.sharing(folder.indices.clone())) {
                    Ok(handle) => {
                        if note != known {
                            note.write(&note_path);
                        }
                        return Ok(Made {
                            handle,
                            key,
                            remade: None,
                            of_files,
                        });
                    }
                    Err(Error::CacheEntry { reason, .. }) => Some(reason),
                    Err(error) => return Err(error),
                }
            }
            Opened::Absent => None,
            Opened::Unusable(reason) => Some(reason),
        };
        let remade = unusable.map(|reason| Warning::CacheEntryRemade {
            case: files.name.clone(),
            path: path.clone(),
            reason,
        });
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
                match opened {
                    Opened::Whole(entry) => {
                        let entry = entry.sharing(folder.indices.clone());
                        CaseHandle::Stored(Arc::new(entry))
                    }
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

    /// An entry in memory where it fits, else as it is.
    fn place(&self, entry: CacheEntry) -> Result<CaseHandle> {
        if !self.budget.take(entry.case_bytes(self.reads_labels())) {
            return Ok(CaseHandle::Stored(Arc::new(entry)));
        }
        let case = entry.case()?;
        let case = match self.reads_labels() {
            // Read, which is faster than to make it of the labels.
            true => case.with_index(entry.index()?),
            false => case,
        };
        Ok(CaseHandle::Whole(Arc::new(case)))
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
