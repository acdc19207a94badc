//! Physical limits near the spacing of a NIfTI file, and labels that touch: TorchIO, scipy, scikit-image
//! and exact fractions, stored by `tests/parity/limits.py`. The grids are those that a file holds, in single
//! precision; the reference implementations got the intended spacing.

use serde_json::Value;
use std::sync::LazyLock;
use vesalius_filters::*;
use vesalius_volume::{Geometry, LabelMap, Volume};

static STORED: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/limits.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
});

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn sizes(value: &Value) -> [usize; 3] {
    std::array::from_fn(|i| value[i].as_u64().unwrap() as usize)
}

fn grid(case: &Value, size: [usize; 3]) -> Geometry {
    Geometry::new(size, crate::peers::matrix(&case["affine"])).unwrap()
}

fn labels(grid: Geometry, value: &Value) -> LabelMap<u8> {
    let values = list(value).iter().map(|v| v.as_u64().unwrap() as u8);
    LabelMap::new(grid, values.collect()).unwrap()
}

/// Where the reference's result depends on the order of memory there is none to agree with.
fn agrees(found: &LabelMap<u8>, expected: &LabelMap<u8>, what: &str) {
    let voxels = found.data().iter().zip(expected.data()).enumerate();
    for (offset, (found_label, label)) in voxels.filter(|(_, (_, label))| **label != 255) {
        let at = found.geometry().index(offset);
        assert_eq!(found_label, label, "{what} at {at:?}");
    }
}

#[test]
fn a_ball_in_millimetres_holds_the_voxels_that_lie_on_it() {
    let balls = list(&STORED["balls"]);
    assert_eq!(balls.len(), 16);
    for ball in balls {
        let grid = grid(ball, [25; 3]);
        let point = LabelMap::from_fn(grid, |at| u8::from(at == [12; 3]));
        let radius = ball["radius"].as_f64().unwrap();
        let grown = dilate(&point, &Element::millimetres(Shape::Ball, [radius; 3])).unwrap();
        let voxels = ball["voxels"].as_u64().unwrap() as usize;
        assert_eq!(grown.counts()[&1], voxels, "{} {radius}", ball["grid"]);
    }
}

#[test]
fn torchios_grid_and_values_are_those_of_its_version() {
    assert_eq!(STORED["versions"]["torchio"], "1.2.1");
    let hashed = |[x, y, z]: [usize; 3]| {
        let part = |v: usize, by: u64| v as u64 * by;
        let h = part(x, 73_856_093) ^ part(y, 19_349_663) ^ part(z, 83_492_791);
        let h = h ^ (5 * 2_654_435_761);
        ((((h & 0xFFFF_FFFF) * 2_246_822_519) & 0xFFFF_FFFF) >> 7) % 1000
    };
    let cases = list(&STORED["torchio"]);
    assert!(cases.len() >= 12);
    for case in cases {
        let name = format!("{} {} {}", case["grid"], case["size"], case["spacing"]);
        let image = Volume::from_fn(grid(case, sizes(&case["size"])), |at| hashed(at) as f32);
        let spacing = crate::peers::triple(&case["spacing"]);
        let target = target_grid(image.geometry(), spacing, Convention::TorchIo).unwrap();
        assert_eq!(target.size(), sizes(&case["new_size"]), "{name}");
        let origin = crate::peers::triple(&case["origin"]);
        let apart = (0..3).map(|a| (target.origin()[a] - origin[a]).abs());
        // The stored affine is in single precision: 60 mm are known to 4e-6.
        assert!(
            apart.fold(0.0, f64::max) < 2e-5,
            "{name}: {origin:?} {:?}",
            target.origin()
        );
        let ours = resample(&image, &target, &ResampleOptions::of(Convention::TorchIo)).unwrap();
        let expected = list(&case["values"]).iter().map(|v| v.as_f64().unwrap());
        let values = ours.data().iter().step_by(7).zip(expected);
        let most = values
            .map(|(a, b)| (f64::from(*a) - b).abs())
            .fold(0.0, f64::max);
        assert!(most < 0.1, "{name}: {most} of 1000");
    }
}

#[test]
fn labels_that_grow_towards_each_other_meet_where_scikit_image_has_them() {
    for case in list(&STORED["expand"]) {
        let grid = grid(case, sizes(&case["size"]));
        let map = labels(grid, &case["labels"]);
        let radius = case["radius"].as_f64().unwrap();
        let grown = dilate(&map, &Element::millimetres(Shape::Ball, [radius; 3])).unwrap();
        agrees(
            &grown,
            &labels(grid, &case["grown"]),
            &format!("{}", case["grid"]),
        );
        // Where two labels are equally near, the lower one of them takes the voxel.
        let tied = labels(grid, &case["grown"]);
        let tied = tied
            .data()
            .iter()
            .zip(grown.data())
            .filter(|(t, _)| **t == 255);
        assert!(
            tied.map(|(_, label)| *label)
                .all(|label| label == 2 || label == 4)
        );
    }
}

#[test]
fn each_labels_holes_are_those_that_scipy_fills() {
    let case = &STORED["holes"];
    let grid = Geometry::axis_aligned(sizes(&case["size"]), [1.0; 3]).unwrap();
    let filled = fill_holes(&labels(grid, &case["labels"]), &HoleOptions::default()).unwrap();
    assert!(filled != labels(grid, &case["labels"]));
    agrees(&filled, &labels(grid, &case["filled"]), "holes");
}
