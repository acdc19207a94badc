//! The report's part on algorithms: what each reached in cross-validation.

use super::table;
use crate::{Choice, History, Job};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vesalius_view::Page;

/// What one algorithm reached.
struct Reached<'a> {
    name: &'a str,
    trained: usize,
    folds: usize,
    /// Mean Dice on cases that its models were not trained on; over all of them where every fold was trained, else the
    /// mean of its folds.
    dice: Option<f64>,
}

fn reached<'a>(history: &'a History, choice: Option<&Choice>) -> Vec<Reached<'a>> {
    let mut by_name: BTreeMap<&str, Vec<&Job>> = BTreeMap::new();
    for job in &history.jobs {
        by_name.entry(&job.algorithm).or_default().push(job);
    }
    let of = |(name, jobs): (&'a str, Vec<&Job>)| {
        let scores: Vec<f64> = jobs
            .iter()
            .filter(|job| job.is_trained())
            .filter_map(|job| job.dice)
            .collect();
        let alone = choice.and_then(|choice| {
            let mut tried = choice.tried.iter();
            tried.find(|tried| tried.candidate.name == name)
        });
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        Reached {
            name,
            trained: scores.len(),
            folds: jobs.len(),
            dice: match alone {
                Some(scored) => Some(scored.dice),
                None => (!scores.is_empty()).then_some(mean),
            },
        }
    };
    by_name.into_iter().map(of).collect()
}

pub(super) fn write(page: &mut Page, history: &History, choice: Option<&Choice>) {
    page.heading("Algorithms");
    page.text("Dice in cross-validation: each case is segmented by the model that did not see it.");
    let rows = reached(history, choice).into_iter().map(|reached| {
        vec![
            reached.name.to_owned(),
            format!("{} of {}", reached.trained, reached.folds),
            reached
                .dice
                .map_or("–".to_owned(), |dice| format!("{dice:.4}")),
        ]
    });
    page.table(&table(
        &["algorithm", "folds trained", "cross-validated Dice"],
        rows.collect(),
    ));
}

pub(super) fn as_json(history: &History, choice: Option<&Choice>) -> Value {
    let all = reached(history, choice).into_iter().map(|reached| {
        json!({
            "name": reached.name,
            "folds": reached.folds,
            "folds_trained": reached.trained,
            "dice": reached.dice,
        })
    });
    all.collect()
}
