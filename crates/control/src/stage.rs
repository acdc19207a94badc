//! A part of the work that is counted.

use crate::{Control, Progress, lock};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The target of all events of these crates for `tracing`.
const TARGET: &str = "vesalius";

/// A part of the work that is counted; it ends when this is dropped. It may be advanced from several threads.
///
/// ```
/// use vesalius_control::Control;
///
/// let stage = Control::new().stage("slices", None);
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| stage.advance(5));
///     }
/// });
/// assert_eq!(stage.done(), 20);
/// ```
#[derive(Debug)]
pub struct Stage {
    outer: Control,
    inner: Control,
    name: Arc<str>,
    /// Locked while an update is published, so that updates come in their order.
    count: Mutex<Count>,
    began: Instant,
}

/// How much is done, and of how much.
#[derive(Debug, Clone, Copy)]
struct Count {
    done: u64,
    total: Option<u64>,
}

impl Stage {
    pub(crate) fn open(outer: &Control, name: Arc<str>, total: Option<u64>) -> Self {
        let within = outer.within.iter().cloned().chain([name.clone()]).collect();
        let inner = Control {
            within,
            ..outer.clone()
        };
        let stage = Self {
            outer: outer.clone(),
            inner,
            name,
            count: Mutex::new(Count { done: 0, total }),
            began: Instant::now(),
        };
        tracing::debug!(target: TARGET, stage = %stage.path(), total, "begun");
        stage.count(|_| ());
        stage
    }

    /// The handle for work within this stage.
    pub fn control(&self) -> &Control {
        &self.inner
    }

    /// Adds to what is done.
    pub fn advance(&self, by: u64) {
        self.count(|count| count.done = count.done.saturating_add(by));
    }

    /// Sets what is done in all.
    pub fn set(&self, now: u64) {
        self.count(|count| count.done = now);
    }

    /// Sets the total where it became known or changed; an equal total publishes no update.
    pub fn set_total(&self, total: impl Into<Option<u64>>) {
        let total = total.into();
        if lock(&self.count).total != total {
            self.count(|count| count.total = total);
        }
    }

    /// How much is done.
    pub fn done(&self) -> u64 {
        lock(&self.count).done
    }

    /// Its name after those of the stages that enclose it.
    fn path(&self) -> String {
        let within = self.outer.within.iter().map(AsRef::as_ref);
        within
            .chain([&*self.name])
            .collect::<Vec<&str>>()
            .join(": ")
    }

    /// Changes the count and publishes it.
    fn count(&self, change: impl FnOnce(&mut Count)) {
        let mut count = lock(&self.count);
        change(&mut count);
        let Count { done, total } = *count;
        let elapsed = self.began.elapsed();
        self.outer.publish(&Progress {
            stage: self.name.clone(),
            within: self.outer.within.clone(),
            done,
            total,
            elapsed,
            remaining: Progress::estimate(done, total, elapsed),
        });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let (done, seconds) = (self.done(), self.began.elapsed().as_secs_f64());
        let cancelled = self.outer.is_cancelled();
        tracing::debug!(target: TARGET, stage = %self.path(), done, seconds, cancelled, "ended");
        if self.outer.within.is_empty() {
            self.outer.close();
        }
    }
}
