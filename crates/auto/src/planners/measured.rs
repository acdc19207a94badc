//! Our own planner: nnU-Net's rules for grid and topology, and then the largest network of which this
//! machine can train enough steps in the time there is.

use super::nnunet::{Translated, loss, planned, preprocessing, reasons};
use super::probe::{StepCost, step_cost};
use super::rung::{RUNGS, Rung};
use super::task::Task;
use crate::{Error, Plan, Result};
use vesalius_planning::nnunet::{Configuration, Planned, Planner};
use vesalius_tensor::Device;
use vesalius_training::{
    AdamWConfig, Duration, OptimizerConfig, Poly, Schedule, TrainingConfig, ValidationConfig,
    WarmUp, WeightAverageConfig,
};
use vesalius_transforms::{
    Affine, Chain, Flip, GaussianNoise, PatchConfig, PatchSampling, PositiveNegative,
    ScaleIntensity, ShiftIntensity, Transform,
};
use vesalius_volume::LabelScheme;

/// Fewer steps than this teach a large network less than a small one.
const ENOUGH_STEPS: f64 = 1000.0;
/// Where nobody says how long a run may take.
const USUAL_MINUTES: f64 = 30.0;
/// What nnU-Net's planner is told to fill on a CPU, where its 8 GB would make patches of minutes a step.
const CPU_MEMORY_GB: f64 = 2.0;
/// The share of free memory that a run may take.
const MEMORY_SHARE: f64 = 0.7;

/// The plan that finishes in time.
pub(super) fn plan(task: &Task, name: &str) -> Result<Plan> {
    let on_cpu = task.options.device.clone().inner() == Device::flex();
    let memory = match (task.options.memory_gb, on_cpu) {
        (None, true) => Some(CPU_MEMORY_GB),
        (asked, _) => asked,
    };
    let planned = planned(task, Planner::NnUnet, memory)?;
    let of = planned.plans.configuration("3d_fullres")?;
    let mut because = reasons(&planned, "3d_fullres");
    // That sentence is about nnU-Net's batch, which is not taken.
    because.retain(|reason| !reason.starts_with("batch size"));
    let minutes = task.minutes_a_run().unwrap_or(USUAL_MINUTES);
    let ladder = Ladder {
        task,
        planned: &planned,
        of: &of,
        name,
        minutes,
        because: Vec::new(),
    };
    let (mut training, choice) = ladder.climb()?;
    because.extend(choice);
    training.duration = Some(Duration::Minutes(minutes));
    Ok(Plan { because, training })
}

/// Larger and larger networks, until one is too slow or too large.
struct Ladder<'a> {
    task: &'a Task<'a>,
    planned: &'a Planned,
    of: &'a Configuration,
    name: &'a str,
    minutes: f64,
    because: Vec<String>,
}

impl Ladder<'_> {
    fn climb(mut self) -> Result<(TrainingConfig, Vec<String>)> {
        let free = self.memory();
        let mut best: Option<(TrainingConfig, Rung, StepCost)> = None;
        let mut stopped = "nothing larger is tried".to_owned();
        for rung in RUNGS {
            let config = self.config(rung)?;
            let needs = training_memory(&config)?;
            if best.is_some() && needs > free {
                stopped = format!(
                    "{rung} would take {} of memory, {} may be taken",
                    gibibytes(needs),
                    gibibytes(free)
                );
                break;
            }
            let cost = self.cost(&config)?;
            let steps = self.steps(cost);
            if best.is_some() && steps < ENOUGH_STEPS {
                stopped = format!("{rung} would make {steps:.0}, too few to learn from");
                break;
            }
            best = Some((config, rung, cost));
        }
        let Some((config, rung, cost)) = best else {
            return Err(Error::Ensemble("no network was tried".to_owned()));
        };
        let steps = self.steps(cost);
        self.because.push(format!(
            "{rung}: a step of {} patches takes {:.3} s here and a held-out case {:.2} s, so {:.1} minutes make {steps:.0} steps; {stopped}",
            config.batch_size, cost.step_seconds, cost.case_seconds, self.minutes
        ));
        if steps < ENOUGH_STEPS {
            self.because.push(format!(
                "that is few ({ENOUGH_STEPS:.0} are wanted): give more minutes or a faster machine for a better model"
            ));
        }
        let config = self.finished(config, steps);
        Ok((config, self.because))
    }

    fn steps(&self, cost: StepCost) -> f64 {
        self.minutes * 60.0 / cost.step_seconds
    }

    fn cost(&self, config: &TrainingConfig) -> Result<StepCost> {
        let list = self.task.work.list();
        let usable: Vec<_> = list
            .cases
            .iter()
            .filter(|case| {
                let facts = &self.task.analyzed.report.facts;
                facts
                    .iter()
                    .any(|fact| fact.name == case.name && fact.foreground() > 0)
            })
            .collect();
        let (Some(first), Some(last)) = (usable.first(), usable.last()) else {
            return Err(Error::Ensemble("no case has a labelled voxel".to_owned()));
        };
        let options = self.task.options;
        step_cost(
            config,
            [*first, *last],
            &list.channels,
            &self.task.scheme,
            &options.device,
            &options.stop,
        )
    }

    /// Bytes that training may take.
    fn memory(&self) -> u64 {
        match self.task.options.memory_gb {
            Some(gigabytes) => (gigabytes * 1e9) as u64,
            None => vesalius_training::free_memory()
                .map_or(u64::MAX, |free| (free as f64 * MEMORY_SHARE) as u64),
        }
    }

    fn config(&mut self, rung: Rung) -> Result<TrainingConfig> {
        let task = self.task;
        let translated = Translated::of(task, self.planned, self.of)?;
        let patch = PatchConfig {
            size: translated.patch,
            sampling: PatchSampling::PositiveNegative(PositiveNegative {
                positive: 3.0,
                negative: 1.0,
            }),
            slice_axis: None,
        };
        let network = rung.network(&translated.network);
        let mut training = TrainingConfig::new(self.name, network, patch);
        let (mirror, mirror_reason) = task.mirror();
        let (orient, orient_reason) = task.orientation();
        let mut steps: Vec<Transform> = orient.into_iter().collect();
        steps.extend(preprocessing(task, self.planned, self.of)?.0);
        training.preprocessing = Chain(steps);
        let mut augmentation = vec![
            Transform::Affine(Affine {
                rotate: [10.0; 3],
                scale: [0.9, 1.1],
                probability: 0.3,
                ..Affine::default()
            }),
            Transform::ScaleIntensity(ScaleIntensity {
                factor: 0.25,
                probability: 0.5,
            }),
            Transform::ShiftIntensity(ShiftIntensity {
                offset: 0.1,
                probability: 0.5,
            }),
            Transform::GaussianNoise(GaussianNoise {
                deviation: 0.1,
                probability: 0.2,
            }),
        ];
        if !mirror.is_empty() {
            augmentation.push(Transform::Flip(Flip {
                axes: mirror.clone(),
                probability: 0.5,
            }));
        }
        training.augmentation = Chain(augmentation);
        training.mirror_axes = mirror;
        let regions = matches!(task.scheme, LabelScheme::Regions { .. });
        training.loss = loss(true, regions);
        training.batch_size = 2;
        training.inferer = Some(translated.inferer(training.batch_size));
        if self.because.is_empty() {
            self.because.extend([orient_reason, mirror_reason]);
            self.because.push("patches of 2, three in four around a labelled voxel: small batches make more steps".to_owned());
        }
        Ok(training)
    }

    /// What depends on the number of steps.
    fn finished(&mut self, mut config: TrainingConfig, steps: f64) -> TrainingConfig {
        config.optimizer = OptimizerConfig::AdamW(AdamWConfig {
            learning_rate: 0.002,
            weight_decay: 1e-5,
            ..AdamWConfig::default()
        });
        config.schedule = Schedule::Poly(Poly::default());
        config.warm_up = WarmUp {
            steps: ((steps / 50.0) as u64).clamp(1, 50),
            start: 0.0,
        };
        // Averages over about the last tenth of the run.
        let decay = (1.0 - 10.0 / steps).clamp(0.9, 0.999);
        config.weight_average = Some(WeightAverageConfig { decay });
        config.validation = ValidationConfig {
            times: 3,
            ..ValidationConfig::default()
        };
        self.because.push(format!(
            "AdamW at 0.002 with an average of the weights (decay {decay:.4}): in a short run it learns faster than nnU-Net's gradient descent, and the average is steadier than the last step"
        ));
        config
    }
}

fn training_memory(config: &TrainingConfig) -> Result<u64> {
    let patch = config.patch.size.map(|n| n.max(1) as usize);
    Ok(config
        .network
        .profile(patch, config.batch_size)?
        .training_memory)
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}
