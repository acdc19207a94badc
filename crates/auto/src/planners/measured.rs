//! Our own planner: nnU-Net's rules for grid and topology, and then the largest network of which this
//! machine can train enough steps in the time there is.

use super::candidate::{CANDIDATES, CandidateNetwork};
use super::nnunet::{Translated, loss, planned, planning_reasons, preprocessing};
use super::probe::{StepCost, Trial};
use super::task::Task;
use super::template::median_size;
use crate::{Error, Plan, Result};
use vesalius_inferers::ByteSize;
use vesalius_planning::nnunet::{Configuration, PlanChoice, Planned, Planner};
use vesalius_tensor::Device;
use vesalius_training::{
    AdamWConfig, Duration, OptimizerConfig, Poly, Schedule, TrainingConfig, ValidationConfig,
    WarmUp, WeightAverageConfig,
};
use vesalius_transforms::{
    Affine, Axis, Chain, Flip, GaussianNoise, PatchConfig, PatchSampling, PositiveNegative,
    ScaleIntensity, ShiftIntensity, Transform,
};
use vesalius_volume::LabelScheme;

/// Minutes of a run where no number is given.
const USUAL_MINUTES: f64 = 30.0;
/// The memory for nnU-Net's planner to fill on a CPU, where its 8 GB would make patches of minutes a step.
const CPU_MEMORY_GB: f64 = 2.0;
/// Slices of a batch at most: small batches make more steps.
const SLICES: usize = 8;
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
    // nnU-Net plans nothing in 3-D where the median case is one slice.
    let (configuration, of) = match planned.plans.configuration("3d_fullres") {
        Ok(of) => ("3d_fullres", of),
        Err(_) => ("2d", planned.plans.configuration("2d")?),
    };
    // nnU-Net's batch is not taken.
    let mut reasons = planning_reasons(&planned, configuration, &[PlanChoice::BatchSize]);
    if configuration == "2d" {
        reasons
            .push("the median case is one slice, so slices are segmented by themselves".to_owned());
    }
    let base = base(task, name, &planned, &of, &mut reasons)?;
    let minutes = task.minutes_a_run().unwrap_or(USUAL_MINUTES);
    let (training, steps) = select_network(task, &base, minutes, &mut reasons)?;
    let mut training = finished(training, steps, &mut reasons);
    training.duration = Some(Duration::Minutes(minutes));
    Ok(Plan { reasons, training })
}

/// Larger and larger networks in place of nnU-Net's, until one is too slow or too large; the last that was
/// neither, and how many steps it makes.
fn select_network(
    task: &Task,
    base: &TrainingConfig,
    minutes: f64,
    reasons: &mut Vec<String>,
) -> Result<(TrainingConfig, f64)> {
    let trial = trial(task, base)?;
    let free = free_memory(task);
    let mut best: Option<(TrainingConfig, CandidateNetwork, StepCost)> = None;
    let mut stopped = "nothing larger is tried".to_owned();
    let steps_at = |cost: StepCost| minutes * 60.0 / cost.step_seconds;
    for candidate in CANDIDATES {
        let mut config = base.clone();
        config.network = candidate.network(&base.network);
        let needs = training_memory(&config)?;
        if best.is_some() && needs > free {
            stopped = format!(
                "{candidate} would take {} of memory, {} may be taken",
                ByteSize(needs),
                ByteSize(free)
            );
            break;
        }
        let cost = trial.cost(&config, &task.options.device, &task.options.control)?;
        let steps = steps_at(cost);
        if best.is_some() && steps < candidate.enough_steps() {
            stopped = format!("{candidate} would make {steps:.0}, too few to learn from");
            break;
        }
        best = Some((config, candidate, cost));
    }
    let Some((config, candidate, cost)) = best else {
        return Err(no_plan("no network was tried"));
    };
    let steps = steps_at(cost);
    reasons.push(format!(
        "{candidate}: a step of {} patches takes {:.3} s here and a held-out case {:.2} s, so {minutes:.1} minutes make {steps:.0} steps; {stopped}",
        config.batch_size, cost.step_seconds, cost.case_seconds
    ));
    let wanted = candidate.enough_steps();
    if steps < wanted {
        reasons.push(format!(
            "that is few ({wanted:.0} are wanted): give more minutes or a faster machine for a better model"
        ));
    }
    Ok((config, steps))
}

/// The first and the last case with a labelled voxel, prepared for trials.
fn trial(task: &Task, config: &TrainingConfig) -> Result<Trial> {
    let list = task.work.list();
    let facts = &task.analyzed.report.facts;
    let labelled = |name: &String| {
        facts
            .iter()
            .any(|fact| fact.name == *name && fact.foreground() > 0)
    };
    let mut usable = list.cases.iter().filter(|case| labelled(&case.name));
    let Some(first) = usable.next() else {
        return Err(no_plan("no case has a labelled voxel"));
    };
    let last = usable.next_back().unwrap_or(first);
    Trial::read(task, [first, last], &config.preprocessing)
}

fn no_plan(reason: &str) -> Error {
    vesalius_planning::Error::Plan(reason.to_owned()).into()
}

/// Bytes that training may take.
fn free_memory(task: &Task) -> u64 {
    match task.options.memory_gb {
        Some(gigabytes) => (gigabytes * 1e9) as u64,
        None => vesalius_training::free_memory()
            .map_or(u64::MAX, |free| (free as f64 * MEMORY_SHARE) as u64),
    }
}

/// Everything but the network's size and what depends on the number of steps.
fn base(
    task: &Task,
    name: &str,
    planned: &Planned,
    of: &Configuration,
    reasons: &mut Vec<String>,
) -> Result<TrainingConfig> {
    let mut translated = Translated::of(task, planned, of)?;
    let median = median_size(task, translated.spacing);
    let order = translated.network_order();
    let divisor = translated.network.architecture().divisor();
    let filled = filled_patch(
        order.map(|axis| translated.patch[axis]),
        order.map(|axis| median[axis]),
        divisor,
    );
    let mut patch = translated.patch;
    for (axis, n) in order.into_iter().zip(filled) {
        patch[axis] = n;
    }
    if patch != translated.patch {
        reasons.push(format!(
            "of that patch {} × {} × {}, which the median case of {} × {} × {} fills: no time goes into padding",
            patch[0], patch[1], patch[2], median[0], median[1], median[2]
        ));
        translated.patch = patch;
    }
    let patch = PatchConfig {
        size: translated.patch,
        sampling: PatchSampling::PositiveNegative(PositiveNegative {
            positive: 3.0,
            negative: 1.0,
        }),
        slice_axis: translated.across,
    };
    let mut training = TrainingConfig::new(translated.network.clone())
        .name(name)
        .patch(patch);
    let (orient, orient_reason) = task.orientation();
    let (mirror, mirror_reason) = task.mirror();
    reasons.extend([orient_reason, mirror_reason]);
    // In the order of the network's axes; slices are never mirrored across themselves.
    let seen = |axis: &Axis| order.iter().position(|&at| at == axis.index());
    let mirror: Vec<Axis> = mirror
        .iter()
        .filter(|axis| Some(**axis) != translated.across)
        .filter_map(|axis| Some([Axis::X, Axis::Y, Axis::Z][seen(axis)?]))
        .collect();
    training.batch_size = match translated.across {
        Some(_) => of.batch_size.unwrap_or(SLICES).clamp(2, SLICES),
        None => 2,
    };
    reasons.push(format!(
        "batches of {}, three patches in four around a labelled voxel: small batches make more steps",
        training.batch_size
    ));
    let mut steps: Vec<Transform> = orient.into_iter().collect();
    steps.extend(preprocessing(task, planned, of)?.0);
    training.preprocessing = Chain(steps);
    training.augmentation = augmentation(&mirror, translated.across.is_some());
    training.mirror_axes = mirror;
    let regions = matches!(task.scheme, LabelScheme::Regions { .. });
    training.loss = loss(true, regions);
    training.inferer = Some(translated.inferer(training.batch_size));
    Ok(training)
}

/// The largest patch, up to nnU-Net's, that the median case fills. nnU-Net's is padded up to what the network
/// can halve; a step over one that is filled costs half as much on small images, and twice as many of
/// them teach more.
fn filled_patch(planned: [i64; 3], median: [i64; 3], divisor: [usize; 3]) -> [i64; 3] {
    std::array::from_fn(|axis| {
        let divisor = divisor[axis] as i64;
        planned[axis].min((median[axis] / divisor).max(1) * divisor)
    })
}

/// Mild, since a short run trains on each case only a few times. Slices, whose last axis is the one across them,
/// are rotated in their plane.
fn augmentation(mirror: &[Axis], slices: bool) -> Chain {
    let mut affine = Affine {
        rotate: [10.0; 3],
        scale: [0.9, 1.1],
        probability: 0.3,
        ..Affine::default()
    };
    if slices {
        affine.rotate = [0.0, 0.0, 10.0];
        affine.still = Some(Axis::Z);
    }
    let mut chain = vec![
        Transform::Affine(affine),
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
        chain.push(Transform::Flip(Flip {
            axes: mirror.to_vec(),
            probability: 0.5,
        }));
    }
    Chain(chain)
}

/// What depends on the number of steps.
fn finished(mut config: TrainingConfig, steps: f64, reasons: &mut Vec<String>) -> TrainingConfig {
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
    reasons.push(format!(
        "AdamW at 0.002 with an average of the weights (decay {decay:.4}): in a short run it learns faster than nnU-Net's gradient descent, and the average is steadier than the last step"
    ));
    config
}

fn training_memory(config: &TrainingConfig) -> Result<u64> {
    let whole = config.patch.size.map(|n| n.max(1) as usize);
    let patch = config.network_patch().unwrap_or(whole);
    Ok(config
        .network
        .profile(patch, config.batch_size)?
        .training_memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_filled_by_the_median_case_and_never_larger_than_planned() {
        // Hippocampus: nnU-Net pads 36 × 50 × 35 voxels up to what its network halves.
        let filled = filled_patch([40, 56, 40], [36, 50, 35], [8; 3]);
        assert_eq!(filled, [32, 48, 32]);
        assert_eq!(
            filled_patch([96; 3], [400, 400, 20], [32, 32, 16]),
            [96, 96, 16]
        );
        assert_eq!(filled_patch([32; 3], [20, 40, 31], [32; 3]), [32; 3]);
    }
}
