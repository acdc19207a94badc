//! `vesalius auto ensemble`: the models that together segment unseen cases best.

use crate::commands::Result;
use crate::interrupt::stop_flag;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius::auto::{ChooseOptions, History, Missing, Work, choose, write_model};

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
    pub no_postprocessing: bool,
    /// Take the model as whole although runs are missing: exit code 0
    #[arg(long)]
    pub allow_missing: bool,
}

/// An error that lists the runs that the model lacks; nothing where none is missing, or that was allowed.
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
    let work = Work::reopen(&arguments.work)?;
    let missing = choose_and_write(&work, &arguments.how, stop_flag())?;
    whole(&missing, &arguments.how)
}

/// Chooses among ensembles of the runs in the history and writes the model folder; says which runs it lacks.
pub fn choose_and_write(
    work: &Work,
    how: &EnsembleArguments,
    stop: Arc<AtomicBool>,
) -> Result<Vec<Missing>> {
    let history = History::read(work.folder())?;
    let options = ChooseOptions {
        postprocessing: !how.no_postprocessing,
    };
    let choice = choose(work, &history, &options, &stop, &mut |scored| {
        let name = &scored.candidate.name;
        out!(
            "{name}: mean Dice {:.4} ({} models)",
            scored.dice,
            scored.candidate.size()
        );
    })?;
    let model = write_model(work, &history, &choice)?;
    out!(
        "taken: {}, mean Dice {:.4}",
        choice.best.candidate.name,
        choice.dice
    );
    for missing in &choice.missing {
        out!("missing: {missing}");
    }
    out!("model: {}", model.display());
    Ok(choice.missing)
}
