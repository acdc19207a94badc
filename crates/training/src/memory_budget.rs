//! The memory that pools of cases share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
}
