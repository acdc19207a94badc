//! Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011) of patients: the rarest label is
//! assigned first, each time to the fold that lacks it most.

use super::check;
use crate::Result;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// What decides the fold of a case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoldCase {
    /// Cases of one group (a patient) stay in one fold; `None` is a group of its own.
    pub group: Option<String>,
    /// What the case has a share of, such as its labels.
    pub strata: BTreeSet<u32>,
}

impl FoldCase {
    /// Describes cases by patient, by the labels in them and by their foreground's size, in thirds.
    ///
    /// `cases` are the patient, the label values and the number of foreground voxels of each.
    ///
    /// ```
    /// use std::collections::BTreeSet;
    /// use vesalius_planning::FoldCase;
    ///
    /// // Patient, label values and number of foreground voxels of each case.
    /// let cases = [
    ///     (Some("p1".to_owned()), BTreeSet::from([1]), 100),
    ///     (Some("p1".to_owned()), BTreeSet::from([1, 2]), 900),
    /// ];
    /// let described = FoldCase::of_labels(&cases);
    /// assert_eq!(described[0].group, described[1].group);
    /// assert!(described[1].strata.contains(&2));
    /// ```
    pub fn of_labels(cases: &[(Option<String>, BTreeSet<u16>, usize)]) -> Vec<Self> {
        let mut sizes: Vec<usize> = cases.iter().map(|case| case.2).collect();
        sizes.sort_unstable();
        let third = |size: usize| 3 * sizes.partition_point(|&s| s < size) / sizes.len().max(1);
        let case = |(group, labels, size): &(Option<String>, BTreeSet<u16>, usize)| {
            // Numbers beyond any label encode the thirds.
            let third = (1 << 16) + third(*size) as u32;
            let labels = labels.iter().map(|&label| u32::from(label));
            Self {
                group: group.clone(),
                strata: labels.chain([third]).collect(),
            }
        };
        cases.iter().map(case).collect()
    }
}

/// The cases that go together, and what they have a share of.
struct Group {
    cases: Vec<usize>,
    strata: BTreeMap<u32, f64>,
}

/// What each fold still lacks.
struct Lacking {
    cases: Vec<f64>,
    strata: BTreeMap<u32, Vec<f64>>,
}

pub(super) fn assign(cases: &[FoldCase], count: usize, seed: u64) -> Result<Vec<usize>> {
    let mut groups = group(cases);
    check(count, groups.len(), "patients or cases")?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // A random order of groups breaks ties between them.
    for i in (1..groups.len()).rev() {
        groups.swap(i, random.random_range(0..=i));
    }
    let mut totals: BTreeMap<u32, f64> = BTreeMap::new();
    for (stratum, share) in groups.iter().flat_map(|group| &group.strata) {
        *totals.entry(*stratum).or_default() += share;
    }
    let share = 1.0 / count as f64;
    let mut lacking = Lacking {
        cases: vec![cases.len() as f64 * share; count],
        strata: totals
            .iter()
            .map(|(&s, &n)| (s, vec![n * share; count]))
            .collect(),
    };
    let mut folds = vec![0; cases.len()];
    while let Some(next) = rarest(&groups) {
        let group = groups.remove(next.0);
        let fold = best_fold(&lacking, next.1, &mut random);
        lacking.cases[fold] -= group.cases.len() as f64;
        for (stratum, share) in &group.strata {
            if let Some(lacking) = lacking.strata.get_mut(stratum) {
                lacking[fold] -= share;
            }
        }
        for case in group.cases {
            folds[case] = fold;
        }
    }
    Ok(folds)
}

fn group(cases: &[FoldCase]) -> Vec<Group> {
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Group> = vec![];
    for (i, case) in cases.iter().enumerate() {
        let place = match &case.group {
            Some(name) => *named.entry(name).or_insert(groups.len()),
            None => groups.len(),
        };
        if place == groups.len() {
            groups.push(Group {
                cases: vec![],
                strata: BTreeMap::new(),
            });
        }
        groups[place].cases.push(i);
        for &stratum in &case.strata {
            *groups[place].strata.entry(stratum).or_default() += 1.0;
        }
    }
    groups
}

/// The group to assign next (the largest with the rarest stratum that is left), and that stratum.
fn rarest(groups: &[Group]) -> Option<(usize, Option<u32>)> {
    let mut left: BTreeMap<u32, usize> = BTreeMap::new();
    for stratum in groups.iter().flat_map(|group| group.strata.keys()) {
        *left.entry(*stratum).or_default() += 1;
    }
    let stratum = left
        .iter()
        .min_by_key(|(_, count)| **count)
        .map(|(s, _)| *s);
    let has = |group: &Group| stratum.is_none_or(|s| group.strata.contains_key(&s));
    let candidates = groups.iter().enumerate().filter(|(_, group)| has(group));
    let (next, _) = candidates.max_by_key(|(i, group)| (group.cases.len(), usize::MAX - i))?;
    Some((next, stratum))
}

/// The fold that lacks the stratum most, then cases most, then any.
fn best_fold(lacking: &Lacking, stratum: Option<u32>, random: &mut ChaCha8Rng) -> usize {
    let of_stratum = stratum.and_then(|s| lacking.strata.get(&s));
    let wish = |fold: usize| {
        let stratum = of_stratum.map_or(0.0, |lacking| lacking[fold]);
        (stratum, lacking.cases[fold])
    };
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    let folds = 0..lacking.cases.len();
    let most = folds
        .clone()
        .map(wish)
        .fold((f64::MIN, f64::MIN), |best, wish| {
            match near(best.0, wish.0) {
                true => (best.0, best.1.max(wish.1)),
                false if wish.0 > best.0 => wish,
                false => best,
            }
        });
    let equal: Vec<usize> = folds
        .filter(|&fold| near(wish(fold).0, most.0) && near(wish(fold).1, most.1))
        .collect();
    equal[random.random_range(0..equal.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases() -> Vec<FoldCase> {
        let case = |i: u16| {
            let mut labels = BTreeSet::from([0, 1]);
            if i.is_multiple_of(3) {
                labels.insert(2);
            }
            if i < 5 {
                labels.insert(3);
            }
            // Every tenth patient has two scans.
            let patient = (i % 10 < 2).then(|| format!("P{}", i / 10));
            (patient, labels, usize::from(i) * 7 % 40)
        };
        FoldCase::of_labels(&(0..60).map(case).collect::<Vec<_>>())
    }

    #[test]
    fn every_fold_gets_its_share_and_no_patient_is_split() {
        let cases = cases();
        let folds = assign(&cases, 5, 1).unwrap();
        for fold in 0..5 {
            let inside = || (0..cases.len()).filter(|&i| folds[i] == fold);
            let having = |stratum| {
                inside()
                    .filter(|&i| cases[i].strata.contains(&stratum))
                    .count()
            };
            assert!((11..=13).contains(&inside().count()), "{folds:?}");
            assert!((3..=5).contains(&having(2)), "{folds:?}");
            for third in 0..3 {
                assert!((2..=6).contains(&having((1 << 16) + third)), "{folds:?}");
            }
        }
        // Label 3 is in a patient's two scans and three more, which five folds can all separate.
        let rare = BTreeSet::from([folds[0], folds[2], folds[3], folds[4]]);
        assert_eq!(rare.len(), 4, "{folds:?}");
        for pair in (0..60).step_by(10) {
            assert_eq!(folds[pair], folds[pair + 1]);
        }
        assert_eq!(folds, assign(&cases, 5, 1).unwrap());
        assert_ne!(folds, assign(&cases, 5, 2).unwrap());
    }

    #[test]
    fn more_folds_than_patients_are_refused() {
        let case = FoldCase {
            group: Some("P".to_owned()),
            ..Default::default()
        };
        let error = assign(&vec![case; 9], 3, 0).unwrap_err().to_string();
        assert!(error.contains("1 patients"), "{error}");
    }
}
