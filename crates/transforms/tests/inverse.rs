//! The inverse of any chain brings a prediction back to the file's grid: voxel for voxel where the moves
//! were exact, and close where values between voxels were needed.

use proptest::prelude::*;
use vesalius_transforms::{Chain, LabelSampling};
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

fn subject(size: [usize; 3]) -> Subject {
    let direction = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];
    let geometry =
        Geometry::from_parts(size, [1.0, 1.5, 2.0], [3.0, -4.0, 5.0], direction).unwrap();
    let image = Volume::from_fn(geometry, |[x, y, z]| (x + 20 * y + 400 * z) as f32 + 1.0);
    // A label a voxel, so that any mistake of place shows.
    let labels = LabelMap::from_fn(geometry, |i| (geometry.offset(i) % 60_000) as u16 + 1);
    Subject::new("made", image, Some(labels)).unwrap()
}

fn exact() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["RAS", "LPS", "SAR", "PIR"])
            .prop_map(|o| format!("- orient: {{to: {o}}}")),
        Just("- flip: {probability: 0.7}".to_owned()),
        Just("- rotate90: {probability: 0.8, plane: [x, y]}".to_owned()),
        Just("- rotate90: {probability: 0.8, plane: [z, y]}".to_owned()),
        (1i64..9, 1i64..9).prop_map(|(a, b)| format!("- crop_centre: {{size: [{a}, -1, {b}]}}")),
        (1i64..14, 1i64..14).prop_map(|(a, b)| format!("- patch: {{size: [{a}, {b}, -1]}}")),
        // Not `edge`: it copies labels to places that are not theirs, which `held` below would count.
        (1usize..16).prop_map(|n| format!("- pad: {{size: [{n}, 5, {n}], mode: constant}}")),
        Just("- pad: {divisible_by: [4, 4, 4], mode: constant}".to_owned()),
        Just("- crop_foreground: {above: 200}".to_owned()),
        Just("- gamma: {probability: 0.5}".to_owned()),
    ]
}

fn smooth() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("- spacing: {to: [0.9, 1.1, 1.2]}".to_owned()),
        Just("- affine: {rotate: [15, 15, 15], shift: [1, 1, 1]}".to_owned()),
        Just(
            "- elastic: {control_points: [6, 6, 6], displacement: [2, 2, 2], probability: 1}"
                .to_owned()
        ),
        Just("- grid_distortion: {probability: 1, limit: 0.1}".to_owned()),
        Just("- zoom: {probability: 1, factor: [0.9, 1.2]}".to_owned()),
        Just("- flip: {probability: 0.7}".to_owned()),
        Just("- orient: {to: SAR}".to_owned()),
        Just("- pad: {divisible_by: [8, 8, 8]}".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn exact_chains_come_back_voxel_for_voxel(
        parts in prop::collection::vec(exact(), 1..7), draw in 0u64..1000
    ) {
        let chain: Chain = serde_saphyr::from_str(&parts.join("\n")).unwrap();
        let before = subject([9, 8, 7]);
        let (after, trace) = chain.trace(before.clone(), 1, draw).unwrap();
        prop_assert_eq!(trace.interpolations, 0);
        let seen = after.labels().unwrap();
        let back = trace.invert_labels(seen, LabelSampling::Nearest).unwrap();
        prop_assert_eq!(back.geometry(), before.geometry());
        let held: std::collections::BTreeSet<u16> = seen.data().iter().copied().collect();
        for (found, label) in back.data().iter().zip(before.labels().unwrap().data()) {
            // What was cut away is background; all else is where it was.
            prop_assert_eq!(*found, if held.contains(label) { *label } else { 0 });
        }
        // Through a file and back, a trace is the same.
        let text = serde_json::to_string(&trace).unwrap();
        prop_assert_eq!(serde_json::from_str::<vesalius_transforms::Trace>(&text).unwrap().steps, trace.steps);
    }

    #[test]
    fn smooth_chains_come_back_nearly(parts in prop::collection::vec(smooth(), 1..5), draw in 0u64..1000) {
        let chain: Chain = serde_saphyr::from_str(&parts.join("\n")).unwrap();
        let size = [40, 30, 24];
        let geometry = *subject(size).geometry();
        let ball = |[x, y, z]: [usize; 3]| {
            let d = |v: usize, n: usize, mm: f64| ((v as f64 - (n as f64 - 1.0) / 2.0) * mm).powi(2);
            d(x, size[0], 1.0) + d(y, size[1], 1.5) + d(z, size[2], 2.0) < 14.0f64.powi(2)
        };
        let labels = LabelMap::from_fn(geometry, |i| u16::from(ball(i)));
        let before = Subject::new("ball", subject(size).image().clone(), Some(labels)).unwrap();
        let (after, trace) = chain.trace(before.clone(), 2, draw).unwrap();
        let back = trace.invert_labels(after.labels().unwrap(), LabelSampling::Linear).unwrap();
        prop_assert_eq!(back.geometry(), before.geometry());
        let (a, b) = (back.data(), before.labels().unwrap().data());
        let both = a.iter().zip(b).filter(|(a, b)| **a == 1 && **b == 1).count();
        let sum = a.iter().chain(b).filter(|l| **l == 1).count();
        let dice = 2.0 * both as f64 / sum as f64;
        prop_assert!(dice > 0.9, "{}: Dice {dice}", parts.join(" "));
    }
}

#[test]
fn a_prediction_on_another_grid_is_refused() {
    let chain: Chain = serde_saphyr::from_str("- crop_centre: {size: [4, 4, 4]}").unwrap();
    let before = subject([9, 8, 7]);
    let (_, trace) = chain.trace(before.clone(), 1, 1).unwrap();
    let error = trace
        .invert_labels(before.labels().unwrap(), LabelSampling::Nearest)
        .unwrap_err();
    assert!(error.to_string().contains("prediction"), "{error}");
}
