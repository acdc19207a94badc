//! `vesalius auto ensemble`: the models that together segment unseen cases best.

use super::events::shown;
use crate::commands::Result;
use crate::interrupt::control;
use std::path::PathBuf;
use vesalius::auto::{Missing, WorkFolder};
use vesalius::workflow::auto::{EnsembleStage, ensemble};

/// Arguments of `vesalius auto ensemble`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
    #[command(flatten)]
    how: EnsembleArguments,
}

/// How the choice is made.
#[derive(clap::Args)]
pub struct EnsembleArguments {
    /// Do not try to take small pieces away
    #[arg(long)]
    no_postprocessing: bool,
    /// Take the model as whole although runs are missing: exit code 0
    #[arg(long)]
    allow_missing: bool,
}

impl EnsembleArguments {
    /// As the library's options.
    pub fn stage(&self) -> EnsembleStage {
        EnsembleStage {
            postprocessing: !self.no_postprocessing,
        }
    }
}

/// An error that lists the runs that the model lacks; fine where none is missing, or that is allowed.
pub fn whole(missing: &[Missing], how: &EnsembleArguments) -> Result<()> {
    if missing.is_empty() || how.allow_missing {
        return Ok(());
    }
    let listed: Vec<String> = missing.iter().map(|run| format!("\n  {run}")).collect();
    Err(format!(
        "the model is made without {} of the runs that were planned:{}\ntry them again with --retry, repair their plans, or take the model as it is with --allow-missing",
        missing.len(),
        listed.concat()
    )
    .into())
}

/// Chooses, writes the model folder and prints what was tried.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = WorkFolder::reopen(&arguments.work)?;
    let stage = arguments.how.stage();
    let missing = shown(|told| ensemble(&work, stage, &control(), told))?;
    whole(&missing, &arguments.how)
}
