//! What the threads of a loader share, and what each of them does.

use crate::sampler::message_of;
use crate::{Batch, Error, PatchSampler};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(super) struct Shared {
    pub state: Mutex<State>,
    /// A batch was made, or a thread ended.
    pub made: Condvar,
    /// A batch was taken, or the loader is dropped.
    pub taken: Condvar,
    pub ahead: u64,
    pub end: u64,
}

#[derive(Debug)]
pub(super) struct State {
    pub batches: BTreeMap<u64, Batch>,
    /// The first failure, whichever batch it was of: nothing after it is made.
    pub failure: Option<Error>,
    /// The number of the batch that somebody should make next.
    pub next_made: u64,
    /// The number of the batch that is returned next.
    pub next_taken: u64,
    pub alive: usize,
    pub closed: bool,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the work with an error, unless it ended with one before.
    pub fn fail(&self, error: Error) {
        let mut state = self.lock();
        state.failure.get_or_insert(error);
        state.closed = true;
        drop(state);
        self.made.notify_all();
        self.taken.notify_all();
    }
}

/// Records that a worker ended, also by a panic.
pub(super) struct Leave<'a>(pub &'a Shared);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.lock().alive -= 1;
        self.0.made.notify_all();
    }
}

/// Makes one batch after another until none is wanted or one fails.
pub(super) fn work(shared: &Shared, mut sampler: PatchSampler, batch_size: usize) {
    loop {
        let mut state = shared.lock();
        while !state.closed
            && state.next_made < shared.end
            && state.next_made >= state.next_taken + shared.ahead
        {
            state = shared
                .taken
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed || state.next_made >= shared.end {
            return;
        }
        let number = state.next_made;
        state.next_made += 1;
        drop(state);
        // Panics in a case or a transform are errors already; this is for whatever else may panic.
        let batch = catch_unwind(AssertUnwindSafe(|| sampler.batch(number, batch_size)));
        let batch = batch.unwrap_or_else(|panic| {
            Err(Error::Worker {
                case: format!("in batch {number}"),
                message: message_of(&*panic),
            })
        });
        match batch {
            Ok(batch) => {
                shared.lock().batches.insert(number, batch);
                shared.made.notify_all();
            }
            Err(error) => return shared.fail(error),
        }
    }
}
