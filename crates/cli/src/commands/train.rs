//! `vesalius train`: one model from a config and a dataset.

use super::Result;
use crate::interrupt::stop_flag;
use crate::output::JsonOutput;
use crate::progress::TrainingProgress;
use std::path::PathBuf;
use vesalius::io::FolderLock;
use vesalius::tensor::Device;
use vesalius::tensor::parse_device;
use vesalius::training::{
    Duration, FitOptions, REPORT_FILE, TrainingConfig, fit, load_dataset_cached,
};

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
    #[arg(long, conflicts_with = "steps", value_parser = crate::values::positive)]
    minutes: Option<f64>,
    /// Train for so many steps
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Train so long that every training case is drawn from so many times
    #[arg(long, conflicts_with_all = ["steps", "minutes"], value_parser = crate::values::positive)]
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
    let mut config = TrainingConfig::read(&arguments.config)?;
    if let Some(folder) = &arguments.cache {
        config.cache.folder = Some(folder.clone());
    }
    let devices: Vec<Device> = arguments
        .device
        .iter()
        .map(|name| parse_device(name))
        .collect::<std::result::Result<_, _>>()?;
    let Some((device, more_devices)) = devices.split_first() else {
        return Err("--device names no device; give cpu, cuda[:n], wgpu[:n] or vulkan[:n]".into());
    };
    config.precision.check_device(device)?;
    let duration = arguments
        .minutes
        .map(Duration::Minutes)
        .or(arguments.steps.map(Duration::Steps))
        .or(arguments.epochs.map(Duration::Epochs));
    let output = arguments
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from("runs").join(&config.name));
    // Before the dataset is read, which may take long, and which fills a cache in the folder.
    let lock = FolderLock::exclusive(&output)?;
    note!("reading the dataset in {}", arguments.data.display());
    let data = load_dataset_cached(&config, &arguments.data, &output.join("cache"))?;
    let options = FitOptions {
        output,
        device: device.clone(),
        more_devices: more_devices.to_vec(),
        duration,
        resume: arguments.resume,
        lock: Some(lock),
        stop: stop_flag(),
    };
    let mut progress = TrainingProgress::new();
    let report = fit(&config, &data, &options, &mut |event| progress.show(event))?;
    drop(progress);
    let state = &report.progress;
    let output = options.output.display();
    if !arguments.json.replaces_table() {
        match state.best {
            Some(best) => out!(
                "model: {output} (mean Dice {:.4} on fold {} after step {})",
                best.dice,
                config.validation.fold,
                best.step
            ),
            None => out!("model: {output} (not validated yet)"),
        }
        out!("report: {}", options.output.join(REPORT_FILE).display());
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
