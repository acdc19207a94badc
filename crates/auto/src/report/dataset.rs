//! The report's part on the dataset: folds, problems, sizes, labels and intensities.

use super::table;
use crate::{Analyzed, Result, WorkFolder};
use serde_json::{Value, json};
use vesalius_planning::{CaseFacts, Problem, Severity};
use vesalius_view::{Chart, Curve, Page};

/// The folds, and what an analysis found.
pub(super) fn write(page: &mut Page, work: &WorkFolder, analyzed: Option<&Analyzed>) -> Result<()> {
    let list = work.list();
    page.heading("Dataset");
    page.text(&format!(
        "{} cases of {} with the channels {}, in the folds below; {} further cases have no labels.",
        list.cases.len(),
        list.name,
        list.channels.join(", "),
        list.testing.len()
    ));
    let rows = list.folds().into_iter().map(|fold| {
        let held_out = list
            .cases
            .iter()
            .filter(|case| case.fold == Some(fold))
            .count();
        vec![fold.to_string(), held_out.to_string()]
    });
    page.table(&table(&["fold", "cases held out"], rows.collect()));
    if let Some(analyzed) = analyzed {
        problems(page, analyzed);
        statistics(page, analyzed);
        labels(page, work, analyzed)?;
        intensities(page, work, analyzed)?;
    }
    Ok(())
}

/// Findings of a kind that are listed one by one; the page gives the number of the rest.
const LISTED: usize = 5;

fn problems(page: &mut Page, analyzed: &Analyzed) {
    let found = grouped(&analyzed.report.problems);
    match found.is_empty() {
        true => page.text("The check found nothing wrong or odd."),
        false => page.table(&table(&["", "what the check found"], found)),
    }
}

/// A row a finding, those of a kind together.
fn grouped(problems: &[Problem]) -> Vec<Vec<String>> {
    let mut kinds: Vec<Vec<&Problem>> = Vec::new();
    for problem in problems {
        let same = |kind: &&mut Vec<&Problem>| {
            kind[0].kind == problem.kind && kind[0].severity == problem.severity
        };
        match kinds.iter_mut().find(same) {
            Some(kind) => kind.push(problem),
            None => kinds.push(vec![problem]),
        }
    }
    let mut rows = Vec::new();
    for kind in kinds {
        let severity = match kind[0].severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let row = |text: String| vec![severity.to_owned(), text];
        // One more line is no longer than the line with the number of the rest.
        let listed = if kind.len() > LISTED + 1 {
            LISTED
        } else {
            kind.len()
        };
        rows.extend(
            kind[..listed]
                .iter()
                .map(|problem| row(problem.message.clone())),
        );
        if listed < kind.len() {
            let more = kind.len() - listed;
            rows.push(row(format!(
                "and {more} more of this kind: all are in report.json"
            )));
        }
    }
    rows
}

fn statistics(page: &mut Page, analyzed: &Analyzed) {
    let images = &analyzed.statistics.stats_summary.image_stats;
    let spread = |name: &str, unit: &str, low: String, middle: String, high: String| {
        vec![format!("{name} ({unit})"), low, middle, high]
    };
    let whole = |n: [i64; 3]| n.map(|v| v.to_string()).join(" × ");
    let real = |n: [f64; 3]| {
        n.map(|v| ((v * 100.0).round() / 100.0).to_string())
            .join(" × ")
    };
    let rows = vec![
        spread(
            "size",
            "voxels",
            whole(images.shape.min),
            real(images.shape.median),
            whole(images.shape.max),
        ),
        spread(
            "spacing",
            "mm",
            real(images.spacing.min),
            real(images.spacing.median),
            real(images.spacing.max),
        ),
        spread(
            "extent",
            "mm",
            real(images.sizemm.min),
            real(images.sizemm.median),
            real(images.sizemm.max),
        ),
    ];
    page.table(&table(&["along x, y, z", "least", "median", "most"], rows));
}

/// The volume of each label in every case, from small to large.
fn labels(page: &mut Page, work: &WorkFolder, analyzed: &Analyzed) -> Result<()> {
    let scheme = work.label_scheme()?;
    let foreground = scheme.foreground();
    let volume = |fact: &CaseFacts, values: &[u16]| {
        let voxels: usize = values
            .iter()
            .filter_map(|value| fact.labels.get(value))
            .sum();
        voxels as f64 * fact.spacing.iter().product::<f64>() / 1000.0
    };
    let series = foreground.iter().map(|(name, values)| {
        let facts = analyzed.report.facts.iter();
        ranked(name, facts.map(|fact| volume(fact, values)).collect())
    });
    page.chart(&Chart {
        title: "Volume of each label, cases from small to large".to_owned(),
        x: "case".to_owned(),
        y: "ml".to_owned(),
        series: series.collect(),
        ..Chart::default()
    })?;
    Ok(())
}

/// The mean intensity of each channel in every case, from low to high.
fn intensities(page: &mut Page, work: &WorkFolder, analyzed: &Analyzed) -> Result<()> {
    let channels = work.list().channels.iter().enumerate();
    let series = channels.map(|(channel, name)| {
        let facts = analyzed.report.facts.iter();
        let means = facts.filter_map(|fact| fact.mean_intensity.get(channel).copied());
        ranked(name, means.collect())
    });
    page.chart(&Chart {
        title: "Mean intensity of each channel, cases from low to high".to_owned(),
        x: "case".to_owned(),
        y: "mean intensity".to_owned(),
        series: series.collect(),
        ..Chart::default()
    })?;
    Ok(())
}

fn ranked(name: &str, mut values: Vec<f64>) -> Curve {
    values.sort_by(f64::total_cmp);
    Curve {
        name: name.to_owned(),
        points: (1..).map(f64::from).zip(values).collect(),
    }
}

/// The same as numbers.
pub(super) fn as_json(analyzed: Option<&Analyzed>) -> Value {
    analyzed.map_or(Value::Null, |analyzed| {
        json!({
            "problems": analyzed.report.problems,
            "cases": analyzed.report.facts,
            "statistics": analyzed.statistics.stats_summary,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_planning::ProblemKind;

    #[test]
    fn many_findings_of_a_kind_are_listed_in_part() {
        let found = |kind: ProblemKind, severity: Severity, message: String| {
            Problem::new(severity, kind, &[], message)
        };
        let mut problems: Vec<Problem> = (0..9)
            .map(|n| {
                found(
                    ProblemKind::Intensity,
                    Severity::Warning,
                    format!("odd {n}"),
                )
            })
            .collect();
        problems.push(found(
            ProblemKind::Geometry,
            Severity::Error,
            "wrong".to_owned(),
        ));
        let rows = grouped(&problems);
        let texts: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
        let last = "and 4 more of this kind: all are in report.json";
        assert_eq!(
            texts,
            ["odd 0", "odd 1", "odd 2", "odd 3", "odd 4", last, "wrong"]
        );
        assert_eq!(
            (rows[5][0].as_str(), rows[6][0].as_str()),
            ("warning", "error")
        );
        assert_eq!(grouped(&problems[..6]).len(), 6);
    }
}
