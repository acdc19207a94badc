//! `vesalius auto run`: all stages, each going on from what is there.

use super::ensemble::{EnsembleArguments, choose_and_write, whole};
use super::plan::{PlanArguments, plan_all};
use super::predict::predict;
use super::report::report;
use super::train::{TrainArguments, train_all};
use super::tune::{quick, search};
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
    /// Minutes for everything, most of which train [default: as the plans say]
    #[arg(long, value_parser = crate::values::positive)]
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

/// The share of the minutes that runs are trained in; the rest is for measuring the machine, validation,
/// held-out cases and the choice of the ensemble.
const TRAINING_SHARE: f64 = 0.8;

/// Runs every stage.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut work = Work::open(&arguments.output, Input::read(&arguments.input)?)?;
    let stop = stop_flag();
    let minutes = arguments.minutes.map(|minutes| minutes * TRAINING_SHARE);
    let train = &arguments.train;
    let tuning = match arguments.tune_trials {
        0 => None,
        _ => minutes.map(|minutes| minutes / 3.0),
    };
    let left = minutes.map(|minutes| minutes - tuning.unwrap_or(0.0));
    plan_all(
        &mut work,
        &arguments.plan,
        left,
        &train.device,
        stop.clone(),
    )?;
    if arguments.tune_trials > 0 {
        let plans = work.plans()?;
        let plans: Vec<_> = plans.iter().filter(|p| !p.is_tuned()).collect();
        let each = tuning.unwrap_or(5.0 * arguments.tune_trials as f64)
            / (arguments.tune_trials as f64 * plans.len().max(1) as f64);
        for plan in plans {
            let options = quick(arguments.tune_trials, each, &train.device, stop.clone())?;
            search(&work, plan, &options)?;
        }
    }
    train_all(&work, train, left, stop.clone())?;
    let missing = choose_and_write(&work, &arguments.ensemble, stop.clone())?;
    predict(&work, &train.device, &stop)?;
    report(&work)?;
    whole(&missing, &arguments.ensemble)
}
