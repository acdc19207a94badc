//! Files, resampling and metrics on the volumes in WORKDIR.

use crate::{Case, Result};
use std::path::Path;
use vesalius::filters::{Convention, Interpolation, ResampleOptions, resample, target_grid};
use vesalius::inferers::{Blending, SlidingWindow};
use vesalius::metrics::{ConfusionMatrix, Evaluator, Hausdorff, Measure, SurfaceDice, Targets};
use vesalius::prelude::*;
use vesalius::tensor::concatenate;

pub fn cases() -> Vec<Case> {
    vec![
        case("nifti_read_gz", 5, |work| {
            let path = work.join("v.nii.gz");
            Ok(Box::new(move || drop(vesalius::io::read_as::<i16>(&path))))
        }),
        case("nifti_write_gz", 3, |work| {
            let volume = vesalius::io::read_as::<i16>(work.join("v.nii.gz"))?;
            let path = work.join("out.nii.gz");
            Ok(Box::new(move || {
                vesalius::io::write(&path, &volume).expect("WORKDIR can be written")
            }))
        }),
        resampling("resample_linear", Interpolation::Linear),
        resampling("resample_nearest", Interpolation::Nearest),
        resampling("resample_cubic", Interpolation::Cubic),
        case("metric_dice", 5, |work| {
            let [reference, prediction] = pair(work)?;
            Ok(Box::new(move || {
                drop(ConfusionMatrix::count(&reference, &prediction, &[1], None))
            }))
        }),
        surface("metric_hd95", Measure::Hausdorff(Hausdorff::monai(95.0))),
        surface(
            "metric_surface_dice_1mm",
            Measure::SurfaceDice(SurfaceDice::monai(1.0)),
        ),
        case("sliding_window_copy_96", 3, |work| {
            let image = vesalius::io::read(work.join("v.nii.gz"))?;
            let windows = SlidingWindow {
                patch_size: [96; 3],
                overlap: 0.5,
                blending: Blending::Gaussian,
                batch_size: 4,
                ..SlidingWindow::default()
            };
            let twice = |patch: Tensor<5>| concatenate(patch.clone(), patch);
            Ok(Box::new(move || {
                drop(windows.run(&image, &twice, &Device::flex()))
            }))
        }),
    ]
}

pub fn case(
    name: &str,
    runs: usize,
    prepare: impl Fn(&Path) -> Result<crate::Work> + 'static,
) -> Case {
    Case {
        name: name.to_owned(),
        runs,
        prepare: Box::new(prepare),
    }
}

/// A measure of surfaces, alone.
fn surface(name: &str, measure: Measure) -> Case {
    case(name, 3, move |work| {
        let [reference, prediction] = pair(work)?;
        let evaluator = Evaluator {
            targets: Targets::of_values(&[1])?,
            measures: vec![measure.clone()],
        };
        Ok(Box::new(move || {
            drop(evaluator.case("pair", &reference, &prediction))
        }))
    })
}

fn resampling(name: &str, interpolation: Interpolation) -> Case {
    case(name, 3, move |work| {
        let volume = vesalius::io::read(work.join("v.nii.gz"))?;
        let target = target_grid(volume.geometry(), [1.0; 3], Convention::SimpleItk)?;
        let options = ResampleOptions::simple_itk(interpolation);
        Ok(Box::new(move || drop(resample(&volume, &target, &options))))
    })
}

/// Two masks with one foreground label each.
fn pair(work: &Path) -> Result<[LabelMap; 2]> {
    let mask = |name: &str| -> Result<LabelMap> {
        Ok(vesalius::io::read_labels(work.join(name))?.map(|label| u16::from(label > 0)))
    };
    Ok([mask("seg.nii.gz")?, mask("other.nii.gz")?])
}
