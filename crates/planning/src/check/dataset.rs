//! Comparison of cases: duplicates, outliers, rare labels, folds that cannot be used.

use super::{CaseFacts, Problem, ProblemKind};
use crate::Datalist;
use crate::numpy::median;
use std::collections::{BTreeMap, BTreeSet};
use vesalius_volume::{LabelScheme, limits};

/// A spacing this many times the median, or its inverse, is odd.
const ODD_SPACING: f64 = 2.0;
/// An extent in mm this many times the median, or its inverse, is odd.
const ODD_EXTENT: f64 = 3.0;
/// A mean this many robust deviations from the median is odd.
const ODD_INTENSITY: f64 = 6.0;
/// With fewer cases nothing is an outlier.
const ENOUGH: usize = 5;

pub(super) fn look(
    list: &Datalist,
    scheme: Option<&LabelScheme>,
    facts: &[CaseFacts],
) -> Vec<Problem> {
    let mut problems = vec![];
    if list.cases.len() < 2 {
        problems.push(Problem::error(
            ProblemKind::TooFew,
            &[],
            format!(
                "the dataset has {}; training and validation need at least one each",
                vesalius_volume::counted(list.cases.len(), "case")
            ),
        ));
    }
    problems.extend(doubles(list, facts));
    if facts.len() >= ENOUGH {
        problems.extend(odd_grids(facts));
        problems.extend(odd_intensities(list, facts));
    }
    problems.extend(labels(scheme, facts));
    problems.extend(folds(list, scheme, facts));
    problems
}

fn doubles(list: &Datalist, facts: &[CaseFacts]) -> Vec<Problem> {
    let mut same: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for fact in facts {
        same.entry(&fact.content).or_default().push(&fact.name);
    }
    let fold = |name: &str| list.cases.iter().find(|case| case.name == name)?.fold;
    let doubled = same.into_values().filter(|names| names.len() > 1);
    let problem = |names: Vec<&str>| {
        let folds: BTreeSet<Option<usize>> = names.iter().map(|name| fold(name)).collect();
        let leak = match folds.len() {
            1 => "",
            _ => "; they are in different folds, so validation would see what was trained on",
        };
        let message = format!(
            "cases {} have the same image{leak}; keep one",
            names.join(", ")
        );
        match folds.len() {
            1 => Problem::warning(ProblemKind::Duplicate, &names, message),
            _ => Problem::error(ProblemKind::Duplicate, &names, message),
        }
    };
    doubled.map(problem).collect()
}

fn odd_grids(facts: &[CaseFacts]) -> Vec<Problem> {
    let mut problems = vec![];
    let extent = |fact: &CaseFacts| -> [f64; 3] {
        std::array::from_fn(|axis| fact.size[axis] as f64 * fact.spacing[axis])
    };
    for axis in 0..3 {
        let spacings: Vec<f64> = facts.iter().map(|fact| fact.spacing[axis]).collect();
        let extents: Vec<f64> = facts.iter().map(|fact| extent(fact)[axis]).collect();
        for (values, limit, kind, what) in [
            (spacings, ODD_SPACING, ProblemKind::Spacing, "spacing"),
            (extents, ODD_EXTENT, ProblemKind::Extent, "extent"),
        ] {
            let usual = median(&values);
            for (fact, value) in facts.iter().zip(&values) {
                if limits::exceeds(value / usual, limit) || limits::exceeds(usual / value, limit) {
                    problems.push(Problem::warning(
                        kind,
                        &[&fact.name],
                        format!(
                            "case {}: {what} {value:.4} mm along {}, the median is {usual:.4} mm",
                            fact.name,
                            ["x", "y", "z"][axis]
                        ),
                    ));
                }
            }
        }
    }
    problems
}

fn odd_intensities(list: &Datalist, facts: &[CaseFacts]) -> Vec<Problem> {
    let mut problems = vec![];
    for (channel, name) in list.channels.iter().enumerate() {
        let of = |fact: &CaseFacts| fact.mean_intensity.get(channel).copied();
        let known: Vec<(&CaseFacts, f64)> = facts
            .iter()
            .filter_map(|fact| Some((fact, of(fact)?)))
            .filter(|(_, v)| v.is_finite())
            .collect();
        if known.len() < ENOUGH {
            continue;
        }
        let usual = median(&known.iter().map(|known| known.1).collect::<Vec<_>>());
        let distances: Vec<f64> = known.iter().map(|known| (known.1 - usual).abs()).collect();
        // 1.4826 makes the median distance a standard deviation where values are normal.
        let deviation = 1.4826 * median(&distances);
        for ((fact, value), distance) in known.into_iter().zip(distances) {
            if deviation > 0.0 && distance > ODD_INTENSITY * deviation {
                problems.push(Problem::warning(
                    ProblemKind::Intensity,
                    &[&fact.name],
                    format!(
                        "case {}: mean intensity {value:.4} of channel `{name}`, the median is {usual:.4} ± {deviation:.4}",
                        fact.name
                    ),
                ));
            }
        }
    }
    problems
}

/// The foreground of a scheme: what each is called and which values belong to it.
fn foreground(scheme: Option<&LabelScheme>) -> Vec<(&str, Vec<u16>)> {
    scheme.map(LabelScheme::foreground).unwrap_or_default()
}

fn has(fact: &CaseFacts, values: &[u16]) -> bool {
    values.iter().any(|value| fact.labels.contains_key(value))
}

fn labels(scheme: Option<&LabelScheme>, facts: &[CaseFacts]) -> Vec<Problem> {
    let mut problems = vec![];
    for (name, values) in foreground(scheme) {
        let having: Vec<&str> = facts
            .iter()
            .filter(|fact| has(fact, &values))
            .map(|fact| fact.name.as_str())
            .collect();
        match having[..] {
            [] => problems.push(Problem::error(
                ProblemKind::AbsentLabel,
                &[],
                format!("label `{name}` {values:?} is in no case; take it out of the labels"),
            )),
            [one] if facts.len() > 1 => problems.push(Problem::warning(
                ProblemKind::RareLabel,
                &[one],
                format!("label `{name}` is in case {one} only: where that case is held out it is never learnt"),
            )),
            _ => {}
        }
    }
    problems
}

fn folds(list: &Datalist, scheme: Option<&LabelScheme>, facts: &[CaseFacts]) -> Vec<Problem> {
    let mut problems = vec![];
    let by_name: BTreeMap<&str, &CaseFacts> = facts
        .iter()
        .map(|fact| (fact.name.as_str(), fact))
        .collect();
    let side = |inside: bool, fold: usize| {
        let cases = list
            .cases
            .iter()
            .filter(move |case| (case.fold == Some(fold)) == inside);
        cases.filter_map(|case| by_name.get(case.name.as_str()).copied())
    };
    for fold in list.folds() {
        for (inside, what) in [(true, "fold"), (false, "training without fold")] {
            if side(inside, fold).all(|fact| fact.foreground() == 0) {
                problems.push(Problem::error(
                    ProblemKind::EmptyFold,
                    &[],
                    format!("{what} {fold} has no labelled voxel; assign the folds again"),
                ));
            }
        }
        for (name, values) in foreground(scheme) {
            let having = facts.iter().filter(|fact| has(fact, &values)).count();
            if having > 1 && !side(false, fold).any(|fact| has(fact, &values)) {
                problems.push(Problem::warning(
                    ProblemKind::RareLabel,
                    &[],
                    format!("label `{name}` is only in fold {fold}: training without it never sees the label"),
                ));
            }
        }
    }
    let mut patients: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for case in &list.cases {
        if let (Some(patient), Some(fold)) = (&case.patient, case.fold) {
            patients.entry(patient).or_default().insert(fold);
        }
    }
    for (patient, folds) in patients.into_iter().filter(|(_, folds)| folds.len() > 1) {
        problems.push(Problem::error(
            ProblemKind::SplitPatient,
            &[],
            format!("patient {patient} is in folds {folds:?}: validation would score patients of the training set"),
        ));
    }
    problems
}
