//! `vesalius auto report`: the page and its numbers.

use super::events::shown;
use crate::commands::Result;
use std::path::PathBuf;
use vesalius::auto::WorkFolder;
use vesalius::workflow::auto::report;

/// Arguments of `vesalius auto report`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
}

/// Writes the report and prints its path.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = WorkFolder::reopen(&arguments.work)?;
    shown(|told| report(&work, told))
}
