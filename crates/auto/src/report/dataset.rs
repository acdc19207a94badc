//! The report's part on the dataset: folds, problems, sizes, labels and intensities.

use super::table;
use crate::{Analyzed, Result, Work};
use serde_json::{Value, json};
use vesalius_planning::{CaseFacts, Severity};
use vesalius_view::{Chart, Page, Series};

/// The folds, and what an analysis found.
pub(super) fn write(page: &mut Page, work: &Work, analyzed: Option<&Analyzed>) -> Result<()> {
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

fn problems(page: &mut Page, analyzed: &Analyzed) {
    let found = analyzed.report.problems.iter().map(|problem| {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        vec![severity.to_owned(), problem.message.clone()]
    });
    let found: Vec<_> = found.collect();
    match found.is_empty() {
        true => page.text("The check found nothing wrong or odd."),
        false => page.table(&table(&["", "what the check found"], found)),
    }
}

fn statistics(page: &mut Page, analyzed: &Analyzed) {
    let images = &analyzed.statistics.stats_summary.image_stats;
    let spread = |name: &str, unit: &str, low: String, middle: String, high: String| {
        vec![format!("{name} ({unit})"), low, middle, high]
    };
    let whole = |n: [i64; 3]| n.map(|v| v.to_string()).join(" × ");
    let real = |n: [f64; 3]| n.map(|v| format!("{v:.2}")).join(" × ");
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
fn labels(page: &mut Page, work: &Work, analyzed: &Analyzed) -> Result<()> {
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
fn intensities(page: &mut Page, work: &Work, analyzed: &Analyzed) -> Result<()> {
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

fn ranked(name: &str, mut values: Vec<f64>) -> Series {
    values.sort_by(f64::total_cmp);
    Series {
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
