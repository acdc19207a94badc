//! `vesalius auto train`: every plan on every fold.

use crate::commands::Result;
use crate::interrupt::stop_flag;
use crate::progress::TrainingProgress;
use crate::warnings::tell_about;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius::auto::{History, JobState, TrainEvent, TrainOptions, Work, train};
use vesalius::tensor::parse_device;

/// Arguments of `vesalius auto train`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
    /// Minutes of training for all runs together [default: as each plan says]
    #[arg(long, value_parser = crate::values::positive)]
    minutes: Option<f64>,
    #[command(flatten)]
    how: TrainArguments,
}

/// How runs are made.
#[derive(clap::Args)]
pub struct TrainArguments {
    /// The folds to train, with commas between them [default: all]
    #[arg(long, value_delimiter = ',')]
    pub folds: Option<Vec<usize>>,
    /// How often a run that broke off or found nothing is begun anew
    #[arg(long, default_value_t = 1)]
    pub retries: usize,
    /// Try runs again that failed, although their plan, the data and the version are what they failed with
    #[arg(long)]
    pub retry: bool,
    /// Runs that are made at one time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub at_once: u16,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    pub device: String,
}

/// Trains and prints a line a run.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = Work::reopen(&arguments.work)?;
    let history = train_all(&work, &arguments.how, arguments.minutes, stop_flag())?;
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

/// Trains what is not trained yet; fails where no run is usable.
pub fn train_all(
    work: &Work,
    how: &TrainArguments,
    minutes: Option<f64>,
    stop: Arc<AtomicBool>,
) -> Result<History> {
    let options = TrainOptions {
        minutes,
        folds: how.folds.clone(),
        retries: how.retries,
        retry_failed: how.retry,
        at_once: usize::from(how.at_once),
        device: parse_device(&how.device)?,
        stop,
        ..TrainOptions::default()
    };
    let mut progress: Option<TrainingProgress> = None;
    let history = train(work, &work.plans()?, &options, &mut |event| match event {
        TrainEvent::Warning(warning) => tell_about("", std::slice::from_ref(warning)),
        TrainEvent::Begun { number, of, job } => {
            note!(
                "run {number} of {of}: {} on fold {}",
                job.algorithm,
                job.fold
            );
            progress = Some(TrainingProgress::new());
        }
        TrainEvent::Run(event) => {
            if let Some(progress) = &mut progress {
                progress.show(event);
            }
        }
        TrainEvent::HeldOut { done, of } if done == of => {
            note!("segmented {of} held-out cases");
        }
        TrainEvent::HeldOut { .. } => {}
        TrainEvent::Ended(job) => {
            progress = None;
            note!("{}", sentence(job));
        }
    })?;
    for job in &history.jobs {
        out!("{}", sentence(job));
    }
    if history.trained().next().is_none() {
        return Err("no run can be used; the reasons stand above and in history.json".into());
    }
    Ok(history)
}

fn sentence(job: &vesalius::auto::Job) -> String {
    let what = match &job.state {
        JobState::Planned => format!("to be tried again: {}", job.failures.join("; ")),
        JobState::Trained => format!(
            "mean Dice {:.4} after {} steps",
            job.dice.unwrap_or(0.0),
            job.steps
        ),
        JobState::Failed(reason) => format!("FAILED, left out: {reason}"),
        JobState::Collapsed(reason) => format!("COLLAPSED, left out: {reason}"),
    };
    format!("{} fold {}: {what}", job.algorithm, job.fold)
}
