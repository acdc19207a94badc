//! Auto3DSeg's algorithm templates as training configs: SegResNet, SegResNet2D and SwinUNETR, after MONAI's
//! published settings. DiNTS is left out: its network is searched, and no searched one is available.

use super::task::Task;
use super::template::{CROPS, Template};
use crate::{Modality, Plan, Result};
use vesalius_losses::{DeepSupervision, Dice, DiceCrossEntropy, HeadWeights, LossConfig};
use vesalius_training::{
    AdamWConfig, Cosine, Duration, OptimizerConfig, Schedule, TrainingConfig, WarmUp,
};
use vesalius_transforms::{
    Chain, ClassRatios, CropForeground, ImageSampling, PatchConfig, PatchSampling, Spacing,
    Transform, Window, ZScore,
};
use vesalius_volume::{LabelScheme, limits};

/// The templates.
pub(super) const NAMES: [&str; 3] = ["segresnet", "segresnet2d", "swinunetr"];

const WARM_UP_EPOCHS: f64 = 3.0;

/// One template for this dataset.
pub(super) fn plan(task: &Task, name: &str) -> Result<Plan> {
    let mut reasons = Vec::new();
    let to = spacing(task, name, &mut reasons);
    let shape = Template::of(task, name, to, &mut reasons);
    let patch = PatchConfig {
        size: shape.patch,
        sampling: PatchSampling::Classes(ClassRatios {
            classes: vec![1.0; centres(&task.scheme)],
        }),
        slice_axis: shape.across,
    };
    let network = task.with_channels(shape.network.clone());
    let mut training = TrainingConfig::new(network).name(name).patch(patch);
    training.preprocessing = preprocessing(task, name, to, &mut reasons);
    training.augmentation = augmentation(&shape, &mut reasons);
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
    course(task, &shape, &mut training, &mut reasons);
    Ok(Plan { reasons, training })
}

/// The template's; without quarter turns where they would give patches of one batch different sides.
fn augmentation(shape: &Template, reasons: &mut Vec<String>) -> Chain {
    let size = shape.patch.map(|n| n.max(1) as usize);
    if shape.augmentation.size_after(size).is_some() {
        return Chain(vec![shape.augmentation.clone()]);
    }
    let Transform::Auto3dSegSwinUnetr(recipe) = &shape.augmentation else {
        return Chain(vec![shape.augmentation.clone()]);
    };
    reasons.push(
        "no quarter turns: the patch is not as long as wide, and turned ones would not fit into one batch"
            .to_owned(),
    );
    let turns = |transform: &Transform| matches!(transform, Transform::Rotate90(_));
    let transforms = recipe.transforms();
    Chain(transforms.into_iter().filter(|t| !turns(t)).collect())
}

/// The spacing to train at; 0 where cases stay as they are.
fn spacing(task: &Task, name: &str, reasons: &mut Vec<String>) -> [f64; 3] {
    let found = &task.analyzed.statistics.stats_summary.image_stats.spacing;
    let median = found.median;
    if name == "swinunetr" {
        reasons.push(format!("spacing {median:.2?} mm, the median of the cases"));
        return median;
    }
    let plane = 0.5 * (median[0] + median[1]);
    let target = [median[0], median[1], plane.max(found.percentile_10_0[2])];
    let differs = (0..3).any(|axis| {
        limits::below(found.percentile_00_5[axis] / target[axis], 0.5)
            || limits::exceeds(found.percentile_99_5[axis] / target[axis], 1.5)
    });
    let isotropic = limits::below(target[2] / plane, 1.5);
    if name == "segresnet2d" && !isotropic {
        reasons.push("no resampling: slices are far apart and stay as they are".to_owned());
        return [0.0; 3];
    }
    if !differs {
        reasons.push(format!(
            "no resampling: all spacings are near the target {target:.2?} mm"
        ));
        return [0.0; 3];
    }
    reasons.push(format!(
        "spacing {target:.2?} mm: the median in the plane, across it the 10th percentile but no finer than the plane"
    ));
    target
}

fn preprocessing(task: &Task, name: &str, to: [f64; 3], reasons: &mut Vec<String>) -> Chain {
    let mut steps = Vec::new();
    let (orient, reason) = task.orientation();
    reasons.push(reason);
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
        reasons.push(format!(
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
        reasons.push("z-score of the voxels that are not zero, each channel on its own".to_owned());
        steps.push(Transform::CropForeground(CropForeground::default()));
        steps.push(Transform::ZScore(ZScore {
            nonzero: true,
            ..ZScore::default()
        }));
    }
    Chain(steps)
}

/// How many classes patches are drawn around, background too.
fn centres(scheme: &LabelScheme) -> usize {
    match scheme {
        LabelScheme::Exclusive { classes, .. } => classes.len(),
        LabelScheme::Regions { regions, .. } => 1 + regions.len(),
    }
}

/// Warm-up and length.
fn course(task: &Task, shape: &Template, training: &mut TrainingConfig, reasons: &mut Vec<String>) {
    let cases = task.work.list().cases.len() as f64;
    let epochs = (shape.epochs)(cases);
    let steps_an_epoch = (cases * CROPS / training.patches_per_step() as f64).ceil();
    match task.minutes_a_run() {
        Some(minutes) => {
            reasons.push(format!("{minutes:.1} minutes a run, in place of the template's {epochs:.0} epochs of {CROPS} crops a case"));
            training.duration = Some(Duration::Minutes(minutes));
            training.warm_up = WarmUp {
                steps: 50,
                start: 0.0,
            };
        }
        None => {
            reasons.push(format!(
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

#[cfg(test)]
mod tests {
    use super::super::{PlanOptions, made, plan};
    use super::*;
    use vesalius_transforms::PatchPlacer;
    use vesalius_volume::{Geometry, LabelMap, Volume};

    #[test]
    fn classes_whose_labels_are_0_100_and_201_are_weighted_by_their_place_in_the_scheme() {
        let grid = Geometry::axis_aligned([20, 22, 18], [1.0; 3]).unwrap();
        let cases: Vec<_> = (0..3)
            .map(|number| {
                let labels = LabelMap::from_fn(grid, |[x, y, _]| match (x, y) {
                    (5..10, 4..18) => 100,
                    (10..15, 4..18) => 201,
                    _ => 0,
                });
                let image = Volume::from_fn(grid, |at| {
                    let noise = (at[0] * 7 + at[1] * 13 + at[2] * 29 + number) % 11;
                    f32::from(labels.get(at)) + noise as f32
                });
                (image, labels)
            })
            .collect();
        let labels = serde_json::json!({"0": "background", "100": "organ", "201": "tumour"});
        let list = serde_json::json!({"name": "t", "modality": {"0": "MRI"}, "labels": labels});
        let temporary = tempfile::tempdir().unwrap();
        let (work, analyzed) = made::work(temporary.path(), "MRI", &cases, list).unwrap();
        let options = PlanOptions {
            algorithms: NAMES.map(str::to_owned).to_vec(),
            minutes: Some(0.01),
            ..PlanOptions::default()
        };
        let plans = plan(&work, &analyzed, &options).unwrap();
        assert_eq!(plans.len(), NAMES.len());
        for plan in plans {
            let placer = PatchPlacer::new(&plan.training.patch, &work.label_scheme().unwrap());
            let placer = placer.unwrap();
            let weighted = placer.classes().iter();
            let weighted: Vec<_> = weighted
                .map(|class| (&class.values[..], class.weight))
                .collect();
            let expected = [(&[0][..], 1.0), (&[100], 1.0), (&[201], 1.0)];
            assert_eq!(weighted, expected, "{}", plan.name());
        }
    }
}
