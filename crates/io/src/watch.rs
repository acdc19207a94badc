//! Cancellation and progress of reads and writes: checked between their parts, counted where there are many.

use crate::{Error, Result};
use std::io;
use std::path::Path;
use vesalius_control::{Cancelled, Control, Stage};

/// The handle that the caller gave, if any, and the file that the work is about.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    path: &'a Path,
    control: Option<&'a Control>,
}

impl<'a> Watch<'a> {
    pub fn new(path: &'a Path, control: Option<&'a Control>) -> Self {
        Self { path, control }
    }

    /// Whether a control cancels or follows the work.
    pub fn is_watched(self) -> bool {
        self.control.is_some()
    }

    pub fn is_cancelled(self) -> bool {
        self.control.is_some_and(Control::is_cancelled)
    }

    /// An error once the work was cancelled.
    pub fn check(self) -> Result<()> {
        match self.is_cancelled() {
            true => Err(cancelled(self.path)),
            false => Ok(()),
        }
    }

    /// As [`Watch::check`], within a stream; [`is_cancelled`] finds it there.
    pub fn check_stream(self) -> io::Result<()> {
        match self.is_cancelled() {
            true => Err(io::Error::other(Cancelled)),
            false => Ok(()),
        }
    }

    /// Work that counts its parts.
    pub fn count(self, what: &'static str, total: u64) -> Work<'a> {
        Work {
            watch: self,
            stage: self.control.map(|control| control.stage(what, total)),
        }
    }
}

/// Work that counts its parts.
pub(crate) struct Work<'a> {
    watch: Watch<'a>,
    stage: Option<Stage>,
}

impl Work<'_> {
    /// So much more is done; an error once the work was cancelled.
    pub fn done(&self, more: u64) -> Result<()> {
        self.advance(more);
        self.watch.check()
    }

    /// As [`Work::done`], within a stream.
    pub fn done_stream(&self, more: u64) -> io::Result<()> {
        self.advance(more);
        self.watch.check_stream()
    }

    fn advance(&self, more: u64) {
        if let Some(stage) = &self.stage {
            stage.advance(more);
        }
    }
}

/// The error of work on a file that was cancelled.
pub(crate) fn cancelled(path: &Path) -> Error {
    Error::Cancelled {
        path: path.to_owned(),
        source: Cancelled,
    }
}

/// Whether a stream failed because the work was cancelled.
pub(crate) fn is_cancelled(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Cancelled>())
}
