//! The ensembles that are tried: Auto3DSeg's best by fold and best N, nnU-Net's single configurations and
//! pairs, and all together.

use super::Candidate;
use crate::{History, Job};
use std::collections::BTreeSet;
use vesalius_inferers::Combination;

/// Candidates of the trained runs, the smaller before the larger.
///
/// An algorithm counts as one only with a run on every fold that has any, so that all candidates are
/// scored on the same cases.
pub(super) fn candidates(history: &History) -> Vec<Candidate> {
    let folds: BTreeSet<usize> = history.trained().map(|job| job.fold).collect();
    let ranked = ranked(history, &folds);
    let together = |name: String, algorithms: &[String]| Candidate {
        name,
        members: folds
            .iter()
            .map(|fold| (*fold, algorithms.to_vec()))
            .collect(),
        combine: Combination::Probabilities,
    };
    let mut found: Vec<Candidate> = ranked
        .iter()
        .map(|algorithm| together(algorithm.clone(), std::slice::from_ref(algorithm)))
        .collect();
    if ranked.len() > 1
        || history
            .trained()
            .any(|job| !ranked.contains(&job.algorithm))
    {
        found.extend(best_by_fold(history, &folds));
    }
    for (at, first) in ranked.iter().enumerate() {
        for second in &ranked[at + 1..] {
            found.push(together(
                format!("{first} + {second}"),
                &[first.clone(), second.clone()],
            ));
        }
    }
    for count in 3..=ranked.len() {
        let name = match count == ranked.len() {
            true => "all".to_owned(),
            false => format!("best {count}"),
        };
        let mean = together(name.clone(), &ranked[..count]);
        let vote = Candidate {
            name: format!("{name}, vote"),
            combine: Combination::Vote,
            ..mean.clone()
        };
        found.extend([mean, vote]);
    }
    found
}

/// Algorithms trained on every fold, the best mean Dice first.
fn ranked(history: &History, folds: &BTreeSet<usize>) -> Vec<String> {
    let names: BTreeSet<&str> = history
        .trained()
        .map(|job| job.algorithm.as_str())
        .collect();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let runs: Vec<&Job> = history
                .trained()
                .filter(|job| job.algorithm == name)
                .collect();
            let sum: f64 = runs.iter().filter_map(|job| job.dice).sum();
            (runs.len() == folds.len()).then_some((sum / runs.len() as f64, name))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// On each fold the algorithm that did best on it.
fn best_by_fold(history: &History, folds: &BTreeSet<usize>) -> Option<Candidate> {
    let best = |fold: &usize| {
        let runs = history.trained().filter(|job| job.fold == *fold);
        let best = runs.reduce(|best, job| if job.dice > best.dice { job } else { best })?;
        Some((*fold, vec![best.algorithm.clone()]))
    };
    Some(Candidate {
        name: "best by fold".to_owned(),
        members: folds.iter().map(best).collect::<Option<_>>()?,
        combine: Combination::Probabilities,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JobState;

    fn history(scores: &[(&str, usize, Option<f64>)]) -> History {
        let jobs = scores.iter().map(|(algorithm, fold, dice)| Job {
            state: match dice {
                Some(_) => JobState::Trained,
                None => JobState::Failed("it broke".to_owned()),
            },
            dice: *dice,
            ..Job::planned(algorithm, *fold)
        });
        History {
            jobs: jobs.collect(),
        }
    }

    fn names(history: &History) -> Vec<String> {
        candidates(history).into_iter().map(|c| c.name).collect()
    }

    #[test]
    fn one_algorithm_is_its_own_ensemble() {
        let history = history(&[("a", 0, Some(0.8)), ("a", 1, Some(0.9))]);
        assert_eq!(names(&history), ["a"]);
        assert_eq!(candidates(&history)[0].size(), 2);
    }

    #[test]
    fn pairs_votes_and_the_best_of_each_fold() {
        let history = history(&[
            ("a", 0, Some(0.80)),
            ("a", 1, Some(0.90)),
            ("b", 0, Some(0.85)),
            ("b", 1, Some(0.70)),
            ("c", 0, Some(0.50)),
            ("c", 1, Some(0.50)),
        ]);
        assert_eq!(
            names(&history),
            [
                "a",
                "b",
                "c",
                "best by fold",
                "a + b",
                "a + c",
                "b + c",
                "all",
                "all, vote"
            ]
        );
        let by_fold = &candidates(&history)[3];
        assert_eq!(
            by_fold.members,
            [(0, vec!["b".to_owned()]), (1, vec!["a".to_owned()])]
        );
    }

    #[test]
    fn an_algorithm_with_a_failed_fold_stands_in_for_no_other() {
        let history = history(&[
            ("a", 0, Some(0.8)),
            ("a", 1, Some(0.9)),
            ("b", 0, Some(0.95)),
            ("b", 1, None),
        ]);
        assert_eq!(names(&history), ["a", "best by fold"]);
        assert!(names(&self::history(&[("a", 0, None)])).is_empty());
    }
}
