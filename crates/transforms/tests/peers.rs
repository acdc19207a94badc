//! Every transform that a reference implementation has, against the numbers that it printed: MONAI and
//! batchgeneratorsv2, given the same sampled parameters.

use serde_json::Value;
use vesalius_transforms::{Chain, CutMixStep, MixUpStep, Step, Trace, Transform};
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

const SIZE: [usize; 3] = [7, 6, 5];

fn numbers(value: &Value) -> Vec<f32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap() as f32)
        .collect()
}

fn subject(data: &Value, case: &Value) -> Subject {
    let geometry = Geometry::axis_aligned(SIZE, [1.0; 3]).unwrap();
    let image = numbers(&data["images"][case["image"].as_u64().unwrap() as usize]);
    let channels = image.len() / geometry.voxel_count();
    let labels = case
        .get("labels")
        .map(|l| LabelMap::new(geometry, numbers(l).iter().map(|v| *v as u16).collect()).unwrap());
    Subject::new(
        "made",
        Volume::new(geometry, channels, image).unwrap(),
        labels,
    )
    .unwrap()
}

fn apply(case: &Value, before: Subject) -> (Subject, usize) {
    if let Some(transform) = case.get("transform") {
        let transform: Transform = serde_json::from_value(transform.clone()).unwrap();
        let (after, trace) = Chain(vec![transform]).trace(before, 0, 0).unwrap();
        return (after, trace.interpolations);
    }
    let steps: Vec<Step> = serde_json::from_value(case["steps"].clone()).unwrap();
    let from = *before.geometry();
    let trace = Trace {
        from,
        to: from,
        steps,
        interpolations: 0,
    };
    (trace.replay(before).unwrap(), 1)
}

/// Voxels whose label may differ: single precision decides where a place is as near to two voxels.
fn tolerated_labels(name: &str) -> usize {
    usize::from(name.contains("affine") || name.contains("elastic"))
}

#[test]
fn every_case_agrees_with_its_peer() {
    let data: Value = serde_json::from_str(include_str!("data/peers.json")).unwrap();
    let cases = data["cases"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let (after, _) = apply(case, subject(&data, case));
        let expected = numbers(&case["expected"]);
        let size: [usize; 3] = serde_json::from_value(case["size"].clone()).unwrap();
        if after.geometry().size() != size || after.image().data().len() != expected.len() {
            wrong.push(format!(
                "{name}: size {:?} and {size:?}",
                after.geometry().size()
            ));
            continue;
        }
        let scale = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let pairs = after.image().data().iter().zip(&expected);
        let error = pairs.fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / scale;
        println!("{name}\t{}\t{error:.1e}", case["peer"].as_str().unwrap());
        if error.is_nan() || error > 5e-6 {
            wrong.push(format!("{name}: {error:.2e} of the largest value"));
        }
        if let Some(expected) = case.get("expected_labels") {
            let found = after.labels().unwrap().data().iter();
            let differ = found
                .zip(numbers(expected))
                .filter(|(a, b)| f32::from(**a) != *b)
                .count();
            println!(
                "{name}: {differ} of {} labels differ",
                after.geometry().voxel_count()
            );
            if differ > tolerated_labels(name) {
                wrong.push(format!("{name}: {differ} labels differ"));
            }
        }
    }
    assert!(
        wrong.is_empty() && cases.len() >= 45,
        "{} cases\n{}",
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn batches_are_mixed_as_monai_mixes_them() {
    let data: Value = serde_json::from_str(include_str!("data/batches.json")).unwrap();
    for case in data["cases"].as_array().unwrap() {
        let weights = numbers(&case["weights"]);
        let partners = serde_json::from_value(case["partners"].clone()).unwrap();
        let mut batch = numbers(&case["batch"]);
        if case["name"] == "mix_up" {
            MixUpStep { weights, partners }.apply(&mut batch).unwrap();
        } else {
            let start = serde_json::from_value(case["start"].clone()).unwrap();
            CutMixStep {
                weights,
                partners,
                start,
                size: SIZE,
            }
            .apply(&mut batch)
            .unwrap();
        }
        for (a, b) in batch.iter().zip(numbers(&case["expected"])) {
            assert!((a - b).abs() < 1e-6, "{}: {a} and {b}", case["name"]);
        }
    }
    let step = MixUpStep {
        weights: vec![0.5; 2],
        partners: vec![1, 0],
    };
    assert!(
        step.apply(&mut [0.0; 5])
            .unwrap_err()
            .to_string()
            .contains("5 values")
    );
}
