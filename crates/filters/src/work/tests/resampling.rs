//! The functions that resample.

use super::{Called, image, labels, mask};
use crate::*;
use vesalius_control::Control;
use vesalius_volume::{Affine, Geometry, Volume};

pub fn between_grids(called: &mut Called) {
    let (image, mask) = (image(), mask());
    let target = Geometry::axis_aligned([50, 41, 45], [0.8, 0.9, 1.3]).unwrap();
    let turn = Affine::new([
        [0.8, -0.6, 0.0, 3.0],
        [0.6, 0.8, 0.0, -2.0],
        [0.0, 0.0, 1.0, 0.5],
        [0.0, 0.0, 0.0, 1.0],
    ])
    .unwrap();
    for map in [Affine::IDENTITY, turn] {
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::Cubic,
        ] {
            let options = ResampleOptions {
                interpolation,
                ..ResampleOptions::default()
            };
            let plain = resample_through(&image, &target, &map, &options);
            let what = format!("resample_through_with {interpolation:?}");
            called.both(&what, plain, |control| {
                resample_through_with(&image, &target, &map, &options, control)
            });
        }
        for interpolation in [LabelInterpolation::Nearest, LabelInterpolation::Linear] {
            let options = LabelResampleOptions {
                interpolation,
                ..LabelResampleOptions::default()
            };
            let plain = resample_labels_through(&mask, &target, &map, &options);
            let what = format!("resample_labels_through_with {interpolation:?}");
            called.both(&what, plain, |control| {
                resample_labels_through_with(&mask, &target, &map, &options, control)
            });
        }
    }
    let field = Volume::new(target, 3, vec![1.5f32; 3 * target.voxel_count()]).unwrap();
    let options = ResampleOptions::default();
    let plain = resample_displaced(&image, &field, &options);
    called.both("resample_displaced_with", plain, |control| {
        resample_displaced_with(&image, &field, &options, control)
    });
    let options = LabelResampleOptions::default();
    let plain = resample_labels_displaced(&mask, &field, &options);
    called.both("resample_labels_displaced_with", plain, |control| {
        resample_labels_displaced_with(&mask, &field, &options, control)
    });
}

/// All axes together, the thick axis first, and its planes before it.
pub fn as_nnunet(called: &mut Called) {
    let (image, labels) = (image(), labels());
    let to = [31, 45, 40];
    for separate in [SeparateAxis::Never, SeparateAxis::Always] {
        for across in [Interpolation::Nearest, Interpolation::Cubic] {
            let options = NnUnetOptions {
                separate,
                across,
                ..NnUnetOptions::default()
            };
            let plain = resample_nnunet(&image, to, [1.0; 3], &options);
            called.both("resample_nnunet_with", plain, |control| {
                resample_nnunet_with(&image, to, [1.0; 3], &options, control)
            });
        }
        for across in [MaskInterpolation::Nearest, MaskInterpolation::Linear] {
            let options = NnUnetLabelOptions {
                separate,
                across,
                ..NnUnetLabelOptions::default()
            };
            let plain = resample_labels_nnunet(&labels, to, [1.0; 3], &options);
            called.both("resample_labels_nnunet_with", plain, |control| {
                resample_labels_nnunet_with(&labels, to, [1.0; 3], &options, control)
            });
        }
        let options = TorchLabelOptions {
            separate,
            ..TorchLabelOptions::default()
        };
        let plain = resample_labels_torch(&labels, to, [1.0; 3], &options);
        called.both("resample_labels_torch_with", plain, |control| {
            resample_labels_torch_with(&labels, to, [1.0; 3], &options, control)
        });
    }
    // Along x, and onto the grid that there is.
    let thick = permute(&image, [2, 1, 0]).unwrap();
    let options = NnUnetOptions {
        separate: SeparateAxis::Always,
        ..NnUnetOptions::default()
    };
    for to in [[40, 45, 31], thick.geometry().size()] {
        let plain = resample_nnunet(&thick, to, [1.0; 3], &options).unwrap();
        let watched = resample_nnunet_with(&thick, to, [1.0; 3], &options, &Control::new());
        assert!(watched.unwrap() == plain);
    }
}
