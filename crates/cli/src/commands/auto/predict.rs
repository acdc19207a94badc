//! `vesalius auto predict`: the unlabelled cases of the list, or any others, through the resulting model of the work.

use super::events::shown;
use crate::commands::Result;
use crate::interrupt::control;
use std::path::PathBuf;
use vesalius::auto::WorkFolder;
use vesalius::tensor::parse_device;
use vesalius::workflow::auto::{PredictStage, cases_of, predict};

/// Arguments of `vesalius auto predict`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
    /// Images to segment [default: the cases under `testing` in the list]
    #[arg(long)]
    input: Option<PathBuf>,
    /// The folder to write to [default: `predictions` in the work folder, whose results are made again when
    /// the work's model has changed]
    #[arg(long)]
    output: Option<PathBuf>,
    /// Segment cases again whose result is there
    #[arg(long)]
    overwrite: bool,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// Segments and prints how many.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = WorkFolder::reopen(&arguments.work)?;
    let stage = PredictStage {
        folder: arguments.output.clone(),
        overwrite: arguments.overwrite,
    };
    let device = parse_device(&arguments.device)?;
    shown(|told| {
        let cases = cases_of(&work, arguments.input.as_deref())?;
        predict(&work, &cases, &stage, &device, &control(), told)
    })
}
