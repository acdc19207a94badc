//! The rules on made structures.

use super::{AdviceOptions, BoundaryImportance, TargetFacts, Verdict, advise};
use crate::{Measure, Target};
use vesalius_volume::{Geometry, LabelMap};

fn facts(size: [usize; 3], spacing: [f64; 3], inside: impl Fn([usize; 3]) -> bool) -> TargetFacts {
    let grid = Geometry::axis_aligned(size, spacing).unwrap();
    let mut facts = TargetFacts::new(&Target::of_value(1));
    facts
        .add(&LabelMap::from_fn(grid, |at| u8::from(inside(at))))
        .unwrap();
    facts
}

fn verdicts(facts: &[TargetFacts], options: &AdviceOptions) -> Vec<(String, Verdict)> {
    let advice = advise(facts, options);
    assert!(
        advice
            .iter()
            .all(|a| !a.reason.is_empty() && !a.reason.contains("NaN"))
    );
    advice.into_iter().map(|a| (a.measure, a.verdict)).collect()
}

#[test]
fn a_large_organ_gets_dice_and_distances() {
    let cube = facts([40, 40, 40], [1.0; 3], |at| {
        at.iter().all(|v| (8..32).contains(v))
    });
    let found = verdicts(&[cube], &AdviceOptions::default());
    assert!(
        found.contains(&("dice".into(), Verdict::Report)),
        "{found:?}"
    );
    assert!(found.contains(&("hd".into(), Verdict::Misleads)));
    assert!(
        !found
            .iter()
            .any(|(measure, _)| measure == "cldice" || measure == "lesion_f1")
    );
}

#[test]
fn a_vessel_gets_centre_lines_and_topology() {
    let tube = facts([80, 12, 12], [1.0, 1.0, 3.0], |[_, y, z]| {
        (5..8).contains(&y) && (5..8).contains(&z)
    });
    let options = AdviceOptions::default()
        .with_boundaries(BoundaryImportance::High)
        .with_tolerance(1.0);
    let found = verdicts(&[tube], &options);
    for wanted in [
        ("cldice", Verdict::Report),
        ("betti0_error", Verdict::Report),
        ("nsd", Verdict::NotAlone),
        ("nsd_deepmind", Verdict::Report),
        ("boundary_iou", Verdict::Report),
    ] {
        assert!(
            found.contains(&(wanted.0.into(), wanted.1)),
            "{wanted:?} {found:?}"
        );
    }
}

#[test]
fn healthy_cases_rare_structures_and_unequal_labels_are_named() {
    let mut small = facts([60, 60, 60], [1.0; 3], |at| {
        at.iter().all(|v| (8..11).contains(v))
    });
    let grid = Geometry::axis_aligned([60, 60, 60], [1.0; 3]).unwrap();
    small.add(&LabelMap::<u8>::background(grid)).unwrap();
    let large = facts([60, 60, 60], [1.0; 3], |at| {
        at.iter().all(|v| (20..50).contains(v))
    });
    let found = verdicts(&[small, large], &AdviceOptions::default());
    for wanted in [
        ("dice", Verdict::NotAlone),
        ("false_lesions", Verdict::Report),
        ("specificity", Verdict::Misleads),
        ("the mean over labels", Verdict::NotAlone),
        ("means", Verdict::NotAlone),
    ] {
        assert!(
            found.contains(&(wanted.0.into(), wanted.1)),
            "{wanted:?} {found:?}"
        );
    }
    let absent = facts([4, 4, 4], [1.0; 3], |_| false);
    assert!(advise(&[absent], &AdviceOptions::default()).is_empty());
    assert!(advise(&[], &AdviceOptions::default()).is_empty());
}

#[test]
fn every_measure_that_is_named_exists() {
    let ring = |[x, y, z]: [usize; 3]| {
        (2..7).contains(&z) && (x, y) != (4, 4) && (2..7).contains(&x) && (2..7).contains(&y)
    };
    let many =
        |[x, y, z]: [usize; 3]| ring([x, y, z]) || (x > 15 && x % 3 == 0 && y == 2 && z == 2);
    let facts = [
        facts([40, 9, 9], [1.0, 1.0, 4.0], many),
        facts([90, 9, 9], [1.0; 3], |[_, y, z]| y == 4 && z == 4),
    ];
    let options = AdviceOptions::default()
        .with_boundaries(BoundaryImportance::High)
        .with_tolerance(0.5);
    for advice in advise(&facts, &options)
        .iter()
        .filter(|advice| advice.target.is_some())
    {
        assert!(
            Measure::named(&advice.measure, 1.0).is_ok(),
            "{}",
            advice.measure
        );
    }
}
