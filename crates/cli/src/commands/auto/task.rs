//! `vesalius auto task`: one stage, or one element of it, as a job of a cluster runs it.

use super::events::{counted, shown};
use super::plan::PlanArguments;
use super::submit::{options, tell};
use crate::commands::Result;
use crate::interrupt::control;
use std::path::PathBuf;
use vesalius::predict::Part;
use vesalius::tensor::parse_device;
use vesalius::workflow::auto::cluster;

/// Arguments of `vesalius auto task`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
    #[command(subcommand)]
    stage: Stage,
}

#[derive(clap::Subcommand)]
enum Stage {
    /// Analyse the dataset, make the plans, number their runs
    Plan {
        /// The input [default: the one that the work was begun with]
        #[arg(long, value_name = "FILE")]
        input: Option<PathBuf>,
        /// Minutes of each run [default: the plans' lengths]
        #[arg(long, value_parser = crate::values::positive, allow_hyphen_values = true)]
        minutes: Option<f64>,
        /// The folds to train, with commas between them [default: all]
        #[arg(long, value_delimiter = ',')]
        folds: Option<Vec<usize>>,
        #[command(flatten)]
        plan: PlanArguments,
        /// What will train
        #[arg(long, default_value = "cpu")]
        device: String,
        /// Submit what follows to Slurm
        #[arg(long)]
        submit: bool,
    },
    /// Make one run, or go on with it
    Train {
        /// Its number [default: that of the element of Kubernetes' indexed job]
        number: Option<usize>,
        /// Minutes of the run, over all jobs that make it [default: the plan's length]
        #[arg(long, value_parser = crate::values::positive, allow_hyphen_values = true)]
        minutes: Option<f64>,
        /// What computes
        #[arg(long, default_value = "cpu")]
        device: String,
        /// A folder on this machine's own disk for prepared cases, in place of the work folder
        #[arg(long, value_name = "DIR", env = "SLURM_TMPDIR")]
        scratch: Option<PathBuf>,
    },
    /// Choose the ensemble, write the report
    Ensemble,
    /// Segment a part of the cases without labels
    Predict {
        /// Its number [default: that of the element of Kubernetes' indexed job]
        number: Option<usize>,
        /// How many parts there are
        #[arg(long, value_name = "N")]
        parts: usize,
        /// What computes
        #[arg(long, default_value = "cpu")]
        device: String,
    },
}

/// Runs the stage.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = &arguments.work;
    match &arguments.stage {
        Stage::Plan {
            input,
            minutes,
            folds,
            plan,
            device,
            submit,
        } => {
            let options = options(device, *minutes, folds.as_ref(), plan)?;
            let device = parse_device(device)?;
            let table = counted(&control(), |told| {
                cluster::plan_task(work, input.as_deref(), &options, &device, &control(), told)
            })?;
            out!("{} runs", table.tasks.len());
            if *submit {
                tell(&cluster::submit(work, None, &options)?, work);
            }
            Ok(())
        }
        Stage::Train {
            number,
            minutes,
            device,
            scratch,
        } => {
            let number = element(*number)?;
            let mut options = cluster::TaskOptions::default();
            options.minutes = *minutes;
            options.device = parse_device(device)?;
            options.scratch.clone_from(scratch);
            options.control = control();
            let job = shown(|told| cluster::run_task(work, number, &options, told))?;
            let dice = job.dice.map_or("-".to_owned(), |dice| format!("{dice:.4}"));
            out!("{} on fold {}: Dice {dice}", job.algorithm, job.fold);
            Ok(())
        }
        Stage::Ensemble => Ok(counted(&control(), |told| {
            cluster::ensemble_task(work, &control(), told)
        })?),
        Stage::Predict {
            number,
            parts,
            device,
        } => {
            let part = Part::new(element(*number)?, *parts)?;
            let device = parse_device(device)?;
            Ok(counted(&control(), |told| {
                cluster::predict_task(work, part, &device, &control(), told)
            })?)
        }
    }
}

/// The number of an element.
fn element(number: Option<usize>) -> Result<usize> {
    if let Some(number) = number {
        return Ok(number);
    }
    let index = std::env::var("JOB_COMPLETION_INDEX").ok();
    let index = index.and_then(|index| index.parse().ok());
    index.ok_or_else(|| "no number is given, and JOB_COMPLETION_INDEX is not set".into())
}
