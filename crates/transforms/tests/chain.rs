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
    let read = |text: &str| serde_saphyr::from_str::<Chain>(text);
    assert!(
        read("- flipp: {}")
            .unwrap_err()
            .to_string()
            .contains("flipp")
    );
    assert!(
        read("- flip: {axis: [x]}")
            .unwrap_err()
            .to_string()
            .contains("axis")
    );
    let bad: Chain = read("- flip: {probability: 2}").unwrap();
    assert!(
        bad.check()
            .unwrap_err()
            .to_string()
            .contains("`flip`: probability is 2")
    );
}
