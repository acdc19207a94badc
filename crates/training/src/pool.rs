//! The cases of a dataset, preprocessed once: in memory as far as the budget goes, on disk beyond it.
//!
//! What is on disk is found by a key: a hash of the files' content and of everything that is done to
//! them, so that an entry is never stale. Two processes may share a folder: whoever is first writes.

use crate::entry::{self, Entry, cache_error};
use crate::source::{CaseSource, Lent};
use crate::{BadCase, Case, CaseFiles, Error, Result, read_case};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vesalius_transforms::Chain;
use vesalius_volume::LabelScheme;

/// What a program that preprocesses or stores otherwise puts in the key.
const VERSION: &str = "1";

/// Bytes of memory that several pools share.
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
    /// Memory for cases.
    pub budget: MemoryBudget,
    /// Where cases go that memory has no room for.
    pub folder: PathBuf,
    /// Whether every case goes to the folder, for the next run, and not only what memory lacks room for.
    pub store_all: bool,
    /// What happens with cases that cannot be used.
    pub bad_case: BadCase,
}

/// Cases of files, kept as [`PoolOptions`] say.
#[derive(Debug)]
pub struct CasePool {
    names: Vec<String>,
    slots: Vec<Slot>,
}

#[derive(Debug)]
enum Slot {
    Ready(Lent),
    Broken(String),
}

impl CasePool {
    /// Reads, checks, preprocesses and stores every case, in parallel; what an earlier run stored is
    /// opened instead.
    ///
    /// # Errors
    /// The first case, in the list's order, that cannot be used, unless such cases are skipped; a
    /// cache that cannot be written; no case left.
    pub fn prepare(files: &[CaseFiles], options: &PoolOptions) -> Result<Self> {
        let made: Vec<Result<Lent>> = files.par_iter().map(|case| options.lent(case)).collect();
        let mut pool = Self {
            names: files.iter().map(|case| case.name.clone()).collect(),
            slots: Vec::with_capacity(files.len()),
        };
        for lent in made {
            pool.slots.push(match (lent, options.bad_case) {
                (Ok(lent), _) => Slot::Ready(lent),
                (Err(error), BadCase::Stop) => return Err(error),
                // A full disk is no fault of the case.
                (Err(error), BadCase::Skip)
                    if matches!(error, Error::Cache { .. } | Error::CacheWrite { .. })
                        || vesalius_io::machine_failure(&error).is_some() =>
                {
                    return Err(error);
                }
                (Err(error), BadCase::Skip) => Slot::Broken(error.to_string()),
            });
        }
        Ok(pool)
    }

    fn ready(&self) -> impl Iterator<Item = &Lent> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Ready(lent) => Some(lent),
            Slot::Broken(_) => None,
        })
    }

    /// How many cases lie in memory, and how many on disk.
    pub fn places(&self) -> [usize; 2] {
        let in_memory = |lent: &&Lent| matches!(lent, Lent::Whole(_));
        let memory = self.ready().filter(in_memory).count();
        [memory, self.ready().count() - memory]
    }

    /// Cases that can be used.
    pub fn usable(&self) -> usize {
        self.ready().count()
    }
}

impl PoolOptions<'_> {
    fn lent(&self, files: &CaseFiles) -> Result<Lent> {
        let key = self.key(files)?;
        let path = self.folder.join(format!("{key}.case"));
        if let Some(entry) = Entry::open(&path, &key, self.scheme.ignore()) {
            return self.place(entry);
        }
        let case = Case::new(
            read_case(files, self.channels)?,
            self.scheme,
            self.preprocessing,
        )?;
        let fits = self.budget.take(case.bytes());
        if self.store_all || !fits {
            make_folder(&self.folder)?;
            entry::write(&path, &key, &case)?;
        }
        if fits {
            return Ok(Lent::Whole(Arc::new(case)));
        }
        drop(case);
        let gone = || cache_error(&path, "what was just written cannot be read back");
        let entry = Entry::open(&path, &key, self.scheme.ignore()).ok_or_else(gone)?;
        Ok(Lent::Mapped(Arc::new(entry)))
    }

    /// An entry in memory where there is room, else as it is.
    fn place(&self, entry: Entry) -> Result<Lent> {
        if self.budget.take(entry.case_bytes()) {
            return Ok(Lent::Whole(Arc::new(entry.case()?)));
        }
        // What is mapped is the system's to drop; the index of labelled voxels is ours to keep, with
        // or without room.
        self.budget.take(entry.bytes());
        Ok(Lent::Mapped(Arc::new(entry)))
    }

    /// A hash of everything that the preprocessed case follows from.
    fn key(&self, files: &CaseFiles) -> Result<String> {
        let recipe = serde_json::json!({
            "version": [VERSION, env!("CARGO_PKG_VERSION")],
            "name": files.name,
            "channels": self.channels,
            "labels": self.scheme,
            "preprocessing": self.preprocessing,
        });
        let mut hasher = blake3::Hasher::new();
        hasher.update(recipe.to_string().as_bytes());
        for path in files.images.iter().chain([&files.label]) {
            let file = std::fs::File::open(path)
                .and_then(|mut file| {
                    let mut content = blake3::Hasher::new();
                    std::io::copy(&mut file, &mut content)?;
                    Ok(content.finalize())
                })
                .map_err(|source| vesalius_io::Error::Read {
                    path: path.clone(),
                    source,
                })?;
            hasher.update(file.as_bytes());
        }
        Ok(hasher.finalize().to_hex()[..40].to_owned())
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|source| Error::System {
        path: folder.to_owned(),
        what: "made",
        source,
        remedy: "give `cache.folder` a disk with room that can be written, or raise `cache.memory`",
    })
}

impl CaseSource for CasePool {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn lend(&self, index: usize) -> Result<Lent> {
        match &self.slots[index] {
            Slot::Ready(lent) => Ok(lent.clone()),
            Slot::Broken(reason) => Err(Error::Case {
                case: self.names[index].clone(),
                reason: reason.clone(),
            }),
        }
    }

    fn label_values(&self) -> Option<Vec<u16>> {
        let mut values: Vec<u16> = self
            .ready()
            .flat_map(|lent| match lent {
                Lent::Whole(case) => case.values.clone(),
                Lent::Mapped(entry) => entry.values().to_vec(),
            })
            .collect();
        values.sort_unstable();
        values.dedup();
        Some(values)
    }

    fn broken(&self) -> Vec<(String, String)> {
        let slots = self.names.iter().zip(&self.slots);
        slots
            .filter_map(|(name, slot)| match slot {
                Slot::Ready(_) => None,
                Slot::Broken(reason) => Some((name.clone(), reason.clone())),
            })
            .collect()
    }
}
