//! nnU-Net's plans as training configs: its network, patch, batch, normalisation and trainer, with vectors
//! turned from its transposed arrays to `[x, y, z]`.

use super::axes::{Axes, turn_stages};
use super::task::Task;
use crate::{Error, Plan, Result};
use vesalius_inferers::{Blending, Inferer, SlidingWindow, WindowRule};
use vesalius_losses::{DeepSupervision, Dice, DiceCrossEntropy, HeadWeights, LossConfig};
use vesalius_networks::NetworkConfig;
use vesalius_planning::nnunet::{Configuration, PlanChoice, PlanOptions, Planned, Planner, Reason};
use vesalius_training::{
    Duration, OptimizerConfig, Poly, Schedule, StochasticGradientDescent, TrainingConfig,
    ValidationConfig, ValidationOn,
};
use vesalius_transforms::{
    Axis, Chain, CropNonzero, ForcedForeground, ImageSampling, LabelSampling, NnUnet2d, NnUnet3d,
    PatchConfig, PatchSampling, Spacing, Transform,
};
use vesalius_volume::LabelScheme;

/// The configurations that become plans. A cascade is two models trained one after the other, which
/// `configs/` has a recipe for.
pub(super) const CONFIGURATIONS: [&str; 3] = ["2d", "3d_fullres", "3d_lowres"];

/// nnU-Net's trainer: 1000 epochs of 250 steps.
const STEPS: u64 = 250_000;
/// Its cases are validated on so many patches an epoch at least.
const VALIDATION_PATCHES: u64 = 100;
/// A patch this much longer than thick is turned in its plane alone.
const FLAT: f64 = 3.0;
/// Slices this much longer than wide are turned by 15 degrees at most.
const LONG: f64 = 1.5;
/// The smallest scale its augmentation draws: patches are cut larger by it.
const SMALLEST_SCALE: f64 = 0.85;

/// One configuration of one of nnU-Net's planners.
pub(super) fn plan(task: &Task, name: &str, planner: Planner, configuration: &str) -> Result<Plan> {
    let planned = planned(task, planner, task.options.memory_gb)?;
    let Ok(of) = planned.plans.configuration(configuration) else {
        let there: Vec<&str> = planned.plans.configurations.names().collect();
        return Err(Error::Plan {
            path: task.work.plans_folder(),
            reason: format!(
                "nnU-Net makes no `{configuration}` of this dataset, only {}: its rules {}; plan one of those",
                there.join(", "),
                match there.contains(&"3d_fullres") {
                    true =>
                        "ask for a low resolution only where a patch sees less than a quarter of a case",
                    false => "make 3-D networks only where the median case has more than one slice",
                }
            ),
        });
    };
    let mut training = Translated::of(task, &planned, &of)?.training(name, &of);
    training.preprocessing = preprocessing(task, &planned, &of)?;
    let mut reasons = planning_reasons(&planned, configuration, &[]);
    reasons.push(
        "loss, optimiser, augmentation, foreground share and schedule are nnU-Net's trainer's"
            .to_owned(),
    );
    reasons.push(match task.minutes_a_run() {
        Some(minutes) => {
            format!("{minutes:.1} minutes a run, in place of nnU-Net's {STEPS} steps")
        }
        None => format!("{STEPS} steps, nnU-Net's 1000 epochs of 250"),
    });
    reasons.push(
        "images are resampled by cubic splines in all directions; nnU-Net takes thick slices apart"
            .to_owned(),
    );
    training.duration = Some(match task.minutes_a_run() {
        Some(minutes) => Duration::Minutes(minutes),
        None => Duration::Steps(STEPS),
    });
    Ok(Plan { reasons, training })
}

/// The plans of nnU-Net's planner for the dataset.
pub(super) fn planned(task: &Task, planner: Planner, memory_gb: Option<f64>) -> Result<Planned> {
    let mut slices: Vec<usize> = task
        .fingerprint()
        .shapes_after_crop
        .iter()
        .map(|size| size[0])
        .collect();
    slices.sort_unstable();
    let options = PlanOptions {
        dataset_name: task.work.list().name.clone(),
        gpu_memory_gb: memory_gb,
        // nnU-Net's rule looks at the spacing alone, and would take slices across a case that is one slice
        // thinner than its pixels are wide.
        suppress_transpose: slices.get(slices.len() / 2) == Some(&1),
        ..PlanOptions::default()
    };
    Ok(planner.plan(task.fingerprint(), &task.dataset_json(), &options)?)
}

/// The planner's reasons for the dataset and one configuration, save those for choices that are not taken over.
pub(super) fn planning_reasons(
    planned: &Planned,
    configuration: &str,
    replaced: &[PlanChoice],
) -> Vec<String> {
    ["dataset", configuration]
        .into_iter()
        .filter_map(|name| planned.reasons.get(name))
        .flatten()
        .filter(|reason| !replaced.contains(&reason.choice))
        .map(Reason::to_string)
        .collect()
}

/// Crop, normalise, resample: in nnU-Net's order.
pub(super) fn preprocessing(task: &Task, planned: &Planned, of: &Configuration) -> Result<Chain> {
    let spacing = of.spacing.as_deref().unwrap_or_default();
    let axes = Axes::of(&planned.plans.transpose_forward, spacing.len())?;
    Ok(Chain(vec![
        Transform::CropNonzero(CropNonzero::default()),
        task.normalization(&planned.plans, of)?,
        Transform::Spacing(Spacing {
            to: axes.turned(spacing, 0.0),
            interpolation: ImageSampling::Cubic,
            labels: LabelSampling::Linear,
            ..Spacing::default()
        }),
    ]))
}

/// A configuration in our words.
pub(super) struct Translated {
    pub network: NetworkConfig,
    pub patch: [i64; 3],
    /// In millimetres; 0 across slices.
    pub spacing: [f64; 3],
    pub across: Option<Axis>,
    regions: bool,
}

impl Translated {
    pub fn of(task: &Task, planned: &Planned, of: &Configuration) -> Result<Self> {
        let patch = of.patch_size.as_deref().unwrap_or_default();
        let axes = Axes::of(&planned.plans.transpose_forward, patch.len())?;
        let mut stored = serde_json::to_value(of).map_err(vesalius_planning::Error::Json)?;
        turn_stages(&mut stored, &axes);
        let (inputs, outputs) = (task.modalities.len(), task.scheme.channels());
        let patch: Vec<i64> = patch.iter().map(|&n| n as i64).collect();
        Ok(Self {
            network: NetworkConfig::from_nnunet_plans(&stored, inputs, outputs)?,
            patch: axes.turned(&patch, 1),
            spacing: axes.turned(of.spacing.as_deref().unwrap_or_default(), 0.0),
            across: axes.across(),
            regions: matches!(task.scheme, LabelScheme::Regions { .. }),
        })
    }

    /// The trainer's settings about the network.
    fn training(self, name: &str, of: &Configuration) -> TrainingConfig {
        let augmentation = self.augmentation();
        let patch = PatchConfig {
            size: self.enlarged(),
            sampling: PatchSampling::Foreground(ForcedForeground { foreground: 0.33 }),
            slice_axis: self.across,
        };
        let mut training = TrainingConfig::new(self.network.clone())
            .name(name)
            .patch(patch);
        training.augmentation = Chain(vec![augmentation]);
        set_deep_supervision(&mut training.network);
        training.deep_supervision = DeepSupervision {
            weights: HeadWeights::Nnunet,
        };
        training.loss = loss(of.batch_dice.unwrap_or(self.across.is_some()), self.regions);
        training.batch_size = of.batch_size.unwrap_or(2);
        training.optimizer = OptimizerConfig::Sgd(StochasticGradientDescent::default());
        training.schedule = Schedule::Poly(Poly::default());
        training.validation = ValidationConfig {
            times: 50,
            on: ValidationOn::Patches(VALIDATION_PATCHES),
            ..ValidationConfig::default()
        };
        training.mirror_axes = self.mirrored();
        training.inferer = Some(self.inferer(training.batch_size));
        training
    }

    /// All axes of the network's input.
    fn mirrored(&self) -> Vec<Axis> {
        match self.across {
            Some(_) => vec![Axis::X, Axis::Y],
            None => vec![Axis::X, Axis::Y, Axis::Z],
        }
    }

    pub fn inferer(&self, batch: usize) -> Inferer {
        match self.across {
            Some(axis) => {
                let order = axis.last();
                Inferer::Slice(vesalius_inferers::Slice {
                    axis,
                    patch_size: [self.patch[order[0]], self.patch[order[1]]],
                    ..Default::default()
                })
            }
            None => Inferer::SlidingWindow(SlidingWindow {
                patch_size: self.patch,
                overlap: 0.5,
                blending: Blending::Gaussian,
                batch_size: batch.min(4),
                rule: WindowRule::Nnunet,
                ..SlidingWindow::default()
            }),
        }
    }

    /// The longest side over the shortest, of the sides that there are.
    fn stretch(&self) -> f64 {
        let sides: Vec<f64> = self.sides().map(|(_, side)| side).collect();
        let longest = sides.iter().copied().fold(0.0, f64::max);
        longest / sides.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn sides(&self) -> impl Iterator<Item = (Axis, f64)> {
        [Axis::X, Axis::Y, Axis::Z]
            .into_iter()
            .filter(|axis| Some(*axis) != self.across)
            .map(|axis| (axis, self.patch[axis.index()] as f64))
    }

    /// The axis that a flat patch is turned about; nnU-Net's "dummy 2-D".
    fn through(&self) -> Option<Axis> {
        let flat = self.across.is_none() && self.stretch() > FLAT;
        let mut sides: Vec<(Axis, f64)> = self.sides().collect();
        sides.sort_by(|a, b| a.1.total_cmp(&b.1));
        flat.then(|| sides[0].0)
    }

    fn augmentation(&self) -> Transform {
        match self.across {
            Some(_) => Transform::NnUnet2d(NnUnet2d {
                size: self.network_order().map(|axis| self.patch[axis]),
                rotate: if self.stretch() > LONG { 15.0 } else { 180.0 },
                ..NnUnet2d::default()
            }),
            None => Transform::NnUnet3d(NnUnet3d {
                size: self.patch,
                through: self.through(),
                ..NnUnet3d::default()
            }),
        }
    }

    /// The axes in the order in which the network has them: the one across slices last.
    pub fn network_order(&self) -> [usize; 3] {
        self.across.map_or([0, 1, 2], |axis| axis.last())
    }

    /// The patch that is cut, so that its turned corners hold tissue: nnU-Net's
    /// `get_patch_size`, alike in both directions of a rotation.
    fn enlarged(&self) -> [i64; 3] {
        let still = self.across.or(self.through());
        let moving: Vec<usize> = (0..3)
            .filter(|&axis| still.is_none_or(|s| s.index() != axis))
            .collect();
        let degrees: f64 = match (still, self.stretch() > LONG) {
            (None, _) => 30.0,
            (Some(_), true) if self.across.is_some() => 15.0,
            (Some(_), _) => 90.0,
        };
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let mut size = self.patch.map(|n| n as f64);
        for &a in &moving {
            for &b in moving.iter().filter(|&&b| b != a) {
                // One rotation at a time, as the largest of all.
                let turned = self.patch[a] as f64 * cosine + self.patch[b] as f64 * sine;
                size[a] = size[a].max(turned);
            }
        }
        std::array::from_fn(|axis| match moving.contains(&axis) {
            true => (size[axis] / SMALLEST_SCALE) as i64,
            false => self.patch[axis],
        })
    }
}

fn set_deep_supervision(network: &mut NetworkConfig) {
    match network {
        NetworkConfig::PlainConvUNet(config) => config.deep_supervision = true,
        NetworkConfig::ResidualEncoderUNet(config) => config.deep_supervision = true,
        _ => {}
    }
}

/// Dice and cross-entropy as nnU-Net adds them; its trainer takes the Dice of a whole batch for slices.
pub(super) fn loss(batch: bool, regions: bool) -> LossConfig {
    let nnunet = DiceCrossEntropy::nnunet();
    LossConfig::DiceCrossEntropy(DiceCrossEntropy {
        dice: Dice {
            batch,
            include_background: regions,
            ..nnunet.dice
        },
        ..nnunet
    })
}
