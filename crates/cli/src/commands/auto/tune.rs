//! `vesalius auto tune`: better settings for a plan.

use super::events::shown;
use crate::commands::Result;
use crate::interrupt::control;
use std::path::PathBuf;
use vesalius::auto::search::{Pruner, Sampler, SearchSpace};
use vesalius::auto::{TuneOptions, WorkFolder};
use vesalius::tensor::parse_device;
use vesalius::training::Duration;
use vesalius::workflow::auto::{choose_plan, tune};

/// Arguments of `vesalius auto tune`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder; several processes may work on one search
    work: PathBuf,
    /// The algorithm whose plan is searched [default: the only one]
    #[arg(long)]
    algorithm: Option<String>,
    /// The search space, YAML: keys of the plan's `training`, each with Optuna's or NNI's distribution
    /// [default: learning rate, loss and batch size]
    #[arg(long)]
    space: Option<PathBuf>,
    /// Trials in all
    #[arg(long, default_value_t = 20)]
    trials: u64,
    /// Minutes of training a trial
    #[arg(long, default_value_t = 5.0, value_parser = crate::values::positive, conflicts_with = "steps")]
    minutes: f64,
    /// Steps a trial, which several processes do not disturb
    #[arg(long)]
    steps: Option<u64>,
    /// How trials are drawn
    #[arg(long, value_enum, default_value_t = SamplerKind::Tpe)]
    sampler: SamplerKind,
    /// Never end a trial early
    #[arg(long)]
    no_pruning: bool,
    /// The fold that trials are scored on
    #[arg(long, default_value_t = 0)]
    fold: usize,
    /// Everything random follows from this
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SamplerKind {
    /// Where good trials were (the tree-structured Parzen estimator)
    Tpe,
    /// Evenly
    Random,
}

/// Searches and writes the best as a plan.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = WorkFolder::share(&arguments.work)?;
    let algorithm = arguments.algorithm.as_deref();
    let plan = shown(|_| choose_plan(&work, algorithm))?;
    let space = match &arguments.space {
        Some(path) => {
            let text = vesalius::io::read_text(path)
                .map_err(|e| format!("{}: cannot be read: {e}", path.display()))?;
            let space =
                SearchSpace::parse(&text).map_err(|e| format!("{}: {e}", path.display()))?;
            Some(space)
        }
        None => None,
    };
    let options = TuneOptions {
        space,
        sampler: match arguments.sampler {
            SamplerKind::Tpe => Sampler::default(),
            SamplerKind::Random => Sampler::Random,
        },
        pruner: match arguments.no_pruning {
            true => Pruner::None,
            false => Pruner::default(),
        },
        trials: arguments.trials,
        duration: match arguments.steps {
            Some(steps) => Duration::Steps(steps),
            None => Duration::Minutes(arguments.minutes),
        },
        fold: arguments.fold,
        seed: arguments.seed,
        device: parse_device(&arguments.device)?,
        control: control(),
        ..TuneOptions::default()
    };
    shown(|told| tune(&work, &plan, &options, told))?;
    Ok(())
}
