//! `vesalius auto report`: the page and its numbers.

use crate::commands::Result;
use std::path::PathBuf;
use vesalius::auto::{Work, write_report};

/// Arguments of `vesalius auto report`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
}

/// Writes the report and says where.
pub fn run(arguments: &Arguments) -> Result<()> {
    report(&Work::reopen(&arguments.work)?)
}

/// Writes the report and says where.
pub fn report(work: &Work) -> Result<()> {
    out!("report: {}", write_report(work, &work.plans()?)?.display());
    Ok(())
}
