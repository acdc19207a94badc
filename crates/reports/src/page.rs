//! The page of a report: what a run did and how well, from the run's log.

use crate::curves::curves;
use crate::{REPORT_FILE, drawn, machine};
use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_metrics::Table;
use vesalius_tensor::device_words;
use vesalius_training::{LOG_FILE, Result, RunState, SkippedCase};
use vesalius_view::{Page, Picture};

/// Cases in the table of the worst.
const LISTED_CASES: usize = 10;
/// Warnings of one kind that are written out.
const LISTED_WARNINGS: usize = 5;

/// The version of Burn that the workspace's manifest pins.
const BURN: &str = "0.22.1";

/// The contents of a report.
pub(crate) struct ReportInput<'a> {
    pub run: &'a RunState<'a>,
    /// The config as YAML.
    pub config: &'a str,
    /// Held-out cases with the lowest Dice: the caption and the picture of each.
    pub worst: Vec<(String, Picture)>,
}

/// The cases of the best validation with the lowest Dice, the lowest first; empty where cases were
/// not scored one by one.
pub(crate) fn worst_cases(folder: &Path, count: usize) -> Vec<(String, f64)> {
    let events = events(folder);
    let best = events
        .iter()
        .rev()
        .find(|e| e["event"] == "validated" && e["best"] == true);
    best.map(cases_of)
        .unwrap_or_default()
        .into_iter()
        .take(count)
        .collect()
}

/// Writes the report from the log, whole or not at all.
///
/// # Errors
/// A folder that cannot be written.
pub(crate) fn write_report(input: &ReportInput) -> Result<()> {
    let run = input.run;
    let events = events(run.folder());
    let mut page = Page::new(format!("Training of {}", run.config().name));
    summary(&mut page, input, &events);
    curves(&mut page, &events)?;
    scores(&mut page, &events);
    if !input.worst.is_empty() {
        page.heading("Worst held-out cases");
        page.text("Reference above, prediction below, on the grid that the network sees.");
        for (caption, picture) in &input.worst {
            drawn(page.picture(picture, caption))?;
        }
    }
    notes(&mut page, input, &events);
    facts(&mut page, input);
    let path = run.folder().join(REPORT_FILE);
    Ok(vesalius_io::write_bytes_atomically(
        &path,
        page.html().as_bytes(),
    )?)
}

/// The log's lines; what cannot be read is left out, as a report must not end a run.
fn events(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(LOG_FILE)).unwrap_or_default();
    let lines = text.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

pub(crate) fn of_kind<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["event"] == kind)
}

pub(crate) fn number(event: &Value, key: &str) -> f64 {
    event[key].as_f64().unwrap_or(f64::NAN)
}

pub(crate) fn pairs(value: &Value) -> Vec<(String, f64)> {
    let pairs = value.as_array().into_iter().flatten();
    pairs
        .filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_f64()?)))
        .collect()
}

fn cases_of(event: &Value) -> Vec<(String, f64)> {
    pairs(&event["cases"])
}

fn summary(page: &mut Page, input: &ReportInput, events: &[Value]) {
    let (run, progress) = (input.run, input.run.progress());
    let of = progress
        .steps
        .map_or(String::new(), |steps| format!(" of {steps}"));
    let waited = 100.0 * progress.waited / progress.seconds.max(1e-9);
    page.text(&format!(
        "{} steps{of} in {:.1} minutes on {} training cases of {}; {waited:.1} % of the time was spent waiting for batches.",
        progress.step,
        progress.seconds / 60.0,
        run.data().training.names().len(),
        run.data().dataset,
    ));
    if let Some(best) = progress.best {
        page.text(&format!(
            "Best mean Dice {:.4} on {} held-out cases (fold {}) after step {}: its weights are in the model folder.",
            best.dice,
            run.data().validation.names().len(),
            run.config().validation.fold,
            best.step
        ));
    }
    if let Some(step) = of_kind(events, "stopped_early").last() {
        page.text(&format!(
            "The run ended early, after {} validations without a gain.",
            step["validations"]
        ));
    }
}

fn scores(page: &mut Page, events: &[Value]) {
    let Some(best) = of_kind(events, "validated")
        .filter(|e| e["best"] == true)
        .last()
    else {
        return;
    };
    page.heading("Scores of the weights that are kept");
    let row = |(name, dice): (String, f64)| vec![name, format!("{dice:.4}")];
    let mut rows: Vec<Vec<String>> = pairs(&best["labels"]).into_iter().map(row).collect();
    rows.push(vec![
        "mean".to_owned(),
        format!("{:.4}", number(best, "dice")),
    ]);
    page.table(&Table {
        head: vec!["label".to_owned(), "Dice".to_owned()],
        rows,
    });
    let cases = cases_of(best);
    if !cases.is_empty() {
        let listed = cases.len().min(LISTED_CASES);
        page.text(&format!("The {listed} worst of {} cases:", cases.len()));
        page.table(&Table {
            head: vec!["case".to_owned(), "Dice".to_owned()],
            rows: cases.into_iter().take(LISTED_CASES).map(row).collect(),
        });
    }
}

/// Warnings, and the cases that were left out.
fn notes(page: &mut Page, input: &ReportInput, events: &[Value]) {
    let warnings = warnings(events);
    if !warnings.is_empty() {
        page.heading("Warnings");
        page.list(warnings);
    }
    let skipped = &input.run.progress().skipped;
    if !skipped.is_empty() {
        page.heading("Cases left out");
        page.text(&format!("{} could not be used.", skipped.len()));
        let row = |skipped: &SkippedCase| vec![skipped.case.clone(), skipped.reason.clone()];
        page.table(&Table {
            head: vec!["case".to_owned(), "reason".to_owned()],
            rows: skipped.iter().map(row).collect(),
        });
    }
}

/// The sentences of all warnings of runs, from the logs in their folders: one kind after another; of a kind with
/// many, the first and how many more. A log that cannot be read gives none.
pub fn logged_warnings(folders: &[PathBuf]) -> Vec<String> {
    let each = folders.iter().flat_map(|folder| events(folder));
    warnings(&each.collect::<Vec<_>>())
}

/// The sentences of all warnings, the kinds one after another; of a kind with many, the first and how many more.
fn warnings(events: &[Value]) -> Vec<String> {
    let mut kinds: Vec<(&Value, Vec<&str>)> = Vec::new();
    for event in of_kind(events, "warning") {
        let (kind, text) = (&event["kind"], event["text"].as_str().unwrap_or_default());
        let place = kinds.iter().position(|(known, _)| *known == kind);
        let place = place.unwrap_or_else(|| {
            kinds.push((kind, Vec::new()));
            kinds.len() - 1
        });
        // A resumed run logged some of them again.
        if !kinds[place].1.contains(&text) {
            kinds[place].1.push(text);
        }
    }
    let mut lines = Vec::new();
    for (_, texts) in kinds {
        lines.extend(
            texts
                .iter()
                .take(LISTED_WARNINGS)
                .map(|text| (*text).to_owned()),
        );
        if let Some(more) = texts.len().checked_sub(LISTED_WARNINGS).filter(|&n| n > 0) {
            lines.push(format!("… and {more} more of the last kind, in {LOG_FILE}"));
        }
    }
    lines
}

fn facts(page: &mut Page, input: &ReportInput) {
    let run = input.run;
    page.heading("Machine and versions");
    let mut facts = vec![
        ("vesalius".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("burn".to_owned(), BURN.to_owned()),
        ("device".to_owned(), device_words(run.device())),
        ("seed".to_owned(), run.config().seed.to_string()),
        ("parameters".to_owned(), run.parameters().to_string()),
    ];
    facts.extend(machine::describe());
    if let Some(bytes) = run.memory() {
        facts.push((
            "memory held at the end".to_owned(),
            machine::gibibytes(bytes),
        ));
    }
    page.table(&Table {
        head: vec!["what".to_owned(), "value".to_owned()],
        rows: facts
            .into_iter()
            .map(|(name, value)| vec![name, value])
            .collect(),
    });
    page.heading("Config");
    page.code(input.config);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn warning(kind: &str, text: &str) -> Value {
        json!({"event": "warning", "kind": kind, "text": text})
    }

    #[test]
    fn every_kind_of_warning_is_listed_and_of_many_of_a_kind_the_first() {
        let mut events = vec![
            warning("no_scaling", "first of all"),
            json!({"event": "stopped"}),
        ];
        events.extend((0..8).map(|i| warning("label_in_no_case", &format!("label {i}"))));
        events.push(warning("no_scaling", "first of all"));
        events.push(warning("plan_edited", "last of all"));
        let listed = warnings(&events);
        assert_eq!((listed.len(), listed[0].as_str()), (8, "first of all"));
        assert_eq!(listed[5], "label 4");
        assert!(listed[6].contains("3 more"), "{}", listed[6]);
        assert_eq!(listed[7], "last of all");
    }

    #[test]
    fn the_version_of_burn_is_the_one_that_is_built() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
        let Ok(manifest) = std::fs::read_to_string(path) else {
            println!("skipped: {path} is not there, as in a package");
            return;
        };
        assert!(manifest.contains(&format!("burn = {{ version = \"={BURN}\"")));
    }
}
