//! `vesalius auto export` and `import`: trained models from one machine to another.

use crate::commands::Result;
use std::path::PathBuf;
use vesalius::auto::{ExportedRuns, WorkFolder};

/// Arguments of `vesalius auto export`.
#[derive(clap::Args)]
pub struct ExportArguments {
    /// The work folder
    work: PathBuf,
    /// The folder to write, empty or absent
    target: PathBuf,
    /// Leave out runs that failed or were not finished
    #[arg(long)]
    only_trained: bool,
}

/// Arguments of `vesalius auto import`.
#[derive(clap::Args)]
pub struct ImportArguments {
    /// The work folder
    work: PathBuf,
    /// What `vesalius auto export` wrote
    source: PathBuf,
}

/// Exports and prints what.
pub fn export(arguments: &ExportArguments) -> Result<()> {
    let work = WorkFolder::reopen(&arguments.work)?;
    let runs = match arguments.only_trained {
        true => ExportedRuns::Trained,
        false => ExportedRuns::All,
    };
    let history = vesalius::auto::export(&work, &arguments.target, runs)?;
    out!(
        "{} runs in {}",
        history.jobs.len(),
        arguments.target.display()
    );
    Ok(())
}

/// Imports and prints what.
pub fn import(arguments: &ImportArguments) -> Result<()> {
    let work = WorkFolder::reopen(&arguments.work)?;
    let taken = vesalius::auto::import(&work, &arguments.source)?;
    for job in &taken {
        out!("{} fold {}", job.algorithm, job.fold);
    }
    out!(
        "{} runs taken; `vesalius auto ensemble` chooses among all",
        taken.len()
    );
    Ok(())
}
