//! Auto3DSeg's algorithm templates as training configs: SegResNet, SegResNet2D and SwinUNETR, after MONAI's
//! published settings. DiNTS is left out: its network is searched, and no searched one is at hand.

use super::task::Task;
use crate::{Modality, Plan, Result};
use vesalius_inferers::{Blending, Inferer, Slice, SlidingWindow};
use vesalius_losses::{DeepSupervision, Dice, DiceCrossEntropy, HeadWeights, LossConfig};
use vesalius_networks::{NetworkConfig, SegResNetDSConfig, SwinUnetrConfig};
use vesalius_training::{
    AdamWConfig, Cosine, Duration, OptimizerConfig, Schedule, TrainingConfig, WarmUp,
};
use vesalius_transforms::{
    Auto3dSegSegResNet, Auto3dSegSegResNet2d, Auto3dSegSwinUnetr, Axis, Chain, ClassRatios,
    CropForeground, ImageSampling, PatchConfig, PatchSampling, Spacing, Transform, Window, ZScore,
};

/// The templates.
pub(super) const NAMES: [&str; 3] = ["segresnet", "segresnet2d", "swinunetr"];

/// Crops of a case an epoch.
const CROPS: f64 = 2.0;
/// Memory of the card that the templates' patches are meant for, in GB; below it they are halved.
const FULL_MEMORY_GB: f64 = 17.0;
const OVERLAP: f64 = 0.625;
const WARM_UP_EPOCHS: f64 = 3.0;

/// One template for this dataset.
pub(super) fn plan(task: &Task, name: &str) -> Result<Plan> {
    let mut because = Vec::new();
    let to = spacing(task, name, &mut because);
    let shape = Template::of(task, name, to, &mut because);
    let patch = PatchConfig {
        size: shape.patch,
        sampling: PatchSampling::Classes(ClassRatios {
            classes: vec![1.0; label_values(task)],
        }),
        slice_axis: shape.across,
    };
    let network = task.with_channels(shape.network.clone());
    let mut training = TrainingConfig::new(name, network, patch);
    training.preprocessing = preprocessing(task, name, to, &mut because);
    training.augmentation = Chain(vec![shape.augmentation.clone()]);
    training.loss = LossConfig::DiceCrossEntropy(DiceCrossEntropy {
        dice: Dice {
            batch: shape.across.is_some(),
            ..Dice::default()
        },
        ..DiceCrossEntropy::default()
    });
    training.deep_supervision = DeepSupervision {
        weights: HeadWeights::Monai,
    };
    training.batch_size = shape.batch;
    training.optimizer = OptimizerConfig::AdamW(AdamWConfig {
        learning_rate: shape.learning_rate,
        weight_decay: 1e-5,
        ..AdamWConfig::default()
    });
    training.schedule = Schedule::Cosine(Cosine::default());
    training.inferer = Some(shape.inferer());
    course(task, &shape, &mut training, &mut because);
    Ok(Plan { because, training })
}

/// What a template says of network, patch and batch.
struct Template {
    network: NetworkConfig,
    patch: [i64; 3],
    across: Option<Axis>,
    batch: usize,
    learning_rate: f64,
    augmentation: Transform,
    /// Epochs of one pass over all cases each.
    epochs: fn(f64) -> f64,
}

impl Template {
    fn of(task: &Task, name: &str, spacing: [f64; 3], because: &mut Vec<String>) -> Self {
        let memory = task.options.memory_gb.unwrap_or(FULL_MEMORY_GB - 1.0);
        let batch = (1.1 * (memory / 16.0).max(1.0)) as usize;
        because.push(format!("batch size {batch} for {memory} GB of memory"));
        let median = median_size(task, spacing);
        let segresnet_epochs: fn(f64) -> f64 = |n| (80_000.0 / n).clamp(300.0, 1250.0) / CROPS;
        match name {
            "swinunetr" => {
                let patch = median.map(|n| (n / 32).clamp(1, 3) * 32);
                because.push(format!("patch {patch:?}: 96 voxels a side, less where the median case {median:?} is smaller, in multiples of 32"));
                Self {
                    network: NetworkConfig::SwinUnetr(SwinUnetrConfig {
                        feature_size: 48,
                        ..SwinUnetrConfig::default()
                    }),
                    patch,
                    across: None,
                    batch,
                    learning_rate: 4e-4,
                    augmentation: Transform::Auto3dSegSwinUnetr(Auto3dSegSwinUnetr::default()),
                    epochs: |n| (800_000.0 / n / CROPS).min(1000.0),
                }
            }
            "segresnet2d" => {
                let (patch, levels) = snapped(median, [384, 384, 1], memory, because);
                Self {
                    network: segresnet(2, levels, 2),
                    patch: [patch[0], patch[1], 1],
                    across: Some(Axis::Z),
                    // The template's 32 slices of a patch are a batch here.
                    batch: batch * 32,
                    learning_rate: 2e-4,
                    augmentation: Transform::Auto3dSegSegResNet2d(Auto3dSegSegResNet2d::default()),
                    epochs: segresnet_epochs,
                }
            }
            _ => {
                let (patch, levels) = snapped(median, [224, 224, 144], memory, because);
                Self {
                    network: segresnet(3, levels, 4),
                    patch,
                    across: None,
                    batch,
                    learning_rate: 2e-4,
                    augmentation: Transform::Auto3dSegSegResNet(Auto3dSegSegResNet::default()),
                    epochs: segresnet_epochs,
                }
            }
        }
    }

    fn inferer(&self) -> Inferer {
        match self.across {
            Some(axis) => Inferer::Slice(Slice {
                axis,
                patch_size: [self.patch[0], self.patch[1]],
                overlap: OVERLAP,
                ..Slice::default()
            }),
            None => Inferer::SlidingWindow(SlidingWindow {
                patch_size: self.patch,
                overlap: OVERLAP,
                blending: Blending::Gaussian,
                batch_size: self.batch,
                ..SlidingWindow::default()
            }),
        }
    }
}

fn segresnet(spatial_dims: usize, levels: usize, heads: usize) -> NetworkConfig {
    NetworkConfig::SegResNetDS(SegResNetDSConfig {
        spatial_dims,
        blocks_down: [1, 2, 2, 4, 4][..levels].to_vec(),
        dsdepth: heads.min(levels - 1),
        ..SegResNetDSConfig::default()
    })
}

/// The template's patch within the median case, and how many levels it is halved through.
fn snapped(
    median: [i64; 3],
    base: [i64; 3],
    memory: f64,
    because: &mut Vec<String>,
) -> ([i64; 3], usize) {
    let halved = memory < FULL_MEMORY_GB;
    let wanted: [i64; 3] = std::array::from_fn(|axis| {
        let side = base[axis].min(median[axis]);
        if halved && base[axis] > 1 {
            (side + 1) / 2
        } else {
            side
        }
    });
    // As many levels as leave two voxels of the shortest side, five at most.
    let shortest = (0..3)
        .filter(|&a| base[a] > 1)
        .map(|a| wanted[a])
        .min()
        .unwrap_or(2);
    let levels = (1..=5)
        .rev()
        .find(|levels| (1 << levels) <= shortest)
        .unwrap_or(1)
        .max(2);
    let divisor = 1i64 << (levels - 1);
    let patch = std::array::from_fn(|axis| match base[axis] {
        1 => 1,
        _ => ((wanted[axis] as f64 / divisor as f64).round() as i64).max(1) * divisor,
    });
    because.push(format!(
        "patch {patch:?}: {base:?} at most, the median case is {median:?}{}; in multiples of {divisor} for {levels} levels",
        if halved { ", halved for less than 17 GB" } else { "" }
    ));
    (patch, levels)
}

/// The median case's voxels at a spacing.
fn median_size(task: &Task, spacing: [f64; 3]) -> [i64; 3] {
    let images = &task.analyzed.statistics.stats_summary.image_stats;
    std::array::from_fn(|axis| {
        let has = images.spacing.median[axis];
        let to = if spacing[axis] > 0.0 {
            spacing[axis]
        } else {
            has
        };
        ((images.shape.median[axis] * has / to).round() as i64).max(1)
    })
}

/// The spacing to train at; 0 where cases stay as they are.
fn spacing(task: &Task, name: &str, because: &mut Vec<String>) -> [f64; 3] {
    let found = &task.analyzed.statistics.stats_summary.image_stats.spacing;
    let median = found.median;
    if name == "swinunetr" {
        because.push(format!("spacing {median:.2?} mm, the median of the cases"));
        return median;
    }
    let plane = 0.5 * (median[0] + median[1]);
    let target = [median[0], median[1], plane.max(found.percentile_10_0[2])];
    let differs = (0..3).any(|axis| {
        found.percentile_00_5[axis] / target[axis] < 0.5
            || found.percentile_99_5[axis] / target[axis] > 1.5
    });
    let isotropic = target[2] / plane < 1.5;
    if name == "segresnet2d" && !isotropic {
        because.push("no resampling: slices are far apart and stay as they are".to_owned());
        return [0.0; 3];
    }
    if !differs {
        because.push(format!(
            "no resampling: all spacings are near the target {target:.2?} mm"
        ));
        return [0.0; 3];
    }
    because.push(format!(
        "spacing {target:.2?} mm: the median in the plane, across it the 10th percentile but no finer than the plane"
    ));
    target
}

fn preprocessing(task: &Task, name: &str, to: [f64; 3], because: &mut Vec<String>) -> Chain {
    let mut steps = Vec::new();
    let (orient, reason) = task.orientation();
    because.push(reason);
    steps.extend(orient);
    if to != [0.0; 3] {
        steps.push(Transform::Spacing(Spacing {
            to,
            interpolation: ImageSampling::Linear,
            ..Spacing::default()
        }));
    }
    let intensity = &task
        .analyzed
        .statistics
        .stats_summary
        .image_foreground_stats
        .intensity;
    let from = [intensity.percentile_00_5, intensity.percentile_99_5];
    let ct = task.modalities.iter().all(|m| *m == Modality::Ct) && from[0] < from[1];
    if ct {
        let swin = name == "swinunetr";
        because.push(format!(
            "CT: {:.0} to {:.0} HU, 0.5 to 99.5 % of the foreground's, become {}",
            from[0],
            from[1],
            if swin {
                "0 to 1"
            } else {
                "-1 to 1, cut off (MONAI's template bends with a sigmoid)"
            }
        ));
        steps.push(Transform::Window(Window {
            from,
            to: if swin { [0.0, 1.0] } else { [-1.0, 1.0] },
            clip: true,
        }));
        steps.push(Transform::CropForeground(CropForeground {
            above: if swin { 0.0 } else { -1.0 },
            ..CropForeground::default()
        }));
    } else {
        because.push("z-score of the voxels that are not zero, each channel on its own".to_owned());
        steps.push(Transform::CropForeground(CropForeground::default()));
        steps.push(Transform::ZScore(ZScore {
            nonzero: true,
            ..ZScore::default()
        }));
    }
    Chain(steps)
}

/// How many label values there are, background too: what patches are drawn around.
fn label_values(task: &Task) -> usize {
    let foreground = task.scheme.foreground();
    let values = foreground
        .iter()
        .flat_map(|(_, values)| values.iter().copied());
    usize::from(values.max().unwrap_or(0)) + 1
}

/// Warm-up and length.
fn course(task: &Task, shape: &Template, training: &mut TrainingConfig, because: &mut Vec<String>) {
    let cases = task.work.list().cases.len() as f64;
    let epochs = (shape.epochs)(cases);
    let steps_an_epoch = (cases * CROPS / training.patches_per_step() as f64).ceil();
    match task.minutes_a_run() {
        Some(minutes) => {
            because.push(format!("{minutes:.1} minutes a run, in place of the template's {epochs:.0} epochs of {CROPS} crops a case"));
            training.duration = Some(Duration::Minutes(minutes));
            training.warm_up = WarmUp {
                steps: 50,
                start: 0.0,
            };
        }
        None => {
            because.push(format!(
                "{epochs:.0} epochs of {CROPS} crops a case, by the number of cases"
            ));
            training.duration = Some(Duration::Steps((epochs * steps_an_epoch).ceil() as u64));
            training.warm_up = WarmUp {
                steps: (WARM_UP_EPOCHS * steps_an_epoch) as u64,
                start: 0.0,
            };
        }
    }
}
