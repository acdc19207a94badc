//! Cancellation and progress of filters that take longer than a second: checked between slices or rows, reported
//! once per percent.

use crate::Result;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use vesalius_control::{Control, Stage};

/// Values that are processed between two checks.
const CHUNK: usize = 1 << 16;
/// Steps of a loop over a queue between two checks.
const STEPS: usize = 1 << 12;

/// The work of one filter, counted in parts; `None` where no caller follows it.
pub(crate) struct Work<'a>(Option<Watched<'a>>);

struct Watched<'a> {
    control: &'a Control,
    stage: Stage,
    done: AtomicU64,
    told: AtomicU64,
    total: AtomicU64,
}

impl<'a> Work<'a> {
    /// Work that no caller follows.
    pub fn unwatched() -> Self {
        Self(None)
    }

    /// Work of so many parts, under a name.
    pub fn new(control: &'a Control, name: &'static str, total: usize) -> Self {
        let total = total as u64;
        Self::begun(control, control.stage(name, total), total)
    }

    /// As [`Work::new`] where the input decides how many parts there are: [`Work::set_total`] follows.
    pub fn without_total(control: &'a Control, name: &'static str) -> Self {
        Self::begun(control, control.stage(name, None), 0)
    }

    fn begun(control: &'a Control, stage: Stage, total: u64) -> Self {
        Self(Some(Watched {
            control,
            stage,
            done: AtomicU64::new(0),
            told: AtomicU64::new(0),
            total: AtomicU64::new(total),
        }))
    }

    /// How many parts there are.
    pub fn set_total(&self, total: usize) {
        if let Some(watched) = &self.0 {
            watched.total.store(total as u64, Ordering::Relaxed);
            watched.stage.set_total(total as u64);
        }
    }

    /// Whether the work was not cancelled.
    pub fn goes_on(&self) -> bool {
        self.0.as_ref().is_none_or(|w| !w.control.is_cancelled())
    }

    /// Does a part of the work that counts as so many parts, unless the work was cancelled; then what it writes
    /// stays as it is, and [`Work::check`] returns the error.
    pub fn part(&self, parts: usize, run: impl FnOnce()) {
        if self.goes_on() {
            run();
            self.advance(parts);
        }
    }

    /// Passes on a buffer in chunks, one after another, each value counted as a part.
    pub fn read<T>(&self, values: &[T], mut run: impl FnMut(&[T])) {
        for chunk in values.chunks(CHUNK) {
            self.part(chunk.len(), || run(chunk));
        }
    }

    /// Passes on a buffer in chunks, with the place of each one's first value, on all threads; each value is counted
    /// as a part.
    pub fn write<T: Send>(&self, values: &mut [T], run: impl Fn(usize, &mut [T]) + Sync) {
        let chunks = values.par_chunks_mut(CHUNK).enumerate();
        chunks.for_each(|(i, chunk)| self.part(chunk.len(), || run(i * CHUNK, chunk)));
    }

    /// A check for loops of many short steps, each counted as a part or as none.
    pub fn steps(&self, counted: Counted) -> Steps<'_> {
        Steps {
            work: self,
            counted,
            taken: 0,
        }
    }

    /// So many parts more are done.
    pub fn advance(&self, parts: usize) {
        let Some(watched) = &self.0 else { return };
        let before = watched.done.fetch_add(parts as u64, Ordering::Relaxed);
        let total = watched.total.load(Ordering::Relaxed).max(1);
        let percent = |done: u64| done.saturating_mul(100) / total;
        let done = before + parts as u64;
        if percent(before) != percent(done) {
            // Threads arrive out of order; the reported count only grows.
            let told = watched.told.fetch_max(done, Ordering::Relaxed);
            watched.stage.advance(done.saturating_sub(told));
        }
    }

    /// # Errors
    /// [`crate::Error::Cancelled`] once the work was cancelled.
    pub fn check(&self) -> Result<()> {
        match &self.0 {
            Some(watched) => Ok(watched.control.check()?),
            None => Ok(()),
        }
    }

    /// Ends the work: parts that were not needed count as done.
    ///
    /// # Errors
    /// As [`Work::check`].
    pub fn finish(&self) -> Result<()> {
        self.check()?;
        if let Some(watched) = &self.0 {
            let done = watched.done.load(Ordering::Relaxed);
            let total = watched.total.load(Ordering::Relaxed);
            self.advance(total.saturating_sub(done) as usize);
        }
        Ok(())
    }
}

/// Whether the steps of a loop are parts of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Each is one.
    Yes,
    /// How many there will be is unknown.
    No,
}

/// The steps of a loop, of which none takes long.
pub(crate) struct Steps<'a> {
    work: &'a Work<'a>,
    counted: Counted,
    taken: usize,
}

impl Steps<'_> {
    /// Another step; whether the work was not cancelled.
    #[inline(always)]
    pub fn goes_on(&mut self) -> bool {
        self.taken += 1;
        !self.taken.is_multiple_of(STEPS) || self.checked()
    }

    fn checked(&self) -> bool {
        if !self.work.goes_on() {
            return false;
        }
        if self.counted == Counted::Yes {
            self.work.advance(STEPS);
        }
        true
    }
}

#[cfg(test)]
mod tests;
