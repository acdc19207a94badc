//! Chains of MONAI's bundles, there and back, against what MONAI printed (`tests/parity/bundle_vocabulary.py`).

use serde::Deserialize;
use vesalius_transforms::{Chain, Trace, Undo};
use vesalius_volume::{Affine, Geometry, LabelMap, Subject, Volume};

#[derive(Deserialize)]
struct Stored {
    chains: Vec<Case>,
    grids: Vec<Grid>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    affine: [[f64; 4]; 4],
    size: [usize; 3],
    channels: usize,
    dark: bool,
    chain: Chain,
    after: After,
    back: Vec<f32>,
    back_nearest: Vec<f32>,
}

#[derive(Deserialize)]
struct After {
    size: [usize; 3],
    affine: [[f64; 4]; 4],
    values: Vec<f32>,
}

#[derive(Deserialize)]
struct Grid {
    affine: [[f64; 4]; 4],
    size: [usize; 3],
    to: [f64; 3],
    after: [usize; 3],
}

fn stored() -> Stored {
    serde_json::from_str(include_str!("data/monai_bundles.json")).unwrap()
}

/// The script's image.
fn image(case: &Case) -> Volume<f32> {
    let grid = Geometry::new(case.size, Affine::new(case.affine).unwrap()).unwrap();
    let [nx, ny, nz] = case.size;
    let mut values = Vec::new();
    for c in 0..case.channels {
        for voxel in 0..grid.voxel_count() {
            let [x, y, z] = grid.index(voxel);
            let inside = x >= 2 && x + 3 < nx && y >= 3 && y + 1 < ny && z >= 1 && z + 2 < nz;
            let value = (7 * x + 13 * y + 29 * z + x * y * z + 11 * c) % 37 + 1;
            values.push(if case.dark && !inside {
                0.0
            } else {
                value as f32
            });
        }
    }
    Volume::new(grid, case.channels, values).unwrap()
}

fn check(case: &Case, what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{}: {what}", case.name);
    let far = |(a, b): (&f32, &f32)| (a - b).abs() > tolerance * (1.0 + b.abs());
    let wrong = found.iter().zip(expected).filter(|pair| far(*pair)).count();
    let first = found.iter().zip(expected).position(far);
    assert_eq!(
        wrong,
        0,
        "{}: {what}: {} values, the first at {first:?}: {:?}, MONAI's {:?}",
        case.name,
        found.len(),
        first.map(|at| found[at]),
        first.map(|at| expected[at])
    );
}

fn traced(case: &Case) -> (Volume<f32>, Trace) {
    let subject = Subject::new("case", image(case), None).unwrap();
    let (prepared, trace) = case.chain.trace(subject, 0, 0).unwrap();
    let (_, image, _) = prepared.into_parts();
    (image, trace)
}

#[test]
fn chains_give_what_monai_gives() {
    for case in &stored().chains {
        let (found, _) = traced(case);
        let grid = found.geometry();
        assert_eq!(grid.size(), case.after.size, "{}", case.name);
        let rows = grid.affine().rows();
        for (found, expected) in rows
            .iter()
            .flatten()
            .zip(case.after.affine.iter().flatten())
        {
            let message = format!("{}: {rows:?}, MONAI's {:?}", case.name, case.after.affine);
            assert!((found - expected).abs() < 1e-9, "{message}");
        }
        check(case, "there", found.data(), &case.after.values, 2e-6);
    }
}

/// The voxels of `of` that lie in the middle of two of `among`, but for rounding: which of the two is the nearest depends on the
/// last bits of MONAI's numbers.
fn middles(of: &Geometry, among: &Geometry) -> Vec<usize> {
    let is_middle = |voxel: &usize| {
        let index = of.index(*voxel).map(|i| i as f64);
        let place = among.world_to_index(of.index_to_world(index));
        place.iter().any(|p| (p.rem_euclid(1.0) - 0.5).abs() < 1e-9)
    };
    (0..of.voxel_count()).filter(is_middle).collect()
}

#[test]
fn each_step_is_undone_as_monai_undoes_it() {
    for case in &stored().chains {
        let (found, trace) = traced(case);
        let grid = *found.geometry();
        let voxels = grid.voxel_count();
        let mut prediction = found.data().to_vec();
        for (at, value) in prediction.iter_mut().enumerate() {
            *value = *value * 0.5 + (at % voxels % 5) as f32;
        }
        let prediction = Volume::new(grid, found.channels(), prediction).unwrap();
        let back = trace.undo_image(&prediction, Undo::AsDone).unwrap();
        assert_eq!(back.geometry(), &trace.from, "{}", case.name);
        check(case, "back", back.data(), &case.back, 3e-6);

        let labels = (0..voxels).map(|at| (at / 3 % 4) as u16).collect();
        let labels = LabelMap::new(grid, labels).unwrap();
        let back = trace.undo_labels(&labels).unwrap();
        let as_numbers: Vec<f32> = back.data().iter().map(|&label| f32::from(label)).collect();
        let mut expected = case.back_nearest.clone();
        for voxel in middles(&trace.from, &grid) {
            expected[voxel] = as_numbers[voxel];
        }
        check(case, "labels back", &as_numbers, &expected, 0.0);
        // A channel of the same numbers by the nearest voxel is the same.
        let values = labels
            .data()
            .iter()
            .map(|&label| f32::from(label))
            .collect();
        let values = Volume::new(grid, 1, values).unwrap();
        let back = trace.undo_image(&values, Undo::Nearest).unwrap();
        check(case, "numbers back", back.data(), &expected, 0.0);
    }
}

#[test]
fn sizes_half_a_voxel_from_another_are_monais() {
    let grids = stored().grids;
    assert!(grids.len() >= 60);
    for grid in grids {
        let source = Geometry::new(grid.size, Affine::new(grid.affine).unwrap()).unwrap();
        let text = format!("- spacing: {{to: {:?}, rule: monai}}", grid.to);
        let chain: Chain = serde_saphyr::from_str(&text).unwrap();
        let subject = Subject::new("case", Volume::filled(source, 0.0), None).unwrap();
        let (found, _) = chain.apply(subject, 0, 0).unwrap();
        assert_eq!(found.geometry().size(), grid.after, "{text} of {source:?}");
    }
}

#[test]
fn one_interpolation_without_padding_after_it_is_undone_as_one() {
    let of = |name: &str| {
        let cases = stored().chains;
        let case = cases.into_iter().find(|case| case.name == name).unwrap();
        traced(&case).1.is_undone_as_one().unwrap()
    };
    for name in [
        "orient_spacing",
        "spacing_then_orient",
        "crop_in_the_image",
        "crop_beyond",
        "centre",
    ] {
        assert!(of(name), "{name}");
    }
    for name in [
        "two_spacings",
        "pad_end",
        "resize_area",
        "spacing_zeros",
        "spacing_nearest",
    ] {
        assert!(!of(name), "{name}");
    }
}
