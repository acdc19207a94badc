//! `vesalius auto`: look at a dataset and plan what to train on it.

mod analyze;
mod data;
mod plan;

use super::Result;
use clap::Subcommand;

/// Arguments of `vesalius auto`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    stage: Stage,
}

#[derive(Subcommand)]
enum Stage {
    /// Check a dataset and measure it: problems, nnU-Net's fingerprint, Auto3DSeg's statistics, folds
    Analyze(analyze::Arguments),
    /// Make nnU-Net's plans from a fingerprint, with a reason for every choice
    Plan(plan::Arguments),
}

/// Runs one stage.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.stage {
        Stage::Analyze(arguments) => analyze::run(arguments),
        Stage::Plan(arguments) => plan::run(arguments),
    }
}
