//! Steps on labels against what MONAI printed (`tests/parity/bundle_vocabulary.py`).

use serde::Deserialize;
use vesalius_inferers::PostprocessingStep;
use vesalius_volume::{Geometry, LabelMap};

#[derive(Deserialize)]
struct Stored {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    step: PostprocessingStep,
    size: [usize; 3],
    spacing: [f64; 3],
    before: Vec<u16>,
    after: Vec<u16>,
}

#[test]
fn steps_on_labels_are_monais() {
    let stored: Stored = serde_json::from_str(include_str!("data/monai_pieces.json")).unwrap();
    assert!(stored.cases.len() >= 13);
    for case in stored.cases {
        let grid = Geometry::axis_aligned(case.size, case.spacing).unwrap();
        let before = LabelMap::new(grid, case.before).unwrap();
        let after = case.step.apply(before.clone()).unwrap();
        let different = after.data().iter().zip(&case.after).filter(|(a, b)| a != b);
        assert_eq!(different.count(), 0, "{:?}", case.step);
        assert_ne!(after, before, "{:?} changes nothing", case.step);
    }
}

#[test]
fn steps_that_make_no_sense_are_named() {
    for (text, key) in [
        ("keep_pieces: {count: 0}", "keep_pieces.count"),
        (
            "remove_pieces: {cubic_millimetres: -1}",
            "remove_pieces.cubic_millimetres",
        ),
    ] {
        let step: PostprocessingStep = serde_saphyr::from_str(text).unwrap();
        let refused = step.check().unwrap_err().to_string();
        assert!(refused.contains(key), "{refused}");
    }
}
