//! Consensus of raters against SimpleITK on made label maps (`tests/parity/raters.py`, with versions), and what is
//! refused.

use serde_json::Value;
use vesalius_control::Control;
use vesalius_metrics::{
    Consensus, Error, Outcome, Staple, StapleOptions, Target, Undecided, energy_distance, majority,
    majority_with, raters_against_the_rest,
};
use vesalius_volume::{Geometry, LabelMap};

fn stored() -> Value {
    serde_json::from_str(include_str!("data/raters.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

/// The raters of a case, as the script makes them.
fn made(case: &Value) -> Vec<LabelMap<u8>> {
    let size: [usize; 3] = std::array::from_fn(|i| case["size"][i].as_u64().unwrap() as usize);
    let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
    let raters = case["raters"].as_array().unwrap().iter().enumerate();
    raters
        .map(|(which, rater)| {
            let r: Vec<i64> = rater
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_i64().unwrap())
                .collect();
            let (radius, noise) = (r[3], r[4] as u64);
            LabelMap::from_fn(grid, |at| {
                let d: i64 = (0..3).map(|i| (at[i] as i64 - r[i]).pow(2)).sum();
                let inside = d <= radius * radius;
                let label = u8::from(inside) * (1 + u8::from(at[0] as i64 > r[0]));
                let [x, y, z] = at.map(|v| v as u64);
                let h = (x * 73_856_093)
                    ^ (y * 19_349_663)
                    ^ (z * 83_492_791)
                    ^ ((which as u64 + 1) * 2_654_435_761);
                let h = (((h & 0xFFFF_FFFF) * 2_246_822_519) & 0xFFFF_FFFF) >> 7;
                if noise > 0 && h.is_multiple_of(noise) {
                    (h / noise % 3) as u8
                } else {
                    label
                }
            })
        })
        .collect()
}

fn weighted(map: impl Iterator<Item = f64>, grid: &Geometry) -> f64 {
    map.enumerate()
        .map(|(offset, value)| {
            let [x, y, z] = grid.index(offset);
            value * (x + 31 * y + 977 * z) as f64
        })
        .sum()
}

#[test]
fn staple_votes_and_energies_are_the_peers() {
    for case in stored()["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let maps = made(case);
        for (map, counts) in maps.iter().zip(case["counts"].as_array().unwrap()) {
            let ours: Vec<f64> = (0..3)
                .map(|label| map.counts().get(&label).copied().unwrap_or(0) as f64)
                .collect();
            assert_eq!(ours, numbers(counts), "{name}: the made labels themselves");
        }
        let raters: Vec<&LabelMap<u8>> = maps.iter().collect();
        let grid = maps[0].geometry();
        for (key, theirs) in case["staple"].as_object().unwrap() {
            let (label, weight) = key.split_once(':').unwrap();
            let options = StapleOptions::default().with_confidence(weight.parse().unwrap());
            let found =
                Staple::of(&raters, &Target::of_value(label.parse().unwrap()), &options).unwrap();
            let close = |ours: &[f64], theirs: Vec<f64>| {
                ours.iter()
                    .zip(theirs)
                    .for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{name} {key}: {a} {b}"));
            };
            close(&found.sensitivity, numbers(&theirs["sensitivity"]));
            close(&found.specificity, numbers(&theirs["specificity"]));
            // ITK counts from 0.
            assert_eq!(
                found.iterations as u64,
                theirs["iterations"].as_u64().unwrap() + 1,
                "{name} {key}"
            );
            let probability = found.probability.data();
            let (sum, places) = (
                theirs["sum"].as_f64().unwrap(),
                theirs["places"].as_f64().unwrap(),
            );
            let ours = probability.iter().sum::<f64>();
            assert!(
                (ours - sum).abs() < 1e-6 * sum.max(1.0),
                "{name} {key}: {ours} {sum}"
            );
            let ours = weighted(probability.iter().copied(), grid);
            assert!(
                (ours - places).abs() < 1e-6 * places.max(1.0),
                "{name} {key}: {ours} {places}"
            );
            let above = found.mask().data().iter().filter(|v| **v == 1).count();
            assert_eq!(
                above as u64,
                theirs["above"].as_u64().unwrap(),
                "{name} {key}"
            );
        }
        let vote = majority(&raters, Undecided::Label(9)).unwrap();
        let counts: Vec<f64> = (0..10)
            .map(|label| vote.counts().get(&label).copied().unwrap_or(0) as f64)
            .collect();
        assert_eq!(counts, numbers(&case["vote"]["counts"]), "{name}");
        let places = weighted(vote.data().iter().map(|v| f64::from(*v)), grid);
        assert_eq!(places, case["vote"]["places"].as_f64().unwrap(), "{name}");
        let samples = [raters[0], raters[raters.len() - 1], raters[1]];
        let energy = energy_distance(&raters, &samples, &Target::of_value(1)).unwrap();
        let ours = [
            energy.between,
            energy.among_raters,
            energy.among_predictions,
        ];
        for (ours, theirs) in ours.iter().zip(numbers(&case["energy"])) {
            assert!((ours - theirs).abs() < 1e-12, "{name}: {ours} {theirs}");
        }
    }
}

fn line(values: &[u8]) -> LabelMap<u8> {
    let grid = Geometry::axis_aligned([values.len(), 1, 1], [1.0; 3]).unwrap();
    LabelMap::new(grid, values.to_vec()).unwrap()
}

#[test]
fn raters_that_leave_nothing_to_estimate_are_refused_by_name() {
    let one = Target::of_value(1);
    let options = StapleOptions::default();
    let (empty, full, some) = (line(&[0; 4]), line(&[1; 4]), line(&[1, 1, 0, 0]));
    for raters in [[&empty, &empty], [&full, &full]] {
        let refused = Staple::of(&raters, &one, &options);
        assert!(
            matches!(refused, Err(Error::NoConsensus { .. })),
            "{refused:?}"
        );
    }
    let agreed = Staple::of(&[&some, &some], &one, &options).unwrap();
    assert_eq!(agreed.mask(), some);
    assert!(matches!(
        Staple::of(&[&some], &one, &options),
        Err(Error::Raters {
            found: 1,
            expected: 2
        })
    ));
    let message = Staple::of(&[&some, &line(&[1, 1, 0])], &one, &options)
        .unwrap_err()
        .to_string();
    assert!(message.contains("rater 1 and rater 2"), "{message}");
    for bad in [f64::NAN, 0.0, -1.0] {
        let refused = Staple::of(&[&some, &some], &one, &options.with_confidence(bad));
        assert!(matches!(refused, Err(Error::BadOption { .. })));
    }
    assert!(Staple::of(&[&some, &some], &one, &options.with_iterations(0)).is_err());
    assert!(matches!(
        majority::<u8>(&[], Undecided::Smallest),
        Err(Error::Raters { .. })
    ));
    assert!(energy_distance(&[&some], &[] as &[&LabelMap<u8>], &one).is_err());
    assert!(energy_distance(&[&some], &[&line(&[1])], &one).is_err());
    let control = Control::new();
    control.cancel();
    assert!(matches!(
        majority_with(&[&some], Undecided::Smallest, &control),
        Err(Error::Cancelled(_))
    ));
    assert!(matches!(
        Staple::of_with(&[&some, &some], &one, &options, &control),
        Err(Error::Cancelled(_))
    ));
}

#[test]
fn ties_and_rests() {
    let (a, b, c) = (
        line(&[0, 1, 2, 2]),
        line(&[1, 1, 1, 2]),
        line(&[2, 0, 3, 2]),
    );
    assert_eq!(
        majority(&[&a, &b, &c], Undecided::Smallest).unwrap().data(),
        [0, 1, 1, 2]
    );
    assert_eq!(majority(&[&a], Undecided::Label(7)).unwrap(), a);
    let raters = [
        &line(&[1, 1, 0, 0]),
        &line(&[1, 1, 0, 0]),
        &line(&[1, 1, 0, 0]),
        &line(&[0, 1, 1, 0]),
    ];
    for consensus in [
        Consensus::Majority,
        Consensus::Staple(StapleOptions::default()),
    ] {
        let rest = raters_against_the_rest(&raters, &Target::of_value(1), consensus).unwrap();
        assert_eq!(rest[0].overlap.dice(), Outcome::Value(1.0), "{consensus:?}");
        assert_eq!(rest[3].overlap.dice(), Outcome::Value(0.5), "{consensus:?}");
    }
    let two = raters_against_the_rest(
        &raters[..2],
        &Target::of_value(1),
        Consensus::Staple(StapleOptions::default()),
    );
    assert!(matches!(
        two,
        Err(Error::Raters {
            found: 2,
            expected: 3
        })
    ));
}

#[test]
fn more_raters_than_bits_of_a_word_are_counted() {
    let maps: Vec<LabelMap<u8>> = (0..70)
        .map(|i| line(&[1, u8::from(i != 3), u8::from(i == 68), 0]))
        .collect();
    let raters: Vec<&LabelMap<u8>> = maps.iter().collect();
    let found = Staple::of(&raters, &Target::of_value(1), &StapleOptions::default()).unwrap();
    assert_eq!(found.mask().data(), [1, 1, 0, 0]);
    assert!(
        found.sensitivity[3] < found.sensitivity[0] && found.specificity[68] < found.specificity[0]
    );
}
