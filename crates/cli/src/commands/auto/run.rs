//! `vesalius auto run`: all stages, each continuing from what is there.

use super::ensemble::{EnsembleArguments, whole};
use super::events::counted;
use super::plan::PlanArguments;
use super::train::TrainArguments;
use crate::commands::Result;
use crate::interrupt::control;
use std::path::PathBuf;
use vesalius::tensor::parse_device;
use vesalius::workflow::auto::{self, RunOptions};

/// Arguments of `vesalius auto run`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The input, a YAML file with Auto3DSeg's keys: name, modality, datalist, dataroot …
    input: PathBuf,
    /// The work folder
    #[arg(long, default_value = "work")]
    output: PathBuf,
    /// Minutes for everything: analysis, training, validation, ensemble, predictions [default: the plans' lengths]
    #[arg(long, value_parser = crate::values::positive, allow_hyphen_values = true)]
    minutes: Option<f64>,
    /// Trials of a search for better settings of each plan; 0 for none
    #[arg(long, default_value_t = 0)]
    tune_trials: u64,
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    train: TrainArguments,
    #[command(flatten)]
    ensemble: EnsembleArguments,
}

/// Runs every stage.
pub fn run(arguments: &Arguments) -> Result<()> {
    let options = RunOptions {
        minutes: arguments.minutes,
        tune_trials: arguments.tune_trials,
        plan: arguments.plan.stage(),
        train: arguments.train.stage(),
        ensemble: arguments.ensemble.stage(),
        device: parse_device(&arguments.train.device)?,
        control: control(),
        ..RunOptions::default()
    };
    let (input, folder) = (&arguments.input, &arguments.output);
    let missing = counted(&options.control, |told| {
        auto::run(input, folder, &options, told)
    })?;
    whole(&missing, &arguments.ensemble)
}
