//! Batches made ahead of the step that needs them, on a thread of their own.

use crate::{Batch, PatchSampler, Result};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Gives the batches of consecutive steps; at most `ahead` wait to be taken.
#[derive(Debug)]
pub struct Loader {
    batches: Option<Receiver<Result<Batch>>>,
    worker: Option<JoinHandle<()>>,
}

impl Loader {
    /// Starts to make the batches of `first_step` and those after it.
    pub fn start(
        mut sampler: PatchSampler,
        batch_size: usize,
        first_step: u64,
        ahead: usize,
    ) -> Self {
        let (sender, batches) = sync_channel(ahead.max(1));
        let worker = std::thread::spawn(move || {
            for step in first_step.. {
                // The other side hangs up when training ends.
                if sender.send(sampler.batch(step, batch_size)).is_err() {
                    break;
                }
            }
        });
        Self {
            batches: Some(batches),
            worker: Some(worker),
        }
    }

    /// The next step's batch.
    ///
    /// # Errors
    /// What went wrong while it was made.
    pub fn next_batch(&mut self) -> Result<Batch> {
        let lost = || crate::Error::Device("the thread that makes batches has stopped".to_owned());
        self.batches
            .as_ref()
            .ok_or_else(lost)?
            .recv()
            .map_err(|_| lost())?
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // Hanging up first lets the worker's blocked send return.
        self.batches = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}
