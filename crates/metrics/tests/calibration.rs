//! Calibration errors and scores of probabilities against MONAI 1.6 and scikit-learn on made probabilities
//! (`tests/parity/calibration.py`, with versions), and what is refused.

use serde_json::Value;
use vesalius_metrics::{
    BinEdges, Error, ProbabilityKind, ReliabilityOptions, RiskCoverage, Target, probability_errors,
    reliability,
};
use vesalius_volume::{Geometry, LabelMap, Volume};

fn stored() -> Value {
    serde_json::from_str(include_str!("data/calibration.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<Option<f64>> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(Value::as_f64)
        .collect()
}

/// The probabilities and the reference of a case, as the script makes them.
fn made(case: &Value) -> (Volume<f32>, LabelMap<u8>) {
    let size: [usize; 3] = std::array::from_fn(|i| case["size"][i].as_u64().unwrap() as usize);
    let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
    let classes = case["classes"].as_u64().unwrap();
    let salt = case["salt"].as_u64().unwrap();
    let certain = case["name"] == "certain";
    let mut shares: Vec<Vec<f32>> = vec![Vec::new(); classes as usize];
    let labels = LabelMap::from_fn(grid, |at| {
        let [x, y, z] = at.map(|v| v as u64);
        let h = (x * 73_856_093) ^ (y * 19_349_663) ^ (z * 83_492_791) ^ (salt * 2_654_435_761);
        let h = (((h & 0xFFFF_FFFF) * 2_246_822_519) & 0xFFFF_FFFF) >> 7;
        let of_voxel = match (certain, classes) {
            (true, _) => vec![256 * (h % 2), 256 - 256 * (h % 2)],
            (false, 2) => vec![h % 257, 256 - h % 257],
            _ => {
                let first = h % 257;
                let second = h / 257 % (257 - first);
                vec![first, second, 256 - first - second]
            }
        };
        shares
            .iter_mut()
            .zip(&of_voxel)
            .for_each(|(channel, share)| channel.push(*share as f32 / 256.0));
        if (h / 65_537).is_multiple_of(3) {
            (h / 7 % classes) as u8
        } else {
            // The first of the largest.
            let most = of_voxel.iter().max().unwrap();
            of_voxel.iter().position(|share| share == most).unwrap() as u8
        }
    });
    let probabilities = Volume::new(grid, classes as usize, shares.concat()).unwrap();
    (probabilities, labels)
}

fn classes(count: u64) -> Vec<Target> {
    (0..count as u32).map(Target::of_value).collect()
}

fn close(ours: Option<f64>, theirs: Option<f64>, what: &str) {
    match (ours, theirs) {
        (Some(a), Some(b)) => assert!((a - b).abs() < 1e-6, "{what}: {a} {b}"),
        (a, b) => assert_eq!(a, b, "{what}"),
    }
}

#[test]
fn calibration_errors_are_those_of_monai() {
    let mut compared = 0;
    for case in stored()["cases"].as_array().unwrap() {
        let (probabilities, labels) = made(case);
        let count = case["classes"].as_u64().unwrap();
        let counts: Vec<u64> = (0..count as u8)
            .map(|c| labels.counts().get(&c.into()).copied().unwrap_or(0) as u64)
            .collect();
        let theirs: Vec<u64> = case["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_u64().unwrap())
            .collect();
        assert_eq!(
            counts, theirs,
            "{}: the made labels themselves",
            case["name"]
        );
        for row in case["monai"].as_array().unwrap() {
            let edges = match row["right"].as_bool().unwrap() {
                true => BinEdges::LowerClosed,
                false => BinEdges::UpperClosed,
            };
            let bins = row["bins"].as_u64().unwrap() as usize;
            let options = ReliabilityOptions::default()
                .with_bins(bins)
                .with_edges(edges);
            let found = reliability(
                &probabilities,
                &labels,
                &classes(count),
                ProbabilityKind::Exclusive,
                None,
                &options,
            )
            .unwrap();
            for (channel, diagram) in found.iter().enumerate() {
                let what = format!("{} {bins} bins {edges:?} channel {channel}", case["name"]);
                close(
                    diagram.expected_error(),
                    numbers(&row["expected"])[channel],
                    &what,
                );
                close(
                    diagram.average_error(),
                    numbers(&row["average"])[channel],
                    &what,
                );
                close(
                    diagram.maximum_error(),
                    numbers(&row["maximum"])[channel],
                    &what,
                );
                let [counts, mean_p, mean_gt] =
                    ["counts", "mean_p", "mean_gt"].map(|key| numbers(&row[key][channel]));
                for (i, bin) in diagram.bins.iter().enumerate() {
                    assert_eq!(Some(bin.voxels as f64), counts[i], "{what} bin {i}");
                    close(bin.mean_probability(), mean_p[i], &what);
                    close(bin.frequency(), mean_gt[i], &what);
                    compared += 3;
                }
            }
        }
    }
    assert!(compared > 500, "{compared}");
}

#[test]
fn brier_and_likelihood_are_those_of_scikit_learn() {
    for case in stored()["cases"].as_array().unwrap() {
        let (probabilities, labels) = made(case);
        let count = case["classes"].as_u64().unwrap();
        let errors = probability_errors(
            &probabilities,
            &labels,
            &classes(count),
            ProbabilityKind::Exclusive,
            None,
        )
        .unwrap()
        .unwrap();
        let theirs = &case["sklearn"];
        for (ours, theirs) in errors.brier.iter().zip(numbers(&theirs["brier"])) {
            assert!((ours - theirs.unwrap()).abs() < 1e-12);
        }
        if count == 2 {
            assert!((errors.brier[1] - theirs["brier_of_binary"].as_f64().unwrap()).abs() < 1e-12);
            assert!((errors.brier_of_all() - 2.0 * errors.brier[1]).abs() < 1e-12);
            // One channel by itself has the same likelihood.
            let one = Volume::new(
                *probabilities.geometry(),
                1,
                probabilities.channel(1).to_vec(),
            )
            .unwrap();
            let alone = probability_errors(
                &one,
                &labels,
                &[Target::of_value(1)],
                ProbabilityKind::Independent,
                None,
            )
            .unwrap()
            .unwrap();
            assert!((alone.negative_log_likelihood - errors.negative_log_likelihood).abs() < 1e-12);
        }
        let likelihood = errors.negative_log_likelihood;
        assert!(
            (likelihood - case["nll"].as_f64().unwrap()).abs() < 1e-9,
            "{likelihood} {}",
            case["nll"]
        );
        if let Some(theirs) = theirs["log_loss"].as_f64() {
            assert!((likelihood - theirs).abs() < 1e-6, "{likelihood} {theirs}");
        }
    }
}

#[test]
fn risk_and_coverage_are_by_their_definition() {
    for curve in stored()["risk_coverage"].as_array().unwrap() {
        let list = |key: &str| -> Vec<f64> { numbers(&curve[key]).into_iter().flatten().collect() };
        let found = RiskCoverage::of(&list("uncertainty"), &list("risk")).unwrap();
        let (area, best) = (
            curve["area"].as_f64().unwrap(),
            curve["best"].as_f64().unwrap(),
        );
        assert!((found.area() - area).abs() < 1e-12);
        assert!((found.best_area() - best).abs() < 1e-12);
        assert!((found.excess_area() - (area - best)).abs() < 1e-12);
    }
    // Equally uncertain items: any order gives the mean risk.
    let flat = RiskCoverage::of(&[0.5; 4], &[1.0, 0.0, 0.0, 1.0]).unwrap();
    assert_eq!(
        (flat.points.len(), flat.area(), flat.coverage_at(0.4)),
        (1, 0.5, None)
    );
    assert_eq!(flat.coverage_at(0.5), Some(1.0));
    for bad in [
        RiskCoverage::of(&[], &[]),
        RiskCoverage::of(&[1.0], &[f64::NAN]),
        RiskCoverage::of(&[1.0, 2.0], &[0.0]),
    ] {
        assert!(matches!(bad, Err(Error::Pairs { .. })));
    }
}

#[test]
fn bad_probabilities_are_refused_by_name_and_ignored_voxels_do_not_count() {
    let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3]).unwrap();
    let labels = LabelMap::new(grid, vec![0u8, 1, 9]).unwrap();
    let two = |values: [f32; 6]| Volume::new(grid, 2, values.to_vec()).unwrap();
    let options = ReliabilityOptions::default();
    let classes = classes(2);
    let message = |volume: &Volume<f32>, kind| {
        let refused = reliability(volume, &labels, &classes, kind, Some(9), &options);
        refused.unwrap_err().to_string()
    };
    let (exclusive, independent) = (ProbabilityKind::Exclusive, ProbabilityKind::Independent);
    assert!(message(&two([0.5, 0.5, 0.5, 0.9, 0.5, 0.5]), exclusive).contains("sum to 1.4"));
    assert!(
        message(&two([f32::NAN, 0.5, 0.5, 0.5, 0.5, 0.5]), independent)
            .contains("NaN in channel 0")
    );
    assert!(message(&two([0.5, 0.5, 0.5, 0.5, -3.0, 0.5]), independent).contains("not logits"));
    let one = Volume::new(grid, 1, vec![0.5f32; 3]).unwrap();
    assert!(message(&one, independent).contains("1 channels, and labels for 2"));
    let other = Volume::filled(Geometry::axis_aligned([4, 1, 1], [1.0; 3]).unwrap(), 0.5f32);
    assert!(message(&other, independent).contains("probabilities and reference"));

    let sound = two([0.75, 0.25, 0.5, 0.25, 0.75, 0.5]);
    let no_bin = reliability(
        &sound,
        &labels,
        &classes,
        exclusive,
        Some(9),
        &options.with_bins(0),
    );
    assert!(matches!(no_bin, Err(Error::BadOption { .. })));
    let found = reliability(&sound, &labels, &classes, exclusive, Some(9), &options).unwrap();
    let counted: u64 = found[0].bins.iter().map(|bin| bin.voxels).sum();
    assert_eq!(counted, 2);
    let errors = probability_errors(&sound, &labels, &classes, exclusive, Some(9))
        .unwrap()
        .unwrap();
    assert_eq!(
        (errors.voxels, errors.brier.clone()),
        (2, vec![0.0625, 0.0625])
    );
    // Without the ignored label a voxel belongs to no class.
    let unknown = probability_errors(&sound, &labels, &classes, exclusive, None).unwrap_err();
    assert!(
        unknown.to_string().contains("3 voxels have 2 classes"),
        "{unknown}"
    );
    let nothing = LabelMap::new(grid, vec![9u8; 3]).unwrap();
    assert_eq!(
        probability_errors(&sound, &nothing, &classes, exclusive, Some(9)).unwrap(),
        None
    );
    let empty = reliability(&sound, &nothing, &classes, exclusive, Some(9), &options).unwrap();
    assert_eq!(
        (
            empty[0].expected_error(),
            empty[0].average_error(),
            empty[0].maximum_error()
        ),
        (None, None, None)
    );

    // Two cases in one diagram.
    let mut both = found[1].clone();
    both.add(&found[1]).unwrap();
    assert_eq!(both.expected_error(), found[1].expected_error());
    let other = reliability(
        &sound,
        &labels,
        &classes,
        exclusive,
        Some(9),
        &options.with_bins(5),
    )
    .unwrap();
    assert!(both.add(&other[1]).is_err());
}
