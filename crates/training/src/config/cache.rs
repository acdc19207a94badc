//! Where preprocessed cases are kept between the steps that draw from them, and what happens when one
//! of them turns out to be broken.

use super::bad;
use crate::Result;
use crate::seen::Verify;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where preprocessed cases are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheConfig {
    /// GiB of memory for cases, shared by all threads; `null` for half of what is free at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<f64>,
    /// The folder of preprocessed cases, which several runs may share. Without one, the cases that do not fit in memory
    /// go to `cache` in the run's own folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// How much is read to find whether a file, or what is stored of it, is the same as at the last start.
    #[serde(skip_serializing_if = "Verify::is_quick")]
    pub verify: Verify,
    /// Threads that make batches ahead of the step that needs them; `null` for one for every two
    /// processors, at least one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,
    /// Batches made ahead; the threads pause at this many.
    pub batches_ahead: usize,
    /// Patches drawn from a case in a row of draws, before they are mixed by `shuffle_buffer`: more
    /// than 1 where opening a case costs much.
    pub patches_per_case: usize,
    /// Cases whose patches are mixed with each other when `patches_per_case` is above 1.
    pub shuffle_buffer: usize,
}

/// More threads, batches, cases or patches of a case than a machine has use for.
const MOST: usize = 4096;

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            memory: None,
            folder: None,
            verify: Verify::Quick,
            workers: None,
            batches_ahead: 8,
            patches_per_case: 1,
            shuffle_buffer: 16,
        }
    }
}

impl CacheConfig {
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(memory) = self.memory.filter(|m| !(m.is_finite() && *m >= 0.0)) {
            return bad("cache.memory", memory, "GiB, not negative, or null");
        }
        let counts = [
            ("cache.workers", self.workers.unwrap_or(1)),
            ("cache.batches_ahead", self.batches_ahead),
            ("cache.patches_per_case", self.patches_per_case),
            ("cache.shuffle_buffer", self.shuffle_buffer),
        ];
        let wrong = |&(_, value): &(&str, usize)| !(1..=MOST).contains(&value);
        match counts.into_iter().find(wrong) {
            Some((key, value)) => bad(key, value, "1 to 4096"),
            None => Ok(()),
        }
    }

    /// Threads that make batches.
    pub(crate) fn workers(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, |n| n.get());
        self.workers.unwrap_or_else(|| (processors() / 2).max(1))
    }
}

/// What happens when a case cannot be read, or cannot be preprocessed, at the start or in the middle
/// of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BadCase {
    /// The run ends with an error that names it.
    #[default]
    Stop,
    /// It is left out, named and counted in the log and the report.
    Skip,
}
