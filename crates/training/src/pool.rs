//! The cases of a dataset, preprocessed once: in memory as far as the budget goes, on disk beyond it.
//!
//! Entries on disk are found by a key: a hash of the files' content and of the preprocessing. The key is in the
//! entry as well, so that an entry is never stale. Several processes may share a folder: the first to need an entry
//! writes it.

mod prepare;

use crate::seen::Verify;
use crate::source::{CaseHandle, CaseSource, no_case};
use crate::{BadCase, CaseFiles, Error, MemoryBudget, Result, SkippedCase};
use prepare::{CacheFolder, Made};
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use vesalius_control::Stage;
use vesalius_transforms::{Chain, PatchSampling};
use vesalius_volume::{FileWarning, LabelScheme, Warning};

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
