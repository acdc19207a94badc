//! Lesion candidates, hits and curves against picai_eval 1.4 and report_guided_annotation 0.3 on made maps
//! (`tests/parity/detection.py`, with versions), and what is refused.

use serde_json::Value;
use std::collections::BTreeMap;
use vesalius_metrics::{
    CandidateOptions, CandidateThreshold, Candidates, DetectionCurves, Error, HitCriterion,
    JudgedCase, LesionTruth, MatchScore, OtherCandidates, Target, area_under_roc,
};
use vesalius_volume::{Geometry, LabelMap, Volume};

fn stored() -> Value {
    serde_json::from_str(include_str!("data/detection.json")).unwrap()
}

fn whole(value: &Value) -> Vec<i64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_i64().unwrap())
        .collect()
}

fn lists(value: &Value) -> Vec<Vec<i64>> {
    value.as_array().unwrap().iter().map(whole).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

/// The reference and the probabilities of a case, as the script makes them.
fn made(case: &Value) -> (LabelMap<u8>, Volume<f32>) {
    let size = whole(&case["size"]);
    let grid = Geometry::axis_aligned(std::array::from_fn(|i| size[i] as usize), [1.0; 3]).unwrap();
    let (lesions, blobs) = (lists(&case["lesions"]), lists(&case["blobs"]));
    let (noise, seed) = (
        case["noise"].as_u64().unwrap(),
        case["seed"].as_u64().unwrap(),
    );
    let labels = LabelMap::from_fn(grid, |at| {
        u8::from(lesions.iter().any(|e| {
            let d: [i64; 3] = std::array::from_fn(|i| at[i] as i64 - e[i]);
            let [rx, ry, rz] = [e[3], e[4], e[5]];
            (d[0] * ry * rz).pow(2) + (d[1] * rx * rz).pow(2) + (d[2] * rx * ry).pow(2)
                <= (rx * ry * rz).pow(2)
        }))
    });
    let probabilities = Volume::from_fn(grid, |at| {
        let [x, y, z] = at.map(|v| v as u64);
        let h = (x * 73_856_093) ^ (y * 19_349_663) ^ (z * 83_492_791) ^ (seed * 2_654_435_761);
        let h = (((h & 0xFFFF_FFFF) * 2_246_822_519) & 0xFFFF_FFFF) >> 7;
        let mut value = (h % noise) as i64;
        for b in &blobs {
            let d: i64 = (0..3).map(|i| (at[i] as i64 - b[i]).pow(2)).sum();
            let [r, peak] = [b[3], b[4]];
            if d <= r * r {
                value = value.max(peak * (r * r + 1 - d) / (r * r + 1));
            }
        }
        value as f32 / 1000.0
    });
    (labels, probabilities)
}

fn options(threshold: &str) -> CandidateOptions {
    CandidateOptions::default().with_threshold(match threshold {
        "dynamic-fast" => CandidateThreshold::OfLargest(2.5),
        "dynamic-v2" => CandidateThreshold::OfEach(2.5),
        fixed => CandidateThreshold::Fixed(fixed.parse().unwrap()),
    })
}

fn criterion(name: &str) -> HitCriterion {
    match name {
        "iou0.1" => HitCriterion::default(),
        "dice0.2" => HitCriterion::default().with_score(MatchScore::Dice, 0.2),
        "strict" => HitCriterion::default().with_others(OtherCandidates::False),
        other => panic!("{other}"),
    }
}

/// The peer's list of a case: whether it is a lesion, confidence, overlap; sorted.
fn listed(case: &JudgedCase) -> Vec<[f64; 3]> {
    let row = |lesion: &vesalius_metrics::JudgedLesion| {
        let lesion_itself = f64::from(u8::from(lesion.truth != LesionTruth::False));
        [lesion_itself, lesion.confidence, lesion.overlap]
    };
    let mut rows: Vec<[f64; 3]> = case.lesions.iter().map(row).collect();
    rows.sort_by(|a, b| a.partial_cmp(b).unwrap());
    rows
}

#[test]
fn candidates_hits_and_curves_are_the_peers() {
    let stored = stored();
    let mut judged: BTreeMap<String, Vec<JudgedCase>> = BTreeMap::new();
    let mut compared = 0;
    for case in stored["cases"].as_array().unwrap() {
        let (labels, probabilities) = made(case);
        let sums = numbers(&case["sums"]);
        let sum: f64 = probabilities.data().iter().map(|v| f64::from(*v)).sum();
        assert_eq!(
            labels.counts().get(&1).copied().unwrap_or(0) as f64,
            sums[0]
        );
        assert!((sum - sums[1]).abs() < 1e-9);
        for (threshold, result) in case["results"].as_object().unwrap() {
            let place = format!("seed {} {threshold}", case["seed"]);
            let candidates = Candidates::extract(&probabilities, 0, &options(threshold)).unwrap();
            let voxels = candidates.map().data().iter().filter(|n| **n != 0).count();
            assert_eq!(voxels as u64, result["voxels"].as_u64().unwrap(), "{place}");
            let mut confidences: Vec<f64> = candidates
                .confidences()
                .iter()
                .map(|c| f64::from(*c))
                .collect();
            confidences.sort_by(f64::total_cmp);
            let theirs = numbers(&result["confidences"]);
            assert_eq!(confidences.len(), theirs.len(), "{place}");
            let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            assert!(
                confidences.iter().zip(&theirs).all(close),
                "{place}: {confidences:?} {theirs:?}"
            );
            for name in ["iou0.1", "dice0.2", "strict"] {
                let case = criterion(name)
                    .judge(&candidates, &labels, &Target::of_value(1))
                    .unwrap();
                let theirs = &result[name];
                let confidence = theirs["confidence"].as_f64().unwrap();
                assert!(
                    (case.confidence - confidence).abs() < 1e-12,
                    "{place} {name}"
                );
                let rows: Vec<Vec<f64>> = theirs["lesions"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(numbers)
                    .collect();
                let ours = listed(&case);
                assert_eq!(ours.len(), rows.len(), "{place} {name}");
                for (ours, theirs) in ours.iter().zip(&rows) {
                    let close = ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-12);
                    assert!(close, "{place} {name}: {ours:?} {theirs:?}");
                    compared += 1;
                }
                if name == "iou0.1" {
                    judged.entry(threshold.clone()).or_default().push(case);
                }
            }
        }
    }
    assert!(
        compared > 200,
        "only {compared} lesions and candidates were compared"
    );
    for (threshold, theirs) in stored["curves"].as_object().unwrap() {
        let curves = DetectionCurves::of(&judged[threshold]).unwrap();
        let number = |key: &str| theirs[key].as_f64().unwrap();
        assert_eq!(curves.lesions as f64, number("lesions"));
        for (name, ours) in [
            ("AP", curves.average_precision),
            ("auroc", curves.auroc),
            ("score", curves.picai_score()),
        ] {
            assert!(
                (ours.unwrap() - number(name)).abs() < 1e-12,
                "{threshold} {name}: {ours:?} {}",
                number(name)
            );
        }
        for (rate, sensitivity) in theirs["sensitivity_at"].as_object().unwrap() {
            let ours = curves.sensitivity_at(rate.parse().unwrap()).unwrap();
            // The peer divides in single precision.
            assert!(
                (ours - sensitivity.as_f64().unwrap()).abs() < 1e-6,
                "{threshold} at {rate}"
            );
        }
    }
    for case in stored["roc"].as_array().unwrap() {
        let positive: Vec<bool> = whole(&case["positive"]).iter().map(|v| *v == 1).collect();
        let ours = area_under_roc(&numbers(&case["scores"]), &positive).unwrap();
        assert!((ours - case["auroc"].as_f64().unwrap()).abs() < 1e-12);
    }
}

fn line(values: &[f32]) -> Volume<f32> {
    let grid = Geometry::axis_aligned([values.len(), 1, 1], [1.0; 3]).unwrap();
    Volume::new(grid, 1, values.to_vec()).unwrap()
}

#[test]
fn maps_that_are_none_are_refused_by_name() {
    let all = CandidateOptions::default().with_too_small(0);
    for bad in [f32::NAN, -0.1, 1.5, f32::INFINITY] {
        let message = Candidates::extract(&line(&[0.2, bad]), 0, &all)
            .unwrap_err()
            .to_string();
        assert!(message.contains("not logits"), "{message}");
    }
    let message = Candidates::extract(&line(&[0.2]), 3, &all)
        .unwrap_err()
        .to_string();
    assert!(message.contains("channel 3"), "{message}");
    for bad in [
        CandidateThreshold::Fixed(0.0),
        CandidateThreshold::OfLargest(0.5),
        CandidateThreshold::OfEach(f32::NAN),
    ] {
        let refused = Candidates::extract(&line(&[0.2]), 0, &all.with_threshold(bad));
        assert!(matches!(refused, Err(Error::BadOption { .. })), "{bad:?}");
    }
    let message = Candidates::of_detection_map(&line(&[0.2, 0.3]))
        .unwrap_err()
        .to_string();
    assert!(message.contains("extract candidates"), "{message}");
    assert!(Candidates::of_detection_map(&line(&[0.2, f32::NAN])).is_err());
    let two = Candidates::of_detection_map(&line(&[0.2, 0.0, 4.0])).unwrap();
    assert_eq!(two.confidences(), [0.2, 4.0]);
}

#[test]
fn empty_maps_have_no_candidates_and_empty_sets_no_curve() {
    for threshold in ["dynamic-fast", "dynamic-v2", "0.1"] {
        let none = Candidates::extract(&line(&[0.0; 5]), 0, &options(threshold).with_too_small(0))
            .unwrap();
        assert!(none.confidences().is_empty(), "{threshold}");
        let grid = *none.map().geometry();
        let healthy = LabelMap::<u8>::background(grid);
        let case = HitCriterion::default()
            .judge(&none, &healthy, &Target::of_value(1))
            .unwrap();
        assert_eq!((case.lesions.len(), case.confidence), (0, 0.0));
        let curves = DetectionCurves::of(&[case]).unwrap();
        assert_eq!(
            (curves.average_precision, curves.auroc, curves.froc_score()),
            (None, None, None)
        );
        let full = LabelMap::<u8>::from_fn(grid, |_| 1);
        let case = HitCriterion::default()
            .judge(&none, &full, &Target::of_value(1))
            .unwrap();
        assert_eq!(case.lesions[0].truth, LesionTruth::Missed);
        let curves = DetectionCurves::of(&[case]).unwrap();
        assert_eq!(
            (curves.average_precision, curves.sensitivity_at(1.0)),
            (Some(0.0), Some(0.0))
        );
    }
    assert!(DetectionCurves::of(&[]).is_err());
    let candidates =
        Candidates::extract(&line(&[0.5]), 0, &options("0.1").with_too_small(0)).unwrap();
    let other = LabelMap::<u8>::background(Geometry::axis_aligned([2, 1, 1], [1.0; 3]).unwrap());
    assert!(
        HitCriterion::default()
            .judge(&candidates, &other, &Target::of_value(1))
            .is_err()
    );
    let strange = HitCriterion::default().with_score(MatchScore::Iou, 0.0);
    let same = LabelMap::<u8>::background(*candidates.map().geometry());
    assert!(
        strange
            .judge(&candidates, &same, &Target::of_value(1))
            .is_err()
    );
}

#[test]
fn small_pieces_of_high_probability_do_not_stop_the_search() {
    let mut values = vec![0.0; 30];
    values[0] = 0.9;
    values[10..25].fill(0.5);
    let found =
        Candidates::extract(&line(&values), 0, &options("dynamic-v2").with_too_small(5)).unwrap();
    assert_eq!(found.confidences(), [0.5]);
    // A divisor of 1 takes the largest value alone, which is never above itself.
    let flat = CandidateOptions::default()
        .with_threshold(CandidateThreshold::OfEach(1.0))
        .with_too_small(5);
    assert_eq!(
        Candidates::extract(&line(&values), 0, &flat)
            .unwrap()
            .confidences(),
        [0.5]
    );
}
