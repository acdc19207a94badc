//! `vesalius train`: one model from a config and a dataset.

use super::Result;
use crate::interrupt::control;
use crate::output::JsonOutput;
use crate::progress::TrainingProgress;
use std::path::PathBuf;
use vesalius::reports::REPORT_FILE;
use vesalius::train::{Error, TrainJob, TrainProgress, Trained, train_model};
use vesalius::training::{Duration, Event};

/// Arguments of `vesalius train`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The training config, a YAML file such as configs/hippocampus.yaml
    config: PathBuf,
    /// The dataset: a folder with a dataset.json, or that file
    #[arg(long, default_value = ".")]
    data: PathBuf,
    /// The model folder to write [default: runs/NAME, NAME being the config's]
    #[arg(long)]
    output: Option<PathBuf>,
    /// Train for so many minutes by the clock, with the cache, validations and the report
    #[arg(long, conflicts_with = "steps", value_parser = crate::values::positive, allow_hyphen_values = true)]
    minutes: Option<f64>,
    /// Train for so many steps
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), allow_hyphen_values = true)]
    steps: Option<u64>,
    /// Train so long that every training case is drawn from so many times
    #[arg(long, conflicts_with_all = ["steps", "minutes"], value_parser = crate::values::positive, allow_hyphen_values = true)]
    epochs: Option<f64>,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]; several, with commas between them, share
    /// the batches of a step
    #[arg(long, default_value = "cpu", value_delimiter = ',')]
    device: Vec<String>,
    /// Keep preprocessed cases in this folder, which runs may share, instead of the config's
    #[arg(long)]
    cache: Option<PathBuf>,
    /// Go on from the checkpoint in the output folder
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    json: JsonOutput,
}

/// Trains, and prints how it ended.
pub fn run(arguments: &Arguments) -> Result<()> {
    let duration = arguments
        .minutes
        .map(Duration::Minutes)
        .or(arguments.steps.map(Duration::Steps))
        .or(arguments.epochs.map(Duration::Epochs));
    let options = TrainJob {
        output: arguments.output.clone(),
        devices: arguments.device.clone(),
        duration,
        cache: arguments.cache.clone(),
        resume: arguments.resume,
        control: control(),
        ..TrainJob::new(&arguments.config, &arguments.data)
    };
    let mut progress = None;
    let result = train_model(&options, &mut |event| match event {
        TrainProgress::ReadingDataset(data) => note!("reading the dataset in {}", data.display()),
        // Printed at the end, with how to resume.
        TrainProgress::Run(Event::Stopped { .. }) => {}
        TrainProgress::Run(event) => progress
            .get_or_insert_with(TrainingProgress::new)
            .show(event),
        _ => {}
    });
    drop(progress);
    match result {
        Ok(trained) => show(arguments, &trained),
        Err(Error::Stopped(trained)) => {
            show(arguments, &trained)?;
            Err(format!(
                "stopped after step {} before the end; go on with --resume",
                trained.report.progress.step
            )
            .into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Prints the run's progress, and its model.
fn show(arguments: &Arguments, trained: &Trained) -> Result<()> {
    let state = &trained.report.progress;
    let output = trained.output.display();
    if !arguments.json.replaces_table() {
        match state.best {
            Some(best) => out!(
                "model: {output} (mean Dice {:.4} on fold {} after step {})",
                best.dice,
                trained.fold,
                best.step
            ),
            None => out!("model: {output} (not validated yet)"),
        }
        out!("report: {}", trained.output.join(REPORT_FILE).display());
    }
    arguments.json.write(state)
}
