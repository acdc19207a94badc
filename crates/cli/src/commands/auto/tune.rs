//! `vesalius auto tune`: better settings for a plan.

use crate::commands::Result;
use crate::interrupt::stop_flag;
use crate::progress::TrainingProgress;
use crate::warnings::tell_about;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius::auto::search::{Pruner, Sampler, SearchSpace, TrialState};
use vesalius::auto::{Plan, TuneEvent, TuneOptions, Work, tune};
use vesalius::tensor::parse_device;
use vesalius::training::Duration;

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
    #[arg(long, value_enum, default_value_t = Draw::Tpe)]
    sampler: Draw,
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
enum Draw {
    /// Where good trials were (the tree-structured Parzen estimator)
    Tpe,
    /// Evenly
    Random,
}

/// Searches and writes the best as a plan.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = Work::share(&arguments.work)?;
    let plan = chosen(&work, arguments.algorithm.as_deref())?;
    let space = match &arguments.space {
        Some(path) => {
            let text = std::fs::read_to_string(path)
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
            Draw::Tpe => Sampler::default(),
            Draw::Random => Sampler::Random,
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
        stop: stop_flag(),
        ..TuneOptions::default()
    };
    search(&work, &plan, &options)
}

/// Runs a search with its progress, and says what came of it.
pub fn search(work: &Work, plan: &Plan, options: &TuneOptions) -> Result<()> {
    let mut progress: Option<TrainingProgress> = None;
    let best = tune(work, plan, options, &mut |event| match event {
        TuneEvent::Warning(warning) => tell_about("", std::slice::from_ref(warning)),
        TuneEvent::Begun(trial) => {
            let settings = serde_json::to_string(&trial.settings).unwrap_or_default();
            note!("trial {} of {}: {settings}", trial.number, options.trials);
            progress = Some(TrainingProgress::new());
        }
        TuneEvent::Run(event) => {
            if let Some(progress) = &mut progress {
                progress.show(event);
            }
        }
        TuneEvent::Ended { number, state } => {
            progress = None;
            out!("trial {number}: {}", sentence(state));
        }
    })?;
    match best {
        Some(plan) => {
            for reason in plan.because.iter().rev().take(1) {
                out!("{reason}");
            }
            let path = Plan::path(&work.plans_folder(), plan.name());
            out!("plan: {}", path.display());
            Ok(())
        }
        None => Err("no trial ended well; the reasons stand above".into()),
    }
}

/// The options of a search within `auto run`.
pub fn quick(
    trials: u64,
    minutes: f64,
    device: &str,
    stop: Arc<AtomicBool>,
) -> Result<TuneOptions> {
    Ok(TuneOptions {
        trials,
        duration: Duration::Minutes(minutes),
        device: parse_device(device)?,
        stop,
        ..TuneOptions::default()
    })
}

fn chosen(work: &Work, name: Option<&str>) -> Result<Plan> {
    let plans = work.plans()?;
    let names = |of: &[&Plan]| of.iter().map(|p| p.name()).collect::<Vec<_>>().join(", ");
    let Some(name) = name else {
        // What an earlier search made is not searched anew unless it is named: the same command goes on
        // with the same search.
        let given: Vec<_> = plans.iter().filter(|plan| !plan.is_tuned()).collect();
        return match given.as_slice() {
            [one] => Ok((*one).clone()),
            several => Err(format!(
                "there are several plans; choose one of {} with --algorithm",
                names(several)
            )
            .into()),
        };
    };
    let found = plans.iter().find(|plan| plan.name() == name).cloned();
    let all: Vec<_> = plans.iter().collect();
    Ok(found.ok_or_else(|| format!("no plan is called {name}; there are {}", names(&all)))?)
}

fn sentence(state: &TrialState) -> String {
    match state {
        TrialState::Running => "under way".to_owned(),
        TrialState::Complete(dice) => format!("Dice {dice:.4}"),
        TrialState::Pruned => "ended early: others were better by then".to_owned(),
        TrialState::Failed(reason) => format!("FAILED: {reason}"),
    }
}
