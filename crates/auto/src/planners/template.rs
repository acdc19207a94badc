//! Network, patch, batch and length in Auto3DSeg's templates.

use super::task::Task;
use vesalius_inferers::{Blending, Inferer, Slice, SlidingWindow};
use vesalius_networks::{NetworkConfig, SegResNetDSConfig, SwinUnetrConfig};
use vesalius_transforms::{
    Auto3dSegSegResNet, Auto3dSegSegResNet2d, Auto3dSegSwinUnetr, Axis, Transform,
};
use vesalius_volume::limits;

/// Crops of a case an epoch.
pub(super) const CROPS: f64 = 2.0;
/// Memory of the card that the templates' patches are meant for, in GB; below it they are halved.
const FULL_MEMORY_GB: f64 = 17.0;
const OVERLAP: f64 = 0.625;

/// A template's network, patch and batch.
pub(super) struct Template {
    pub network: NetworkConfig,
    pub patch: [i64; 3],
    pub across: Option<Axis>,
    pub batch: usize,
    pub learning_rate: f64,
    pub augmentation: Transform,
    /// Epochs of one pass over all cases each.
    pub epochs: fn(f64) -> f64,
}

impl Template {
    pub fn of(task: &Task, name: &str, spacing: [f64; 3], reasons: &mut Vec<String>) -> Self {
        let memory = task.options.memory_gb.unwrap_or(FULL_MEMORY_GB - 1.0);
        let batch = (1.1 * (memory / 16.0).max(1.0)) as usize;
        reasons.push(format!("batch size {batch} for {memory} GB of memory"));
        let median = median_size(task, spacing);
        let segresnet_epochs: fn(f64) -> f64 = |n| (80_000.0 / n).clamp(300.0, 1250.0) / CROPS;
        match name {
            "swinunetr" => {
                let patch = median.map(|n| (n / 32).clamp(1, 3) * 32);
                reasons.push(format!("patch {patch:?}: 96 voxels a side, less where the median case {median:?} is smaller, in multiples of 32"));
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
                let (patch, levels) = snapped(median, [384, 384, 1], memory, reasons);
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
                let (patch, levels) = snapped(median, [224, 224, 144], memory, reasons);
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

    pub fn inferer(&self) -> Inferer {
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
    reasons: &mut Vec<String>,
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
    reasons.push(format!(
        "patch {patch:?}: {base:?} at most, the median case is {median:?}{}; in multiples of {divisor} for {levels} levels",
        if halved { ", halved for less than 17 GB" } else { "" }
    ));
    (patch, levels)
}

/// The median case's voxels at a spacing.
pub(super) fn median_size(task: &Task, spacing: [f64; 3]) -> [i64; 3] {
    let images = &task.analyzed.statistics.stats_summary.image_stats;
    std::array::from_fn(|axis| {
        let has = images.spacing.median[axis];
        let to = if spacing[axis] > 0.0 {
            spacing[axis]
        } else {
            has
        };
        (limits::round(images.shape.median[axis] * has / to) as i64).max(1)
    })
}
