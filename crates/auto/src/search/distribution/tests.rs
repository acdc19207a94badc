//! Values within their bounds, and how often each is drawn.

use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn drawn(distribution: &Distribution, count: usize) -> Vec<f64> {
    distribution.check().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let [start, end] = distribution.line();
    (0..count)
        .map(|_| {
            let place = distribution.draw(&mut rng);
            assert!((start..end).contains(&place));
            distribution.value(place).as_f64().unwrap()
        })
        .collect()
}

#[test]
fn values_keep_to_their_bounds_and_steps() {
    let float = Distribution::Float {
        low: 0.1,
        high: 0.5,
        log: false,
        step: Some(0.2),
    };
    let mut values = drawn(&float, 300);
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert_eq!(values.len(), 3);
    assert!((values[2] - 0.5).abs() < 1e-12);
    let int = Distribution::Int {
        low: 2,
        high: 9,
        log: false,
        step: 3,
    };
    let mut values = drawn(&int, 300);
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert_eq!(values, [2.0, 5.0, 8.0]);
}

#[test]
fn equal_bounds_are_a_constant_as_in_optuna() {
    let float = |log, step| Distribution::Float {
        low: 0.3,
        high: 0.3,
        log,
        step,
    };
    for distribution in [
        float(false, None),
        float(true, None),
        float(false, Some(0.1)),
    ] {
        assert!(drawn(&distribution, 50).iter().all(|v| *v == 0.3));
        assert_eq!(distribution.extremes()[1], Setting::Float(0.3));
    }
    for (log, step) in [(false, 1), (true, 1), (false, 3)] {
        let int = Distribution::Int {
            low: 4,
            high: 4,
            log,
            step,
        };
        assert!(drawn(&int, 50).iter().all(|v| *v == 4.0));
    }
}

#[test]
fn the_extremes_are_both_ends_or_every_choice() {
    let int = Distribution::Int {
        low: 2,
        high: 9,
        log: false,
        step: 3,
    };
    assert_eq!(int.extremes(), [Setting::Int(2), Setting::Int(8)]);
    let log = Distribution::Float {
        low: 0.5,
        high: 2.0,
        log: true,
        step: None,
    };
    assert_eq!(log.extremes(), [Setting::Float(0.5), Setting::Float(2.0)]);
}

#[test]
fn a_logarithm_gives_each_decade_its_share() {
    let float = Distribution::Float {
        low: 1e-4,
        high: 1.0,
        log: true,
        step: None,
    };
    let values = drawn(&float, 4000);
    let low = values.iter().filter(|v| **v < 1e-2).count();
    assert!((1800..2200).contains(&low), "{low}");
    let int = Distribution::Int {
        low: 1,
        high: 1000,
        log: true,
        step: 1,
    };
    let values = drawn(&int, 4000);
    assert!(
        values
            .iter()
            .all(|v| (1.0..=1000.0).contains(v) && v.fract() == 0.0)
    );
    assert!(values.iter().filter(|v| **v <= 31.0).count() > 1800);
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let bad = [
        Distribution::Float {
            low: 1.0,
            high: 0.0,
            log: false,
            step: None,
        },
        Distribution::Float {
            low: 0.0,
            high: 1.0,
            log: true,
            step: None,
        },
        Distribution::Int {
            low: 0,
            high: 4,
            log: false,
            step: 9,
        },
        Distribution::Normal {
            mean: 0.0,
            deviation: 0.0,
            log: false,
            step: None,
        },
        Distribution::Categorical { choices: vec![] },
    ];
    assert!(bad.iter().all(|distribution| distribution.check().is_err()));
}
