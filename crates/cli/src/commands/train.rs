//! `vesalius train`: one model from a config and a dataset.

use super::Result;
use crate::interrupt::stop_flag;
use crate::output::JsonOutput;
use crate::progress::TrainingProgress;
use std::path::PathBuf;
use vesalius::tensor::parse_device;
use vesalius::training::{Duration, FitOptions, TrainingConfig, fit, load_dataset};

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
    /// Train for so many minutes (validation not counted)
    #[arg(long, conflicts_with = "steps", value_parser = positive_minutes)]
    minutes: Option<f64>,
    /// Train for so many steps
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Go on from the checkpoint in the output folder
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    json: JsonOutput,
}

fn positive_minutes(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes.is_finite() && minutes > 0.0 => Ok(minutes),
        _ => Err("expected a positive number of minutes".to_owned()),
    }
}

/// Trains, and prints how it ended.
pub fn run(arguments: &Arguments) -> Result<()> {
    let config = TrainingConfig::read(&arguments.config)?;
    let device = parse_device(&arguments.device)?;
    let duration = arguments
        .minutes
        .map(Duration::Minutes)
        .or(arguments.steps.map(Duration::Steps));
    let output = arguments
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
    eprintln!("reading the dataset in {}", arguments.data.display());
    let data = load_dataset(&config, &arguments.data)?;
    let options = FitOptions {
        output,
        device,
        duration,
        resume: arguments.resume,
        stop: stop_flag(),
    };
    let mut progress = TrainingProgress::new();
    let report = fit(&config, &data, &options, &mut |event| progress.show(event))?;
    drop(progress);
    let state = &report.progress;
    let output = options.output.display();
    if !arguments.json.replaces_table() {
        match state.best {
            Some(best) => println!(
                "model: {output} (mean Dice {:.4} on fold {} after step {})",
                best.dice, config.validation.fold, best.step
            ),
            None => println!("model: {output} (not validated yet)"),
        }
    }
    arguments.json.write(state)?;
    if !report.finished {
        return Err(format!(
            "stopped after step {} before the end; go on with --resume",
            state.step
        )
        .into());
    }
    Ok(())
}
