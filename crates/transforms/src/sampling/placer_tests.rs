//! Where patches lie: counted over many draws.

use super::*;
use crate::{ForcedForeground, PositiveNegative, Stream, keyed};
use vesalius_volume::Geometry;

fn scheme() -> LabelScheme {
    LabelScheme::exclusive(&[("organ", 100), ("tumour", 201)]).unwrap()
}

fn placer(size: [i64; 3], sampling: PatchSampling) -> PatchPlacer {
    let patch = PatchConfig {
        size,
        sampling,
        slice_axis: None,
    };
    PatchPlacer::new(&patch, &scheme()).unwrap()
}

fn classes(weights: &[f64]) -> PatchSampling {
    PatchSampling::Classes(ClassRatios {
        classes: weights.to_vec(),
    })
}

fn start(placed: &Placed) -> [i64; 3] {
    let GridStep::Region { start, .. } = placed.steps[0] else {
        panic!("a patch is a region")
    };
    start
}

/// A corner of label 100.
fn corner() -> LabelMap {
    let g = Geometry::axis_aligned([12, 9, 7], [1.0; 3]).unwrap();
    LabelMap::from_fn(g, |[x, y, z]| 100 * u16::from(x > 8 && y < 3 && z > 4))
}

/// One voxel of 201, a quarter of 100, the rest background.
fn rare() -> LabelMap {
    let g = Geometry::axis_aligned([20, 20, 20], [1.0; 3]).unwrap();
    LabelMap::from_fn(g, |[x, y, z]| match [x, y, z] {
        [10, 10, 10] => 201,
        [x, _, _] if x < 5 => 100,
        _ => 0,
    })
}

/// Of 1,000 patches of one voxel, the share whose voxel has each of these labels.
fn shares<const N: usize>(placer: &PatchPlacer, labels: &LabelMap, of: [u16; N]) -> [f64; N] {
    let index = LabelIndex::of(labels, None);
    let mut counts = [0; N];
    for draw in 0..1000 {
        let case = SampledCase::new("", labels.geometry(), &index);
        let placed = placer.sample(&case, &mut keyed(5, draw, Stream::Patch));
        let placed = placed.unwrap();
        let at = start(&placed).map(|i| i as usize);
        let label = labels.data()[labels.geometry().offset(at)];
        for (count, of) in counts.iter_mut().zip(of) {
            *count += u32::from(label == of);
        }
    }
    counts.map(|count| f64::from(count) / 1000.0)
}

fn near(found: &[f64], expected: &[f64]) {
    let close = found
        .iter()
        .zip(expected)
        .all(|(a, b)| (a - b).abs() < 0.05);
    assert!(
        close && found.len() == expected.len(),
        "{found:?} for {expected:?}"
    );
}

#[test]
fn patches_stay_inside_and_large_ones_are_centred() {
    let labels = corner();
    let index = LabelIndex::of(&labels, None);
    let weights = PatchSampling::PositiveNegative(PositiveNegative {
        positive: 1.0,
        negative: 1.0,
    });
    for sampling in [PatchSampling::Random, weights] {
        let placer = placer([5, -1, 10], sampling);
        for draw in 0..200 {
            let mut rng = keyed(0, draw, Stream::Patch);
            let s = start(
                &placer
                    .sample(&SampledCase::new("", labels.geometry(), &index), &mut rng)
                    .unwrap(),
            );
            assert!((0..=7).contains(&s[0]) && s[1] == 0 && s[2] == -1, "{s:?}");
        }
    }
}

#[test]
fn positive_patches_hold_a_labelled_voxel() {
    let labels = corner();
    let index = LabelIndex::of(&labels, None);
    let positive = PatchSampling::PositiveNegative(PositiveNegative {
        positive: 1.0,
        negative: 0.0,
    });
    let placer = placer([4, 4, 4], positive);
    for draw in 0..100 {
        let mut rng = keyed(3, draw, Stream::Patch);
        let s = start(
            &placer
                .sample(&SampledCase::new("", labels.geometry(), &index), &mut rng)
                .unwrap(),
        );
        assert!(s[0] + 4 > 9 && s[1] < 3 && s[2] + 4 > 5, "{s:?}");
    }
}

#[test]
fn weights_go_by_the_schemes_classes_not_by_label_values() {
    let labels = rare();
    let of = [0, 100, 201];
    let share = |weights: &[f64]| shares(&placer([1; 3], classes(weights)), &labels, of);
    assert_eq!(share(&[0.0, 0.0, 1.0]), [0.0, 0.0, 1.0]);
    assert_eq!(share(&[0.0, 2.0, 0.0]), [0.0, 1.0, 0.0]);
    assert_eq!(share(&[1.0, 0.0, 0.0]), [1.0, 0.0, 0.0]);
    near(&share(&[1.0, 1.0, 2.0]), &[0.25, 0.25, 0.5]);
    let forced = PatchSampling::Foreground(ForcedForeground { foreground: 1.0 });
    near(
        &shares(&placer([1; 3], forced), &labels, of),
        &[0.0, 0.5, 0.5],
    );
}

#[test]
fn the_order_of_weights_is_the_schemes_not_that_of_values() {
    let scheme = LabelScheme::exclusive(&[("late", 201), ("early", 100)]).unwrap();
    assert_eq!(scheme.channel_names(), ["background", "late", "early"]);
    let patch = PatchConfig {
        size: [1; 3],
        sampling: classes(&[0.0, 1.0, 0.0]),
        slice_axis: None,
    };
    let placer = PatchPlacer::new(&patch, &scheme).unwrap();
    assert_eq!(shares(&placer, &rare(), [201]), [1.0]);
}

#[test]
fn regions_are_weighed_as_regions_with_or_without_the_background() {
    let scheme = LabelScheme::regions(&[("whole", &[100, 201], 100), ("core", &[201], 201)]);
    let scheme = scheme.unwrap();
    let patch = |weights: &[f64]| PatchConfig {
        size: [1; 3],
        sampling: classes(weights),
        slice_axis: None,
    };
    let share = |weights: &[f64]| {
        let placer = PatchPlacer::new(&patch(weights), &scheme).unwrap();
        shares(&placer, &rare(), [0, 100, 201])
    };
    assert_eq!(share(&[0.0, 1.0]), [0.0, 0.0, 1.0]);
    // Each voxel of the region as likely: 2,000 of 100 to one of 201.
    near(&share(&[1.0, 0.0]), &[0.0, 1.0, 0.0]);
    near(&share(&[1.0, 1.0]), &[0.0, 0.5, 0.5]);
    near(&share(&[2.0, 1.0, 1.0]), &[0.5, 0.25, 0.25]);
    for wrong in [&[1.0][..], &[1.0; 4]] {
        let text = PatchPlacer::new(&patch(wrong), &scheme)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("core (201)") && text.contains("2 weights"),
            "{text}"
        );
    }
}

#[test]
fn a_wrong_number_of_weights_names_the_classes_in_their_order() {
    for wrong in [&[0.0, 1.0][..], &[1.0; 4]] {
        let patch = PatchConfig {
            size: [1; 3],
            sampling: classes(wrong),
            slice_axis: None,
        };
        let text = PatchPlacer::new(&patch, &scheme()).unwrap_err().to_string();
        let named = "background (0), organ (100), tumour (201)";
        assert!(text.contains(named) && text.contains("3 weights"), "{text}");
    }
}

#[test]
fn classes_that_a_case_lacks_leave_their_share_to_the_others_and_are_told() {
    let labels = corner();
    let index = LabelIndex::of(&labels, None);
    let sample = |placer: &PatchPlacer, draw| {
        let case = SampledCase::new("", labels.geometry(), &index);
        let placed = placer.sample(&case, &mut keyed(1, draw, Stream::Patch));
        placed.unwrap()
    };
    let both = placer([1; 3], classes(&[1.0, 1.0, 8.0]));
    near(&shares(&both, &labels, [0, 100]), &[0.5, 0.5]);
    assert_eq!(sample(&both, 0).absent, ["tumour"]);
    // No class with a weight occurs: the place is anywhere, and the classes are reported.
    let none = placer([1; 3], classes(&[0.0, 0.0, 1.0]));
    assert_eq!(sample(&none, 0).absent, ["tumour"]);
    let [background] = shares(&none, &labels, [0]);
    assert!(background > 0.9, "{background}");
    // Weights of 0 require nothing.
    assert!(
        sample(&placer([1; 3], classes(&[1.0, 1.0, 0.0])), 0)
            .absent
            .is_empty()
    );
}

#[test]
fn of_foreground_and_background_the_other_is_taken_where_one_is_missing() {
    let g = Geometry::axis_aligned([6, 6, 6], [1.0; 3]).unwrap();
    let (empty, full) = (LabelMap::background(g), LabelMap::from_fn(g, |_| 100));
    for (labels, positive, lacking) in [(empty, 1.0, LABELLED), (full, 0.0, BACKGROUND)] {
        let placer = placer(
            [3; 3],
            PatchSampling::PositiveNegative(PositiveNegative {
                positive,
                negative: 1.0 - positive,
            }),
        );
        let index = LabelIndex::of(&labels, None);
        let placed = placer
            .sample(
                &SampledCase::new("", &g, &index),
                &mut keyed(1, 1, Stream::Patch),
            )
            .unwrap();
        assert_eq!(placed.absent, [lacking]);
    }
    let forced = placer(
        [3; 3],
        PatchSampling::Foreground(ForcedForeground { foreground: 1.0 }),
    );
    let index = LabelIndex::of(&LabelMap::background(g), None);
    let placed = forced
        .sample(
            &SampledCase::new("", &g, &index),
            &mut keyed(1, 1, Stream::Patch),
        )
        .unwrap();
    assert_eq!(placed.absent, [LABELLED]);
}

#[test]
fn without_a_scheme_weights_go_by_value_and_a_label_without_weight_is_refused() {
    let patch = |weights: &[f64]| PatchConfig {
        size: [1; 3],
        sampling: classes(weights),
        slice_axis: None,
    };
    let text = PatchPlacer::without_scheme(&patch(&[0.0, 0.0, 1.0]), &rare());
    let text = text.unwrap_err().to_string();
    assert!(
        text.contains("from 0 to 201") && text.contains("3 weights"),
        "{text}"
    );
    let g = Geometry::axis_aligned([8, 8, 8], [1.0; 3]).unwrap();
    let labels = LabelMap::from_fn(g, |[x, ..]| x as u16 % 3);
    let placer = PatchPlacer::without_scheme(&patch(&[0.0, 0.0, 1.0]), &labels).unwrap();
    assert_eq!(shares(&placer, &labels, [2]), [1.0]);
}
