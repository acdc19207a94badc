//! The numbers of reference implementations on made masks: MONAI, MedPy, DeepMind's surface-distance, SimpleITK,
//! scikit-image and SciPy, stored by `tests/parity/metrics_parity.py` with their versions.

use serde_json::Value;
use std::collections::BTreeMap;
use vesalius_metrics::{
    AverageSurfaceDistance, BoundaryIou, ConfusionMatrix, Directions, Evaluator, Hausdorff,
    LabelWeight, Measure, ObjectMatching, Overlap, Surface, SurfaceDice, SurfaceDistances, Target,
    Targets, centre_line, generalised_dice,
};
use vesalius_volume::{Affine, Geometry, LabelMap};

const TOLERANCE: f64 = 1e-6;

fn whole(value: &Value) -> Vec<i64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|v| v.as_i64().unwrap()).collect()
}

/// The masks of a case, painted as the script paints them.
fn painted(case: &Value, which: &str, salt: u64) -> LabelMap<u8> {
    let size = whole(&case["size"]);
    let row = |v: &Value| -> [f64; 3] { std::array::from_fn(|j| v[j].as_f64().unwrap()) };
    let linear = std::array::from_fn(|i| row(&case["linear"][i]));
    let affine = Affine::from_linear(linear, [5.0, -7.0, 11.0]).unwrap();
    let grid = Geometry::new(std::array::from_fn(|i| size[i] as usize), affine).unwrap();
    let ellipsoids: Vec<Vec<i64>> = case[which].as_array().unwrap().iter().map(whole).collect();
    let noise = case["noise"].as_u64().unwrap();
    LabelMap::from_fn(grid, |at| {
        let mut label = 0;
        for e in &ellipsoids {
            let d: [i64; 3] = std::array::from_fn(|i| at[i] as i64 - e[1 + i]);
            let [rx, ry, rz] = [e[4], e[5], e[6]];
            let sum = (d[0] * ry * rz).pow(2) + (d[1] * rx * rz).pow(2) + (d[2] * rx * ry).pow(2);
            if sum <= (rx * ry * rz).pow(2) {
                label = e[0] as u8;
            }
        }
        if noise > 0 {
            let [x, y, z] = at.map(|v| v as u64);
            let h = (x * 73_856_093) ^ (y * 19_349_663) ^ (z * 83_492_791) ^ (salt * 2_654_435_761);
            let h = (((h & 0xFFFF_FFFF) * 2_246_822_519) & 0xFFFF_FFFF) >> 7;
            if h.is_multiple_of(noise) {
                label = (h / noise % 3) as u8;
            }
        }
        label
    })
}

fn target(key: &str) -> Target {
    let labels = match key {
        "both" => vec![1, 2],
        one => vec![one.parse().unwrap()],
    };
    Target {
        key: key.to_owned(),
        name: key.to_owned(),
        labels,
    }
}

/// Every number that a reference implementation printed, as ours; nothing for a name that has no counterpart.
fn ours(
    reference: &LabelMap<u8>,
    prediction: &LabelMap<u8>,
    target: &Target,
) -> BTreeMap<String, f64> {
    let between = |surface| {
        SurfaceDistances::between(reference, prediction, target, None, surface)
            .unwrap()
            .unwrap()
    };
    let (edge, areas, all) = (
        between(Surface::EdgeVoxels),
        between(Surface::Areas),
        between(Surface::AllVoxels),
    );
    let counts = ConfusionMatrix::count(reference, prediction, &[0, 1, 2], None).unwrap();
    let overlap: Overlap = counts.overlap(target);
    let mut out = BTreeMap::new();
    let mut put = |name: &str, value: Option<f64>| out.insert(name.to_owned(), value.unwrap());
    put("monai.dice", overlap.dice().value());
    put("monai.iou", overlap.iou().value());
    put("monai.hd", Hausdorff::monai(100.0).of(&edge));
    put("monai.hd95", Hausdorff::monai(95.0).of(&edge));
    put("monai.hd50", Hausdorff::monai(50.0).of(&edge));
    put("monai.asd", AverageSurfaceDistance::directed().of(&edge));
    put("monai.assd", AverageSurfaceDistance::monai().of(&edge));
    put("monai.nsd_1mm", SurfaceDice::monai(1.0).of(&edge));
    put("monai.nsd_2.5mm", SurfaceDice::monai(2.5).of(&edge));
    put(
        "monai.nsd_1mm_subvoxel",
        SurfaceDice::deepmind(1.0).of(&areas),
    );
    put("medpy.dc", overlap.dice().value());
    put("medpy.jc", overlap.iou().value());
    put("medpy.precision", overlap.precision().value());
    put("medpy.recall", overlap.recall().value());
    put(
        "medpy.specificity",
        Some(overlap.specificity().value().unwrap_or(0.0)),
    );
    put("medpy.ravd", overlap.relative_volume_difference().value());
    put("medpy.hd", Hausdorff::medpy(100.0).of(&edge));
    put("medpy.hd95", Hausdorff::medpy(95.0).of(&edge));
    put("medpy.asd", AverageSurfaceDistance::directed().of(&edge));
    put("medpy.assd", AverageSurfaceDistance::medpy().of(&edge));
    put("deepmind.hd", Hausdorff::deepmind(100.0).of(&areas));
    put("deepmind.hd95", Hausdorff::deepmind(95.0).of(&areas));
    put("deepmind.asd_reference", areas.from_reference.mean());
    put("deepmind.asd_prediction", areas.from_prediction.mean());
    put("deepmind.nsd_1mm", SurfaceDice::deepmind(1.0).of(&areas));
    put("deepmind.nsd_2.5mm", SurfaceDice::deepmind(2.5).of(&areas));
    put(
        "deepmind.area_reference",
        Some(areas.from_reference.weight()),
    );
    put(
        "deepmind.area_prediction",
        Some(areas.from_prediction.weight()),
    );
    put("simple_itk.hd", Hausdorff::simple_itk().of(&all));
    put(
        "simple_itk.average",
        AverageSurfaceDistance::simple_itk().of(&all),
    );
    put("simple_itk.dice", overlap.dice().value());
    put("simple_itk.jaccard", overlap.iou().value());
    put(
        "simple_itk.volume_similarity",
        overlap.signed_volume_similarity().value(),
    );
    let line = |map: &LabelMap<u8>, weight: fn([usize; 3]) -> usize| {
        let line = centre_line(map, target);
        let grid = *line.geometry();
        let voxels = line.data().iter().enumerate().filter(|(_, v)| **v == 1);
        Some(voxels.map(|(i, _)| weight(grid.index(i))).sum::<usize>() as f64)
    };
    let place: fn([usize; 3]) -> usize = |[x, y, z]| (x + 31 * y + 977 * z).pow(2);
    for (name, map) in [("reference", reference), ("prediction", prediction)] {
        put(&format!("skimage.skeleton_{name}"), line(map, |_| 1));
        put(&format!("skimage.skeleton_places_{name}"), line(map, place));
    }
    let matching = ObjectMatching::default();
    let evaluator = Evaluator::new(
        Targets::new(vec![target.clone()], None).unwrap(),
        vec![
            Measure::CentreLineDice,
            Measure::ObjectF1(matching),
            Measure::PanopticQuality(matching),
            Measure::BoundaryIou(BoundaryIou::default()),
            Measure::BoundaryIou(BoundaryIou { distance: 2.0 }),
            Measure::Hausdorff(Hausdorff {
                directions: Directions::FromReference,
                ..Hausdorff::default()
            }),
        ],
    );
    let case = evaluator.case("a", reference, prediction).unwrap();
    let score = |measure: &str| case.get(&target.key, measure).unwrap().outcome.value();
    put("skimage.cldice", score("cldice"));
    put("monai.rq", score("object_f1"));
    put("monai.pq", score("panoptic_quality"));
    put("scipy.boundary_iou", score("boundary_iou"));
    put("scipy.boundary_iou_2mm", score("boundary_iou_2mm"));
    out
}

#[test]
fn every_stored_number_is_ours_too() {
    let text = include_str!("data/parity.json");
    let stored: Value = serde_json::from_str(text).unwrap();
    let mut largest: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut compare = |place: String, name: &str, ours: f64, theirs: f64| {
        let difference = (ours - theirs).abs() / theirs.abs().max(1.0);
        let entry = largest.entry(name.to_owned()).or_default();
        *entry = (entry.0.max(difference), entry.1 + 1);
        if difference.is_nan() || difference > TOLERANCE {
            wrong.push(format!("{place} {name}: ours {ours}, theirs {theirs}"));
        }
    };
    for case in stored["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (reference, prediction) = (
            painted(case, "reference", 1),
            painted(case, "prediction", 2),
        );
        let targets = Targets::of_values(&[1, 2]).unwrap();
        let counts = ConfusionMatrix::count(&reference, &prediction, &[0, 1, 2], None).unwrap();
        for (key, voxels) in case["voxels"].as_object().unwrap() {
            let overlap = counts.overlap(&target(key));
            let painted = [overlap.reference as i64, overlap.prediction as i64];
            assert_eq!(
                painted[..],
                whole(voxels),
                "{name} {key}: the masks themselves"
            );
        }
        for (key, numbers) in case["numbers"].as_object().unwrap() {
            let ours = ours(&reference, &prediction, &target(key));
            for (measure, theirs) in numbers.as_object().unwrap() {
                if measure == "monai.sq" {
                    continue; // pq over rq, and both are compared
                }
                let place = format!("{name} {key}");
                compare(place, measure, ours[measure], theirs.as_f64().unwrap());
            }
        }
        for (weight, key) in [
            (LabelWeight::InverseSquare, "monai.generalised_square"),
            (LabelWeight::Inverse, "monai.generalised_simple"),
            (LabelWeight::Uniform, "monai.generalised_uniform"),
        ] {
            let ours = generalised_dice(&counts, &targets, weight).value().unwrap();
            compare(
                name.to_owned(),
                key,
                ours,
                case["together"][key].as_f64().unwrap(),
            );
        }
    }
    for (name, (difference, count)) in &largest {
        println!("{name:<32} {count:>3} numbers, largest difference {difference:.1e}");
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        largest.len() > 35,
        "only {} measures were compared",
        largest.len()
    );
}

/// A tolerance of exactly one or two voxels, on grids as a NIfTI file holds them, compared with MONAI, which got the
/// spacing that was meant: `tests/parity/limits.py`.
#[test]
fn a_tolerance_on_the_spacing_counts_as_it_does_for_monai() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/limits.json");
    let stored: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = stored["surfaces"].as_array().unwrap();
    assert_eq!(cases.len(), 8);
    for case in cases {
        let row = |i: usize| -> [f64; 4] {
            std::array::from_fn(|j| case["affine"][i][j].as_f64().unwrap())
        };
        let affine = Affine::new([row(0), row(1), row(2), row(3)]).unwrap();
        let grid = Geometry::new([24, 22, 20], affine).unwrap();
        let block = |ranges: [std::ops::Range<usize>; 3]| {
            LabelMap::from_fn(grid, |at| {
                u8::from((0..3).all(|a| ranges[a].contains(&at[a])))
            })
        };
        let reference = block([6..15, 5..14, 6..13]);
        let prediction = block([8..16, 5..15, 5..13]);
        let tolerance = case["tolerance"].as_f64().unwrap();
        let measures = vec![
            Measure::SurfaceDice(SurfaceDice::monai(tolerance)),
            Measure::BoundaryIou(BoundaryIou {
                distance: tolerance,
            }),
        ];
        let keys: Vec<String> = measures.iter().map(Measure::key).collect();
        let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), measures);
        let score = |name: &str, r: &LabelMap<u8>, p: &LabelMap<u8>| {
            let scores = evaluator.case(name, r, p).unwrap();
            keys.clone()
                .into_iter()
                .map(move |key| scores.get("1", &key).unwrap().counted.unwrap())
        };
        let found: Vec<f64> = score("file", &reference, &prediction).collect();
        let expected = case["nsd"].as_f64().unwrap();
        assert!(
            (found[0] - expected).abs() < 1e-6,
            "{} {tolerance}: {found:?} {expected}",
            case["grid"]
        );
        // The rim of a boundary IoU has the same limit as on the exact grid.
        let name = case["grid"].as_str().unwrap();
        let spacing = match name {
            "oblique_mixed" => [0.7, 0.7, 2.1],
            "oblique_1" => [1.0; 3],
            _ => [0.6; 3],
        };
        let straight = Geometry::axis_aligned([24, 22, 20], spacing).unwrap();
        let on = |map: &LabelMap<u8>| LabelMap::new(straight, map.data().to_vec()).unwrap();
        let meant: Vec<f64> = score("meant", &on(&reference), &on(&prediction)).collect();
        assert!(
            found.iter().zip(&meant).all(|(a, b)| (a - b).abs() < 1e-12),
            "{name}: {found:?} {meant:?}"
        );
    }
}
