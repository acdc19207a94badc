//! Resampling against SimpleITK, MONAI, nnU-Net and nibabel.

use crate::peers::*;
use vesalius_filters::*;
use vesalius_volume::{LabelMap, Volume};

const HOW: [(&str, Interpolation); 3] = [
    ("nearest", Interpolation::Nearest),
    ("linear", Interpolation::Linear),
    ("cubic", Interpolation::Cubic),
];

fn options(interpolation: Interpolation) -> ResampleOptions {
    ResampleOptions {
        interpolation,
        outside: Extrapolation::Value(-50.0),
    }
}

#[test]
fn f64_agrees_with_itk_on_aligned_flipped_and_turned_grids() {
    for (how, interpolation) in HOW {
        for target in ["finer", "flipped", "turned"] {
            let ours = resample(&image(), &grid(target), &options(interpolation)).unwrap();
            close64(&ours, &format!("itk_{how}_{target}_64"));
        }
    }
}

#[test]
fn f32_and_thin_and_integer_images_agree_with_itk() {
    let thin = volume("thin", "thin").map(|v| v as f32);
    for (how, interpolation) in HOW {
        for target in ["turned", "finer"] {
            let ours = resample(&image32(), &grid(target), &options(interpolation)).unwrap();
            close32(&ours, &format!("itk_{how}_{target}_32"));
        }
        let ours = resample(&thin, &grid("thin_finer"), &options(interpolation)).unwrap();
        close32(&ours, &format!("itk_{how}_thin_32"));
    }
    let whole = volume("image16", "oblique").map(|v| v as i16);
    for (how, interpolation) in &HOW[1..] {
        let ours = resample(&whole, &grid("turned"), &options(*interpolation)).unwrap();
        let ours: Vec<f64> = ours.data().iter().map(|&v| f64::from(v)).collect();
        close(&ours, &format!("itk_{how}_turned_16"), 0.0);
    }
}

#[test]
fn labels_agree_with_itk() {
    let labels = labels("labels", "oblique");
    let at = |interpolation| {
        let options = LabelResampleOptions {
            interpolation,
            ..Default::default()
        };
        resample_labels(&labels, &grid("turned"), &options).unwrap()
    };
    same(
        at(LabelInterpolation::Nearest).data(),
        "itk_labels_nearest_turned",
    );
    let gaussian = LabelInterpolation::Gaussian {
        sigma: [1.0; 3],
        alpha: 1.0,
    };
    same(at(gaussian).data(), "itk_labels_gaussian_turned");
    same(
        at(LabelInterpolation::Linear).data(),
        "itk_labels_linear_turned",
    );
}

#[test]
fn maps_between_grids_agree_with_itk() {
    let map = matrix(&number(&["affine_map"]));
    let linear = options(Interpolation::Linear);
    let ours = resample_through(&image(), &grid("turned"), &map, &linear).unwrap();
    close64(&ours, "itk_linear_affine_64");
    let field = Volume::new(grid("turned"), 3, array("field")).unwrap();
    let ours = resample_displaced(&image(), &field, &linear).unwrap();
    close64(&ours, "itk_linear_field_64");
}

#[test]
fn spacing_agrees_with_monai() {
    let target = target_grid(&grid("oblique"), [1.0; 3], Convention::Monai).unwrap();
    let expected = matrix(&number(&["monai_affine"]));
    for (a, b) in target
        .affine()
        .rows()
        .iter()
        .flatten()
        .zip(expected.rows().iter().flatten())
    {
        assert!((a - b).abs() < 1e-9);
    }
    // MONAI gives float32 back.
    close(
        resample(&image(), &target, &ResampleOptions::monai())
            .unwrap()
            .data(),
        "monai_linear",
        1e-7,
    );
}

#[test]
fn resample_from_to_agrees_with_nibabel() {
    let options = ResampleOptions {
        outside: Extrapolation::ValueBeyondCentres(-50.0),
        ..ResampleOptions::nibabel()
    };
    for target in ["finer", "turned"] {
        let ours = resample(&image(), &grid(target), &options).unwrap();
        close64(&ours, &format!("nibabel_cubic_{target}"));
    }
}

#[test]
fn resample_to_output_agrees_with_nibabel() {
    let target = target_grid(&grid("oblique"), [0.9, 1.0, 2.0], Convention::Nibabel).unwrap();
    assert!(target.is_same(&grid("nibabel_output")));
    let options = ResampleOptions {
        outside: Extrapolation::ValueBeyondCentres(-50.0),
        ..ResampleOptions::of(Convention::Nibabel)
    };
    close64(
        &resample(&image(), &target, &options).unwrap(),
        "nibabel_output",
    );
}

#[test]
fn images_and_labels_agree_with_nnunet() {
    for case in ["all", "z", "x", "down", "double"] {
        let facts = number(&[&format!("nnunet_{case}")]);
        let size = triple(&facts["size"]).map(|n| n as usize);
        let (from, to) = (triple(&facts["from"]), triple(&facts["to"]));
        let grid = vesalius_volume::Geometry::axis_aligned(grid("oblique").size(), from).unwrap();
        let image = Volume::new(grid, 1, array("image64")).unwrap();
        let cubic = resample_nnunet(&image, size, to, &NnUnetOptions::default()).unwrap();
        close64(&cubic, &format!("nnunet_data_{case}"));
        let single = image.map(|v| v as f32);
        let cubic = resample_nnunet(&single, size, to, &NnUnetOptions::default()).unwrap();
        close32(&cubic, &format!("nnunet_data_{case}"));
        let linear = NnUnetOptions {
            interpolation: Interpolation::Linear,
            ..Default::default()
        };
        let ours = resample_nnunet(&image, size, to, &linear).unwrap();
        close64(&ours, &format!("nnunet_linear_{case}"));
        let labels = LabelMap::new(grid, labels("labels", "oblique").into_data()).unwrap();
        let ours =
            resample_labels_nnunet(&labels, size, to, &NnUnetLabelOptions::default()).unwrap();
        same(ours.data(), &format!("nnunet_labels_{case}"));
    }
}
