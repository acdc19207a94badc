//! A part of the work that is counted.

use crate::{Control, Progress, lock};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A part of the work that is counted; it ends when this is dropped. It may be advanced from several threads.
#[derive(Debug)]
pub struct Stage {
    outer: Control,
    inner: Control,
    name: Arc<str>,
    total: Option<u64>,
    /// Locked while an update is published, so that updates come in their order.
    done: Mutex<u64>,
    began: Instant,
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
            total,
            done: Mutex::new(0),
            began: Instant::now(),
        };
        stage.publish(0);
        stage
    }

    /// The handle for work within this stage.
    pub fn control(&self) -> &Control {
        &self.inner
    }

    /// So much more is done.
    pub fn advance(&self, by: u64) {
        let mut done = lock(&self.done);
        *done = done.saturating_add(by);
        self.publish(*done);
    }

    /// So much is done in all.
    pub fn set(&self, now: u64) {
        let mut done = lock(&self.done);
        *done = now;
        self.publish(now);
    }

    /// How much is done.
    pub fn done(&self) -> u64 {
        *lock(&self.done)
    }

    fn publish(&self, done: u64) {
        let elapsed = self.began.elapsed();
        self.outer.publish(&Progress {
            stage: self.name.clone(),
            within: self.outer.within.clone(),
            done,
            total: self.total,
            elapsed,
            remaining: Progress::estimate(done, self.total, elapsed),
        });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.outer.within.is_empty() {
            self.outer.close();
        }
    }
}
