//! Where preprocessed cases are kept between the steps that draw from them, and what happens when one
//! of them turns out to be broken.

use super::bad;
use crate::seen::Verify;
use crate::{Result, machine};
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

/// Bytes of a GiB.
const GIBIBYTE: f64 = (1u64 << 30) as f64;
/// What counts as free memory where the system does not tell.
const UNKNOWN_MEMORY: u64 = 8 << 30;

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

    /// Bytes of memory for the cases of one of `runs` runs at the same time: `memory`, or the run's share of half of what is
    /// free now. Of a machine that does not tell, 8 GiB count as free.
    pub(crate) fn bytes(&self, runs: usize) -> u64 {
        match self.memory {
            Some(gibibytes) => (gibibytes * GIBIBYTE) as u64,
            None => machine::free_memory().unwrap_or(UNKNOWN_MEMORY) / 2 / runs.max(1) as u64,
        }
    }

    /// The same for one of `runs` runs at the same time, each of which would otherwise take half of what is free when it
    /// starts. A memory that is set stays: it is each run's own.
    ///
    /// ```
    /// use vesalius_training::CacheConfig;
    ///
    /// let set = CacheConfig { memory: Some(2.0), ..CacheConfig::default() };
    /// assert_eq!(set.clone().for_one_of(4), set);
    /// assert!(CacheConfig::default().for_one_of(4).memory.is_some());
    /// // A run by itself decides when it starts.
    /// assert_eq!(CacheConfig::default().for_one_of(1).memory, None);
    /// ```
    #[must_use]
    pub fn for_one_of(mut self, runs: usize) -> Self {
        if runs > 1 {
            self.memory = Some(self.bytes(runs) as f64 / GIBIBYTE);
        }
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_at_the_same_time_divide_what_one_would_take() {
        let bytes = |runs| CacheConfig::default().for_one_of(runs).bytes(1) as f64;
        // The memory that is free changes meanwhile, though not by half.
        let one = bytes(1);
        for runs in [2, 4] {
            let share = runs as f64 * bytes(runs);
            assert!((0.5..2.0).contains(&(share / one)), "{share} {one}");
        }
    }
}
