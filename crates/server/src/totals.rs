//! What the server has done since it started, for `/metrics`: numbers alone, nothing about patients.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Total(AtomicU64);

impl Total {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The totals since the start.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub received: Total,
    pub received_bytes: Total,
    pub refused: Total,
    pub done: Total,
    pub failed: Total,
    pub deleted: Total,
    pub versions: Total,
    /// Of all runs together, in milliseconds.
    pub run_milliseconds: Total,
    pub requests: Total,
    pub unauthorised: Total,
}
