//! Batches made ahead of the step that needs them, by several threads, returned in order. An error in a thread
//! ends the waiting at once.
//!
//! The threads are the loader's own, not those of a pool of rayon: they wait while enough batches are ahead, and a thread of
//! a pool that waits does no other work. What they call (transforms, filters) runs on rayon's global pool.

mod worker;

use crate::{Batch, Error, PatchSampler, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use worker::{Leave, Shared, State, work};

/// A loader that is dropped waits so long for threads in the middle of a batch; then they end on their own.
const LEAVING: Duration = Duration::from_millis(500);

/// How batches are made ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Patches a batch.
    pub batch_size: usize,
    /// The number of the first batch.
    pub first: u64,
    /// The number after that of the last batch, where it is known: no further batch is made.
    pub end: Option<u64>,
    /// Batches that may be finished ahead; worker threads pause at this many.
    pub ahead: usize,
    /// Threads of the loader's own, at least one, beside those of rayon's global pool.
    pub workers: usize,
}

/// Gives batches in the order of their numbers, whichever thread made them.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    waited: Duration,
}

impl Loader {
    /// Starts to make batches.
    pub fn start(sampler: &PatchSampler, options: LoaderOptions) -> Self {
        let workers = options.workers.max(1);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                batches: BTreeMap::new(),
                failure: None,
                next_made: options.first,
                next_taken: options.first,
                alive: workers,
                closed: false,
            }),
            made: Condvar::new(),
            taken: Condvar::new(),
            ahead: options.ahead.max(1) as u64,
            end: options.end.unwrap_or(u64::MAX),
        });
        let mut loader = Self {
            workers: Vec::with_capacity(workers),
            shared,
            waited: Duration::ZERO,
        };
        for _ in 0..workers {
            let (shared, sampler) = (loader.shared.clone(), sampler.clone());
            let started = std::thread::Builder::new().spawn(move || {
                let leave = Leave(&shared);
                work(&shared, sampler, options.batch_size);
                drop(leave);
            });
            match started {
                Ok(worker) => loader.workers.push(worker),
                Err(e) => loader.not_started(e),
            }
        }
        loader
    }

    /// A thread that the system refused: the others do its work, where there are any.
    fn not_started(&mut self, source: std::io::Error) {
        let mut state = self.shared.lock();
        state.alive -= 1;
        let none = state.alive == 0;
        drop(state);
        if none {
            self.shared.fail(Error::NoThread { source });
        }
    }

    /// The next batch.
    ///
    /// # Errors
    /// What went wrong in any thread, at once, whether it was this batch or a later one. Every further call
    /// fails as well.
    pub fn next_batch(&mut self) -> Result<Batch> {
        let started = Instant::now();
        let mut state = self.shared.lock();
        let batch = loop {
            if let Some(error) = state.failure.take() {
                return Err(error);
            }
            let number = state.next_taken;
            if state.closed {
                let reason = "one before it failed, and no other is made after that";
                return Err(Error::NoBatch { number, reason });
            }
            if let Some(batch) = state.batches.remove(&number) {
                state.next_taken += 1;
                break batch;
            }
            if state.alive == 0 {
                let reason =
                    "it is not before `end`, where the threads that make batches have stopped";
                return Err(Error::NoBatch { number, reason });
            }
            state = self
                .shared
                .made
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        self.shared.taken.notify_all();
        self.waited += started.elapsed();
        Ok(batch)
    }

    /// How long [`Loader::next_batch`] made its callers wait since the last call of this.
    pub fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.taken.notify_all();
        let until = Instant::now() + LEAVING;
        while state.alive > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // A file that hangs must not keep a run from ending: the thread ends after its batch.
                return;
            }
            (state, _) = self
                .shared
                .made
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests;
