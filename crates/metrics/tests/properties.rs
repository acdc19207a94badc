//! What must hold for any two masks, on any grid.

use proptest::prelude::*;
use vesalius_metrics::{BoundaryIou, Evaluator, Hausdorff, Measure, Outcome, Target, Targets};
use vesalius_volume::{Affine, Geometry, LabelMap};

/// Every measure, and those conventions that are not the default.
fn measures() -> Vec<Measure> {
    let named = Measure::NAMES
        .iter()
        .map(|name| Measure::named(name, 1.5).unwrap());
    let others = [
        Measure::Hausdorff(Hausdorff::medpy(50.0)),
        Measure::BoundaryIou(BoundaryIou { distance: 2.0 }),
    ];
    named.chain(others).collect()
}

/// Blobs of labels 1 to `labels` on an oblique grid.
fn blobs(size: [usize; 3], centres: &[[f64; 3]], labels: u16) -> LabelMap<u16> {
    let (c, s) = (0.4f64.cos(), 0.4f64.sin());
    let linear = [
        [0.8 * c, -1.1 * s, 0.0],
        [0.8 * s, 1.1 * c, 0.0],
        [0.0, 0.0, 2.3],
    ];
    let grid = Geometry::new(size, Affine::from_linear(linear, [1.0, 2.0, 3.0]).unwrap()).unwrap();
    LabelMap::from_fn(grid, |at| {
        let near = |centre: &[f64; 3]| {
            let d = |i: usize| at[i] as f64 - centre[i] * size[i] as f64;
            d(0).powi(2) + d(1).powi(2) + d(2).powi(2) < 9.0
        };
        centres
            .iter()
            .rposition(near)
            .map_or(0, |i| i as u16 % labels + 1)
    })
}

fn score(
    measures: Vec<Measure>,
    targets: Targets,
    r: &LabelMap,
    p: &LabelMap,
) -> Vec<(String, Vec<Outcome>)> {
    let evaluator = Evaluator { targets, measures };
    let case = evaluator.case("a", r, p).unwrap();
    let keys = case.targets.list().iter().map(|t| t.key.clone());
    keys.zip(
        case.scores
            .iter()
            .map(|row| row.iter().map(|s| s.outcome).collect()),
    )
    .collect()
}

fn close(a: Outcome, b: Outcome) -> bool {
    match (a, b) {
        (Outcome::Value(a), Outcome::Value(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_thing_agrees_with_itself(
        size in [8usize..30, 8usize..24, 1usize..12],
        centres in proptest::collection::vec([0.1f64..0.9, 0.1f64..0.9, 0.1f64..0.9], 1..4),
    ) {
        let map = blobs(size, &centres, 1);
        let measures = measures();
        let scores = &score(measures.clone(), Targets::of_values(&[1]).unwrap(), &map, &map)[0].1;
        for (measure, outcome) in measures.iter().zip(scores) {
            let best = match measure.better() {
                vesalius_metrics::Better::Higher => 1.0,
                _ => 0.0,
            };
            prop_assert_eq!(*outcome, Outcome::Value(best), "{}", measure.key());
        }
    }

    #[test]
    fn which_is_the_reference_makes_no_difference_to_symmetric_measures(
        size in [8usize..30, 8usize..24, 1usize..12],
        a in proptest::collection::vec([0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0], 1..4),
        b in proptest::collection::vec([0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0], 1..4),
    ) {
        let symmetric: Vec<Measure> = measures()
            .into_iter()
            .filter(|m| {
                let key = m.key();
                let one_sided = ["precision", "recall", "sensitivity", "ppv", "from_", "merge", "difference",
                    "specificity", "false_lesions", "lesion_dice", "lesion_hd95", "component_dice"];
                key != "asd" && !one_sided.iter().any(|word| key.contains(word))
            })
            .collect();
        let (a, b) = (blobs(size, &a, 1), blobs(size, &b, 1));
        let target = || Targets::of_values(&[1]).unwrap();
        let there = &score(symmetric.clone(), target(), &a, &b)[0].1;
        let back = &score(symmetric.clone(), target(), &b, &a)[0].1;
        for ((measure, x), y) in symmetric.iter().zip(there).zip(back) {
            prop_assert!(close(*x, *y), "{}: {x:?} {y:?}", measure.key());
        }
    }

}

proptest! {
    // Each case scores eight times as much as the others.
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn many_targets_at_once_are_each_as_if_alone(
        size in [8usize..40, 8usize..24, 2usize..12],
        a in proptest::collection::vec([0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0], 4..9),
        b in proptest::collection::vec([0.0f64..1.0, 0.0f64..1.0, 0.0f64..1.0], 4..9),
    ) {
        let (a, b) = (blobs(size, &a, 6), blobs(size, &b, 6));
        let mut list = Targets::of_values(&[1, 2, 3, 4, 5, 6]).unwrap().list().to_vec();
        list.push(Target { key: "some".into(), name: "some".into(), labels: vec![2, 5, 6] });
        let all = score(measures(), Targets::new(list.clone(), None).unwrap(), &a, &b);
        for (target, (key, together)) in list.iter().zip(&all) {
            prop_assert_eq!(&target.key, key);
            let alone = score(measures(), Targets::new(vec![target.clone()], None).unwrap(), &a, &b);
            for ((measure, x), y) in measures().iter().zip(together).zip(&alone[0].1) {
                prop_assert!(close(*x, *y), "{} of {key}: {x:?} {y:?}", measure.key());
            }
        }
    }
}

#[test]
fn ignored_voxels_are_background_to_surfaces_too() {
    let grid = Geometry::axis_aligned([20, 20, 10], [1.0; 3]).unwrap();
    let reference = LabelMap::from_fn(grid, |[x, y, z]| match (x, y, z) {
        (5..10, 5..10, 3..7) => 1u16,
        (12.., _, _) => 9,
        _ => 0,
    });
    let prediction = LabelMap::from_fn(grid, |[x, y, z]| match (x, y, z) {
        (5..10, 5..10, 3..7) | (15..18, 15..18, 3..6) => 1u16,
        _ => 0,
    });
    let list = Targets::of_values(&[1]).unwrap().list().to_vec();
    let targets = Targets::new(list, Some(9)).unwrap();
    for (measure, outcome) in measures()
        .iter()
        .zip(&score(measures(), targets, &reference, &prediction)[0].1)
    {
        let best = if measure.better() == vesalius_metrics::Better::Higher {
            1.0
        } else {
            0.0
        };
        assert_eq!(*outcome, Outcome::Value(best), "{}", measure.key());
    }
}
