//! A chain as a user writes it in YAML, applied, repeated, and undone by its geometry.

use vesalius_transforms::{Chain, Step};
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

const YAML: &str = "
- orient: {to: RAS}
- spacing: {to: [1, 1, 0]}
- z_score: {nonzero: true}
- flip: {axes: [x, z], probability: 0.5}
- scale_intensity: {factor: 0.2}
- shift_intensity: {}
- gaussian_noise: {deviation: 0.05, probability: 1}
";

fn subject() -> Subject {
    let direction = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]];
    let geometry =
        Geometry::from_parts([9, 8, 7], [0.5, 2.0, 1.5], [3.0, -4.0, 5.0], direction).unwrap();
    let image = Volume::from_fn(geometry, |[x, y, z]| (x + 2 * y + 3 * z) as f32);
    let labels = LabelMap::from_fn(geometry, |[x, y, _]| u16::from(x > 4) + u16::from(y > 3));
    Subject::new("made", image, Some(labels)).unwrap()
}

#[test]
fn yaml_is_read_and_written_alike() {
    let chain: Chain = serde_saphyr::from_str(YAML).unwrap();
    chain.check().unwrap();
    let text = serde_saphyr::to_string(&chain).unwrap();
    assert_eq!(
        serde_saphyr::from_str::<Chain>(&text).unwrap(),
        chain,
        "{text}"
    );
}

#[test]
fn a_draw_repeats_and_draws_differ() {
    let chain: Chain = serde_saphyr::from_str(YAML).unwrap();
    let (first, steps) = chain.apply(subject(), 1, 2).unwrap();
    let (again, steps_again) = chain.apply(subject(), 1, 2).unwrap();
    assert_eq!((&first, &steps), (&again, &steps_again));
    let others: Vec<Vec<Step>> = (3..9)
        .map(|draw| chain.apply(subject(), 1, draw).unwrap().1)
        .collect();
    assert!(others.iter().all(|other| *other != steps));
}

#[test]
fn a_step_is_a_fact_that_can_be_applied_again() {
    let chain: Chain = serde_saphyr::from_str(YAML).unwrap();
    let (expected, steps) = chain.apply(subject(), 4, 4).unwrap();
    let found = steps
        .iter()
        .try_fold(subject(), |subject, step| step.apply(subject))
        .unwrap();
    assert_eq!(found, expected);
}

#[test]
fn orienting_and_flipping_keep_every_label_in_its_place() {
    let chain: Chain =
        serde_saphyr::from_str("- orient: {to: RAS}\n- flip: {probability: 1}").unwrap();
    let before = subject();
    let (after, _) = chain.apply(before.clone(), 0, 0).unwrap();
    let (from, to) = (before.labels().unwrap(), after.labels().unwrap());
    assert_eq!(after.geometry().orientation().to_string(), "LPI");
    for offset in 0..from.data().len() {
        let index = from.geometry().index(offset);
        let world = from.geometry().index_to_world(index.map(|v| v as f64));
        let there = to
            .geometry()
            .world_to_index(world)
            .map(|v| v.round() as usize);
        assert_eq!(to.get(there), from.get(index));
    }
}

#[test]
fn mistakes_are_named() {
    let read = |text: &str| {
        serde_saphyr::from_str::<Chain>(text)
            .unwrap_err()
            .to_string()
    };
    let error = read("- flipp: {}");
    assert!(
        error.contains("flipp") && error.contains("did you mean `flip`"),
        "{error}"
    );
    let error = read("- gausian_noise");
    assert!(error.contains("did you mean `gaussian_noise`"), "{error}");
    let error = read("- flip: {axis: [x]}");
    assert!(
        error.contains("`axis`") && error.contains("did you mean `axes`"),
        "{error}"
    );
    let error = read("- one_of: {of: [{gama: {}}]}");
    assert!(error.contains("did you mean `gamma`"), "{error}");
    let error = read("- flip: {}\n  gamma: {}");
    assert!(error.contains("dash of its own"), "{error}");
}

#[test]
fn values_out_of_range_are_named() {
    // Some are not read, the others are refused before they are applied.
    let check = |text: &str| match serde_saphyr::from_str::<Chain>(text) {
        Ok(chain) => chain.check().unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(check("- flip: {probability: 2}").contains("`flip`: probability is 2"));
    for (text, words) in [
        ("- spacing: {}", "`spacing`: to is"),
        (
            "- maybe: {of: [{gamma: {power: [2, 1]}}]}",
            "`gamma`: power is [2.0, 1.0]",
        ),
        ("- one_of: {of: []}", "at least one transform"),
        (
            "- some_of: {of: [light], count: [1, 2]}",
            "`some_of`: count",
        ),
        (
            "- one_of: {of: [light], weights: [1, 2]}",
            "one weight a transform",
        ),
        (
            "- affine: {interpolation: cubic, outside: reflect}",
            "zeros or edge with cubic",
        ),
        ("- window: {}", "`window`: from"),
        ("- match_grid: {}", "`match_grid`: grid"),
        ("- patch: {}", "patch size [0, 0, 0]"),
        ("- patch: {size: [8, 8, -2]}", "-1 for the whole axis"),
        ("- clip: {}", "a lower or an upper limit"),
        ("- orient: {to: RAX}", "RAX"),
        (
            "- match_histogram: {values: [1, 2]}",
            "one intensity a percentile",
        ),
    ] {
        let error = check(text);
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn cases_that_do_not_fit_are_named() {
    let run = |text: &str| {
        let chain: Chain = serde_saphyr::from_str(text).unwrap();
        chain.apply(subject(), 0, 0).unwrap_err().to_string()
    };
    let error = run("- crop_region: {start: [4, 0, 0], size: [9, 2, 2]}");
    assert!(
        error.contains("[9, 8, 7]") && error.contains("pad"),
        "{error}"
    );
    let error = run("- crop_divisible: {by: [16, 1, 1]}");
    assert!(error.contains("divisible_by"), "{error}");
    assert!(run("- select_channels: {channels: [1]}").contains("channel 1 of an image with 1"));
    let error = run("- elastic: {displacement: [5, 5, 5], probability: 1}");
    assert!(error.contains("folds"), "{error}");
    let bare = Subject::new("bare", subject().image().clone(), None).unwrap();
    for text in [
        "- boundary_weights: {}",
        "- patch: {size: [2, 2, 2], sampling: {foreground: 0.5}}",
        "- crop_foreground: {labels: true}",
        "- z_score: {labelled: true}",
    ] {
        let chain: Chain = serde_saphyr::from_str(text).unwrap();
        let error = chain.apply(bare.clone(), 0, 0).unwrap_err().to_string();
        assert!(error.contains("no labels"), "{text}: {error}");
    }
}

#[test]
fn every_transform_works_by_its_name_or_says_what_it_needs() {
    let keys = [
        ("spacing", "{to: [1, 1, 0]}"),
        (
            "match_grid",
            "{grid: {size: [4, 4, 4], affine: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}}",
        ),
        ("resize", "{to: {longest_side: 12}}"),
        ("crop_centre", "{size: [4, 4, -1]}"),
        ("crop_region", "{size: [4, 4, 4]}"),
        ("crop_divisible", "{by: [2, 2, 2]}"),
        ("elastic", "{displacement: [0.1, 0.1, 0.1], probability: 1}"),
        (
            "patch",
            "{size: [4, 4, 4], sampling: {classes: [1, 1, 1, 1]}}",
        ),
        ("grid_patch", "{size: [4, 4, 4], overlap: 0.5}"),
        ("weighted_patch", "{size: [4, 4, 4]}"),
        ("window", "{from: [0, 10]}"),
        ("clip", "{low: 2}"),
        (
            "nnunet_normalization",
            "{channels: [{z_score: {masked: true}}]}",
        ),
        (
            "match_histogram",
            "{percentiles: [0, 100], values: [-1, 1]}",
        ),
        ("remap", "{labels: {1: 5}, others: 0}"),
        ("merge_regions", "{regions: [[1, 2], [2]]}"),
        ("select_channels", "{channels: [0, 0]}"),
        ("channel_arithmetic", "{of: [0, 0]}"),
        ("one_of", "{of: [light, gamma], weights: [1, 2]}"),
        ("some_of", "{of: [light, gamma, flip], count: [1, 3]}"),
        ("maybe", "{of: [light]}"),
    ];
    // User-defined transforms have no built-in name; `custom::tests` has them.
    let built_in = vesalius_transforms::Transform::NAMES.iter();
    for name in built_in.filter(|name| **name != "custom") {
        let with = keys.iter().find(|k| k.0 == *name).map_or("{}", |k| k.1);
        let text = format!("- {name}: {with}");
        let chain: Chain = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let again = serde_saphyr::to_string(&chain).unwrap();
        assert_eq!(
            serde_saphyr::from_str::<Chain>(&again).unwrap(),
            chain,
            "{again}"
        );
        for draw in 0..30 {
            let (after, trace) = chain
                .trace(subject(), 1, draw)
                .unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!(
                after.image().data().iter().all(|v| v.is_finite()),
                "{text}, draw {draw}"
            );
            let stored = serde_json::to_string(&trace.steps).unwrap();
            assert_eq!(
                serde_json::from_str::<Vec<Step>>(&stored).unwrap().len(),
                trace.steps.len()
            );
        }
    }
}
