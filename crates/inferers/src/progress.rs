//! Windows of a run that went through the network: counted for progress, timed for the plan, and the place where a
//! run is cancelled.

use crate::Result;
use vesalius_control::{Control, Stage};

/// The windows of a run.
pub(crate) struct WindowCount<'a> {
    stage: Stage,
    /// Called with how many are done before each batch and after the last.
    timed: Option<&'a (dyn Fn(usize) + Sync)>,
}

impl WindowCount<'static> {
    /// A stage `windows` of so many.
    pub fn new(control: &Control, total: usize) -> Self {
        Self {
            stage: control.stage("windows", total as u64),
            timed: None,
        }
    }
}

impl<'a> WindowCount<'a> {
    /// As [`WindowCount::new`], with a closure that is called with how many are done.
    pub fn timed(control: &Control, total: usize, timed: &'a (dyn Fn(usize) + Sync)) -> Self {
        Self {
            stage: control.stage("windows", total as u64),
            timed: Some(timed),
        }
    }

    /// Between two batches.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn between(&self) -> Result<()> {
        self.tell();
        Ok(self.stage.control().check()?)
    }

    /// So many more are done.
    pub fn advance(&self, by: usize) {
        if by > 0 {
            self.stage.advance(by as u64);
        }
    }

    /// So many are done in all: at the end of a part, which may have skipped some or had others than were foreseen.
    pub fn reach(&self, done: usize) {
        if self.stage.done() != done as u64 {
            self.stage.set(done as u64);
        }
    }

    /// How many are done.
    pub fn done(&self) -> usize {
        self.stage.done() as usize
    }

    /// The handle for work within the stage.
    pub fn control(&self) -> &Control {
        self.stage.control()
    }

    /// Reports how many are done.
    pub fn tell(&self) {
        if let Some(timed) = self.timed {
            timed(self.done());
        }
    }
}
