//! `vesalius auto run`: all stages, each going on from what is there.

use super::ensemble::{EnsembleArguments, choose_and_write};
use super::report::report;
use super::train::{TrainArguments, train_all};
use crate::commands::Result;
use crate::interrupt::stop_flag;
use std::path::PathBuf;
use vesalius::auto::{Input, Work};

/// Arguments of `vesalius auto run`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The input, a YAML file with Auto3DSeg's keys: name, modality, datalist, dataroot …
    input: PathBuf,
    /// The work folder
    #[arg(long, default_value = "work")]
    output: PathBuf,
    #[command(flatten)]
    train: TrainArguments,
    #[command(flatten)]
    ensemble: EnsembleArguments,
}

/// Runs every stage.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = Work::open(&arguments.output, Input::read(&arguments.input)?)?;
    let stop = stop_flag();
    train_all(&work, &arguments.train, stop.clone())?;
    choose_and_write(&work, &arguments.ensemble, stop)?;
    report(&work)
}
