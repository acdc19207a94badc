//! Batches made ahead of the step that needs them, by several threads, handed out in order.

use crate::{Batch, Error, PatchSampler, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How batches are made ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Patches a batch.
    pub batch_size: usize,
    /// The number of the first batch.
    pub first: u64,
    /// Batches that may wait to be taken; those who make them wait when so many do.
    pub ahead: usize,
    /// Threads.
    pub workers: usize,
}

/// Gives batches in the order of their numbers, whichever thread made them.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    waited: Duration,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// A batch was made.
    made: Condvar,
    /// A batch was taken, or the loader is dropped.
    taken: Condvar,
    ahead: u64,
}

#[derive(Debug)]
struct State {
    batches: BTreeMap<u64, Result<Batch>>,
    /// The number of the batch that somebody should make next.
    next_made: u64,
    /// The number of the batch that is handed out next.
    next_taken: u64,
    alive: usize,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loader {
    /// Starts to make batches.
    pub fn start(sampler: &PatchSampler, options: LoaderOptions) -> Self {
        let workers = options.workers.max(1);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                batches: BTreeMap::new(),
                next_made: options.first,
                next_taken: options.first,
                alive: workers,
                closed: false,
            }),
            made: Condvar::new(),
            taken: Condvar::new(),
            ahead: options.ahead.max(1) as u64,
        });
        let spawn = |_| {
            let (shared, sampler) = (shared.clone(), sampler.clone());
            std::thread::spawn(move || {
                let _leave = Leave(&shared);
                work(&shared, sampler, options.batch_size);
            })
        };
        Self {
            workers: (0..workers).map(spawn).collect(),
            shared,
            waited: Duration::ZERO,
        }
    }

    /// The next batch.
    ///
    /// # Errors
    /// What went wrong while it was made.
    pub fn next_batch(&mut self) -> Result<Batch> {
        let started = Instant::now();
        let mut state = self.shared.lock();
        let batch = loop {
            let number = state.next_taken;
            if let Some(batch) = state.batches.remove(&number) {
                state.next_taken += 1;
                break batch;
            }
            if state.alive == 0 {
                return Err(Error::Device(
                    "the threads that make batches have stopped".to_owned(),
                ));
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
        batch
    }

    /// How long [`Loader::next_batch`] made its callers wait since this was last asked.
    pub fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }
}

/// Says that a worker ended, however it did.
struct Leave<'a>(&'a Shared);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.lock().alive -= 1;
        self.0.made.notify_all();
    }
}

fn work(shared: &Shared, mut sampler: PatchSampler, batch_size: usize) {
    loop {
        let mut state = shared.lock();
        while !state.closed && state.next_made >= state.next_taken + shared.ahead {
            state = shared
                .taken
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return;
        }
        let number = state.next_made;
        state.next_made += 1;
        drop(state);
        let batch = sampler.batch(number, batch_size);
        shared.lock().batches.insert(number, batch);
        shared.made.notify_all();
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.taken.notify_all();
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}
