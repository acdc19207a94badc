//! Scores by lesion and of tubes against what BraTS's script, CC-metrics, panoptica, the WMH challenge's rule, GUDHI,
//! MONAI and scikit-image print for made masks (`tests/parity/lesions.py`, with versions).

use serde_json::Value;
use std::collections::BTreeMap;
use vesalius_metrics::{
    AverageSurfaceDistance, BettiNumbers, ComponentDice, Connectivity, Error, Evaluator, Hausdorff,
    InstanceMatching, LesionWise, MatchScore, Matcher, Measure, Objects, Surface, SurfaceDistances,
    Target, Targets,
};
use vesalius_volume::{Geometry, LabelMap};

const TOLERANCE: f64 = 1e-6;

fn stored() -> Value {
    serde_json::from_str(include_str!("data/lesions.json")).unwrap()
}

fn whole(value: &Value) -> Vec<i64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|v| v.as_i64().unwrap()).collect()
}

fn lists(value: &Value) -> Vec<Vec<i64>> {
    value.as_array().unwrap().iter().map(whole).collect()
}

fn grid(case: &Value) -> Geometry {
    let size = whole(&case["size"]);
    let spacing = |i: usize| case["spacing"][i].as_f64().unwrap_or(1.0);
    Geometry::axis_aligned(
        std::array::from_fn(|i| size[i] as usize),
        std::array::from_fn(spacing),
    )
    .unwrap()
}

/// The mask of a case, painted as the script paints it.
fn painted(case: &Value, which: &str, salt: u64) -> LabelMap<u8> {
    let noise = case["noise"].as_u64().unwrap();
    let ellipsoids = lists(&case[which]);
    LabelMap::from_fn(grid(case), |at| {
        let inside = ellipsoids.iter().any(|e| {
            let d: [i64; 3] = std::array::from_fn(|i| at[i] as i64 - e[i]);
            let [rx, ry, rz] = [e[3], e[4], e[5]];
            let sum = (d[0] * ry * rz).pow(2) + (d[1] * rx * rz).pow(2) + (d[2] * rx * ry).pow(2);
            sum <= (rx * ry * rz).pow(2)
        });
        let [x, y, z] = at.map(|v| v as u64);
        let turned = noise > 0 && {
            let h = (x * 73_856_093) ^ (y * 19_349_663) ^ (z * 83_492_791) ^ (salt * 2_654_435_761);
            let h = (((h & 0xFFFF_FFFF) * 2_246_822_519) & 0xFFFF_FFFF) >> 7;
            h.is_multiple_of(noise)
        };
        u8::from(inside != turned)
    })
}

fn boxes(case: &Value, which: &str) -> LabelMap<u8> {
    let boxes = lists(&case[which]);
    LabelMap::from_fn(grid(case), |at| {
        let inside =
            |b: &Vec<i64>| (0..3).all(|i| (b[2 * i]..b[2 * i + 1]).contains(&(at[i] as i64)));
        u8::from(boxes.iter().any(inside))
    })
}

fn matching(name: &str) -> InstanceMatching {
    let (matcher, limit) = name.split_once('_').unwrap();
    let matcher = match matcher {
        "naive" => Matcher::Naive,
        "many" => Matcher::ManyToOne,
        "merge" => Matcher::MaximiseMerge,
        "best" => Matcher::Best,
        other => panic!("{other}"),
    };
    let (score, threshold) = match limit.strip_prefix("iou") {
        Some(threshold) => (MatchScore::Iou, threshold),
        None => (MatchScore::Dice, limit.strip_prefix("dice").unwrap()),
    };
    InstanceMatching::default()
        .with_matcher(matcher)
        .with_score(score, threshold.parse().unwrap())
}

/// 0 without values, as panoptica has the quality of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Our values of panoptica's numbers.
fn instances(objects: &Objects, matcher: &str) -> BTreeMap<&'static str, f64> {
    let scores = matching(matcher).of(objects).unwrap();
    let dice = mean(scores.matched.iter().map(|object| object.dice));
    let iou = mean(scores.matched.iter().map(|object| object.iou));
    let recognition = scores.recognition_quality().unwrap();
    let distances = scores.surface_distances(objects, Surface::EdgeVoxels);
    let surface = |value: fn(&SurfaceDistances) -> Option<f64>| {
        mean(distances.iter().map(|distances| value(distances).unwrap()))
    };
    BTreeMap::from([
        ("tp", scores.matched.len() as f64),
        ("fp", scores.spurious() as f64),
        ("fn", scores.missed() as f64),
        ("rq", recognition),
        ("sq", iou),
        ("pq", iou * recognition),
        ("sq_dsc", dice),
        ("pq_dsc", dice * recognition),
        (
            "sq_assd",
            surface(|d| AverageSurfaceDistance::of_means().of(d)),
        ),
        ("sq_hd95", surface(|d| Hausdorff::medpy(95.0).of(d))),
    ])
}

/// Our values of the numbers of BraTS's script.
fn brats(objects: &Objects, challenge: &str) -> BTreeMap<&'static str, f64> {
    let options = match challenge {
        "gli" => LesionWise::default(),
        "men" => LesionWise::default().with_dilation(1),
        "met" => LesionWise::default().with_dilation(1).with_smallest(2.0),
        other => panic!("{other}"),
    };
    let scores = options.of(objects).unwrap();
    BTreeMap::from([
        ("dice", scores.dice()),
        ("hd95", scores.hausdorff()),
        ("tp", scores.true_positives() as f64),
        ("fn", scores.false_negatives() as f64),
        ("fp", scores.false_positives as f64),
        ("lesions", scores.lesions.len() as f64),
    ])
}

/// Our value of a measure of the evaluator.
fn measured(reference: &LabelMap<u8>, prediction: &LabelMap<u8>, name: &str) -> f64 {
    let measure = Measure::named(name, 1.0).unwrap();
    let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), vec![measure]);
    let case = evaluator.case("a", reference, prediction).unwrap();
    case.get("1", name).unwrap().counted.unwrap()
}

#[derive(Default)]
struct Differences {
    largest: BTreeMap<String, (f64, usize)>,
    wrong: Vec<String>,
}

impl Differences {
    fn compare(&mut self, case: &str, name: &str, ours: f64, theirs: f64) {
        let difference = (ours - theirs).abs() / theirs.abs().max(1.0);
        let entry = self.largest.entry(name.to_owned()).or_default();
        *entry = (entry.0.max(difference), entry.1 + 1);
        if difference.is_nan() || difference > TOLERANCE {
            self.wrong
                .push(format!("{case} {name}: ours {ours}, theirs {theirs}"));
        }
    }

    fn finish(self, least: usize) {
        for (name, (difference, count)) in &self.largest {
            println!("{name:<32} {count:>3} numbers, largest difference {difference:.1e}");
        }
        assert!(
            self.wrong.is_empty(),
            "{} differ:\n{}",
            self.wrong.len(),
            self.wrong.join("\n")
        );
        assert!(
            self.largest.len() >= least,
            "only {} numbers were compared",
            self.largest.len()
        );
    }
}

#[test]
fn every_stored_score_by_lesion_is_ours_too() {
    let mut differences = Differences::default();
    for case in stored()["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (reference, prediction) = (
            painted(case, "reference", 1),
            painted(case, "prediction", 2),
        );
        let count = |map: &LabelMap<u8>| map.counts().get(&1).copied().unwrap_or(0) as i64;
        assert_eq!(
            [count(&reference), count(&prediction)][..],
            whole(&case["voxels"]),
            "{name}: the masks themselves"
        );
        let one = Target::of_value(1);
        let objects =
            Objects::of_target(&reference, &prediction, &one, None, Connectivity::Corners).unwrap();
        let mut ours: BTreeMap<String, BTreeMap<&str, f64>> = BTreeMap::new();
        for (key, theirs) in case["numbers"].as_object().unwrap() {
            let parts: Vec<&str> = key.splitn(2, '.').collect();
            if let Some(theirs) = theirs.as_f64() {
                let ours = match parts[..] {
                    [tool @ ("brats" | "panoptica"), rest] => {
                        let (options, number) = rest.rsplit_once('.').unwrap();
                        let numbers = ours.entry(format!("{tool}.{options}"));
                        let numbers = numbers.or_insert_with(|| match tool {
                            "brats" => brats(&objects, options),
                            _ => instances(&objects, options),
                        });
                        numbers[number]
                    }
                    // Both empty: 1 for CC-metrics, left out of the mean by us.
                    ["ccmetrics", _] if name == "nothing" => 1.0,
                    ["ccmetrics", _] => measured(&reference, &prediction, "component_dice"),
                    ["wmh", "false"] => measured(&reference, &prediction, "false_lesions"),
                    ["wmh", number] => {
                        measured(&reference, &prediction, &format!("lesion_{number}"))
                    }
                    ["monai", number] => measured(&reference, &prediction, number),
                    _ => panic!("{key}"),
                };
                differences.compare(name, key, ours, theirs);
                continue;
            }
            let theirs = theirs.as_array().unwrap();
            match key.as_str() {
                "ccmetrics.regions" => {
                    let ours = ComponentDice::default().of(&objects).unwrap();
                    // The peer's regions are in the order of the last axis first.
                    let mut theirs: Vec<f64> = theirs.iter().map(|v| v.as_f64().unwrap()).collect();
                    let mut ours = ours.clone();
                    ours.sort_by(f64::total_cmp);
                    theirs.sort_by(f64::total_cmp);
                    assert_eq!(ours.len(), theirs.len());
                    ours.iter()
                        .zip(&theirs)
                        .for_each(|(o, t)| differences.compare(name, key, *o, *t));
                }
                "gudhi.betti" => betti(&mut differences, name, [&reference, &prediction], theirs),
                _ => panic!("{key}"),
            }
        }
    }
    differences.finish(100);
}

fn betti(differences: &mut Differences, case: &str, maps: [&LabelMap<u8>; 2], theirs: &[Value]) {
    for (map, theirs) in maps.into_iter().zip(theirs) {
        let ours = BettiNumbers::of(map, &Target::of_value(1)).unwrap();
        let ours = [ours.pieces, ours.tunnels, ours.cavities];
        for (i, (ours, theirs)) in ours.iter().zip(whole(theirs)).enumerate() {
            differences.compare(
                case,
                &format!("gudhi.betti{i}"),
                *ours as f64,
                theirs as f64,
            );
        }
    }
}

#[test]
fn centre_lines_and_topology_of_tubes_are_the_peers() {
    let mut differences = Differences::default();
    for case in stored()["tubes"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (reference, prediction) = (boxes(case, "reference"), boxes(case, "prediction"));
        let numbers = case["numbers"].as_object().unwrap();
        for (key, theirs) in numbers
            .iter()
            .filter(|(key, _)| key.starts_with("skimage."))
        {
            let ours = measured(
                &reference,
                &prediction,
                key.strip_prefix("skimage.").unwrap(),
            );
            differences.compare(name, key, ours, theirs.as_f64().unwrap());
        }
        let theirs = numbers["gudhi.betti"].as_array().unwrap();
        betti(&mut differences, name, [&reference, &prediction], theirs);
        let errors: Vec<i64> = (0..3)
            .map(|i| (whole(&theirs[0])[i] - whole(&theirs[1])[i]).abs())
            .collect();
        for (i, error) in errors.iter().enumerate() {
            let ours = measured(&reference, &prediction, &format!("betti{i}_error"));
            assert_eq!(ours, *error as f64, "{name}");
        }
        assert_eq!(
            measured(&reference, &prediction, "betti_error"),
            errors.iter().sum::<i64>() as f64
        );
    }
    differences.finish(6);
}

#[test]
fn masks_that_are_empty_or_full_have_defined_values() {
    let grid = Geometry::axis_aligned([12, 12, 12], [2.0; 3]).unwrap();
    let cubes = |at: [usize; 3]| {
        at.iter().all(|v| (1..4).contains(v)) || at.iter().all(|v| (8..11).contains(v))
    };
    let (two, none) = (
        LabelMap::<u8>::from_fn(grid, |at| u8::from(cubes(at))),
        LabelMap::<u8>::background(grid),
    );
    let full = LabelMap::<u8>::from_fn(grid, |_| 1);
    let names = [
        "lesion_dice",
        "lesion_hd95",
        "false_lesions",
        "lesion_f1",
        "component_dice",
        "panoptica_pq",
        "betti_error",
        "cldice",
    ];
    let scores = |reference: &LabelMap<u8>, prediction: &LabelMap<u8>| {
        let measures = names
            .iter()
            .map(|name| Measure::named(name, 1.0).unwrap())
            .collect();
        let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), measures);
        let case = evaluator.case("a", reference, prediction).unwrap();
        names.map(|name| case.get("1", name).unwrap().counted)
    };
    let counted = |values: [f64; 8]| values.map(Some);
    assert_eq!(
        scores(&two, &two),
        counted([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    );
    assert_eq!(
        scores(&two, &none),
        counted([0.0, 374.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0])
    );
    assert_eq!(
        scores(&none, &two),
        counted([0.0, 374.0, 2.0, 0.0, 0.0, 0.0, 2.0, 0.0])
    );
    // A healthy scan counts for the false lesions a scan, and for nothing else.
    let healthy = [None, None, Some(0.0), None, None, None, None, None];
    assert_eq!(scores(&none, &none), healthy);
    assert_eq!(
        scores(&full, &full),
        counted([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0])
    );
}

#[test]
fn each_measure_alone_scores_as_among_others() {
    let grid = Geometry::axis_aligned([14, 13, 12], [1.0, 1.5, 2.0]).unwrap();
    let map = |shift: usize| {
        LabelMap::<u8>::from_fn(grid, |[x, y, z]| {
            u8::from((x + shift) % 7 < 4 && y % 6 < 4 && z % 5 < 3)
        })
    };
    let (reference, prediction) = (map(0), map(1));
    let evaluator = |measures| Evaluator {
        targets: Targets::of_values(&[1]).unwrap(),
        measures,
    };
    let all: Vec<Measure> = Measure::NAMES
        .iter()
        .map(|name| Measure::named(name, 1.0).unwrap())
        .collect();
    let together = evaluator(all.clone())
        .case("a", &reference, &prediction)
        .unwrap();
    for (place, measure) in all.into_iter().enumerate() {
        let key = measure.key();
        let alone = evaluator(vec![measure])
            .case("a", &reference, &prediction)
            .unwrap();
        assert_eq!(alone.scores[0][0], together.scores[0][place], "{key}");
        assert!(alone.scores[0][0].outcome.value().is_some(), "{key}");
    }
}

#[test]
fn options_that_make_no_sense_are_refused_by_name() {
    let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
    let map = LabelMap::<u8>::from_fn(grid, |[x, ..]| u8::from(x == 1));
    let objects = Objects::of_instances(&map, &map).unwrap();
    let default = LesionWise::default();
    for bad in [
        default.with_smallest(-1.0),
        default.with_smallest(f64::NAN),
        default.with_worst(f64::INFINITY),
    ] {
        assert!(
            matches!(bad.of(&objects), Err(Error::BadOption { .. })),
            "{bad:?}"
        );
    }
    for bad in [0.0, -0.5, 1.5, f64::NAN] {
        let refused = InstanceMatching::default()
            .with_score(MatchScore::Iou, bad)
            .of(&objects);
        assert!(matches!(refused, Err(Error::BadOption { .. })), "{bad}");
    }
    assert!(default.with_dilation(usize::MAX).of(&objects).is_err());
    // Lesions may grow beyond the image.
    let joined = default
        .with_dilation(20)
        .with_smallest(0.0)
        .of(&objects)
        .unwrap();
    assert_eq!((joined.lesions.len(), joined.dice()), (1, 1.0));
    let empty = LabelMap::<u8>::background(Geometry::axis_aligned([0, 3, 3], [1.0; 3]).unwrap());
    let nothing = default
        .between(&empty, &empty, &Target::of_value(1), None)
        .unwrap();
    assert_eq!(
        (nothing.lesions.len(), nothing.dice(), nothing.hausdorff()),
        (0, 1.0, 0.0)
    );
    let other = LabelMap::<u8>::background(Geometry::axis_aligned([4, 4, 5], [1.0; 3]).unwrap());
    assert!(matches!(
        default.between(&map, &other, &Target::of_value(1), None),
        Err(Error::Volume(_))
    ));
}
