//! `vesalius auto train`: every plan on every fold.

use super::events::shown;
use crate::commands::Result;
use crate::interrupt::control;
use std::path::PathBuf;
use vesalius::auto::WorkFolder;
use vesalius::tensor::parse_device;
use vesalius::workflow::auto::{TrainStage, train};

/// Arguments of `vesalius auto train`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
    /// Minutes for all runs together, with their validations and held-out cases [default: each plan's length]
    #[arg(long, value_parser = crate::values::positive, allow_hyphen_values = true)]
    minutes: Option<f64>,
    /// The plans to train, with commas between them [default: all]
    #[arg(long, value_delimiter = ',')]
    algorithms: Option<Vec<String>>,
    #[command(flatten)]
    how: TrainArguments,
}

/// How runs are made.
#[derive(clap::Args)]
pub struct TrainArguments {
    /// The folds to train, with commas between them [default: all]
    #[arg(long, value_delimiter = ',')]
    folds: Option<Vec<usize>>,
    /// How often a run that broke off or found nothing is started again
    #[arg(long, default_value_t = 1)]
    retries: usize,
    /// Try runs again that failed, although their plan, the data and the version are what they failed with
    #[arg(long)]
    retry: bool,
    /// Runs that are made at one time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    at_once: u16,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    pub device: String,
}

impl TrainArguments {
    /// As the library's options.
    pub fn stage(&self) -> TrainStage {
        TrainStage {
            folds: self.folds.clone(),
            retries: self.retries,
            retry_failed: self.retry,
            at_once: usize::from(self.at_once),
            ..TrainStage::default()
        }
    }
}

/// Trains and prints a line a run.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = WorkFolder::reopen(&arguments.work)?;
    let device = parse_device(&arguments.how.device)?;
    let stage = TrainStage {
        minutes: arguments.minutes,
        algorithms: arguments.algorithms.clone(),
        ..arguments.how.stage()
    };
    let history = shown(|told| train(&work, &stage, &device, &control(), told))?;
    let missing = history.missing();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{} of {} runs have no model:{}\ntry them again with --retry, or repair their plans; `vesalius auto ensemble` makes a model of the others",
            missing.len(),
            history.jobs.len(),
            missing
                .iter()
                .map(|run| format!("\n  {run}"))
                .collect::<String>()
        )
        .into()),
    }
}
