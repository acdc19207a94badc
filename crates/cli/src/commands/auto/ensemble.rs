//! `vesalius auto ensemble`: the models that together segment unseen cases best.

use crate::commands::Result;
use crate::interrupt::stop_flag;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius::auto::{ChooseOptions, History, Work, choose, write_model};

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
}

/// Chooses, writes the model folder and prints what was tried.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = Work::reopen(&arguments.work)?;
    choose_and_write(&work, &arguments.how, stop_flag())
}

/// Chooses among ensembles of the runs in the history and writes the model folder.
pub fn choose_and_write(work: &Work, how: &EnsembleArguments, stop: Arc<AtomicBool>) -> Result<()> {
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
    out!("model: {}", model.display());
    Ok(())
}
