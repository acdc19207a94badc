//! The page of a report: what a run did and how well, from the run's log.

use crate::{REPORT_FILE, drawn, machine};
use serde_json::Value;
use std::path::Path;
use vesalius_metrics::Table;
use vesalius_training::{LOG_FILE, Result, RunState};
use vesalius_view::{Chart, Page, Picture, Series};

/// Points of a curve; more are averaged in groups.
const POINTS: usize = 400;
/// Cases in the table of the worst.
const LISTED_CASES: usize = 10;

/// What a report tells of.
pub(crate) struct ReportInput<'a> {
    pub run: &'a RunState<'a>,
    /// The config as YAML.
    pub config: &'a str,
    /// Held-out cases with the lowest Dice: what stands below each, and its picture.
    pub worst: Vec<(String, Picture)>,
}

/// The cases of the best validation with the lowest Dice, the lowest first; nothing where cases were
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

fn of_kind<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["event"] == kind)
}

fn number(event: &Value, key: &str) -> f64 {
    event[key].as_f64().unwrap_or(f64::NAN)
}

fn pairs(value: &Value) -> Vec<(String, f64)> {
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

fn curves(page: &mut Page, events: &[Value]) -> Result<()> {
    let steps: Vec<&Value> = of_kind(events, "step").collect();
    if steps.is_empty() {
        return Ok(());
    }
    page.heading("Curves");
    let curve = |key: &str| Series {
        name: key.replace('_', " "),
        points: thinned(&steps, key),
    };
    let chart = |title: &str, y: &str, series: Vec<Series>| Chart {
        title: title.to_owned(),
        x: "step".to_owned(),
        y: y.to_owned(),
        series,
        ..Chart::default()
    };
    drawn(page.chart(&chart("Training loss", "loss", vec![curve("loss")])))?;
    let dice = dice_curves(events);
    if !dice.is_empty() {
        drawn(page.chart(&chart("Dice of held-out cases", "Dice", dice)))?;
    }
    let rate = curve("learning_rate");
    drawn(page.chart(&chart("Learning rate", "rate", vec![rate])))?;
    let norm = curve("gradient_norm");
    if norm.points.iter().any(|point| point.1.is_finite()) {
        drawn(page.chart(&chart("Gradient norm before clipping", "norm", vec![norm])))?;
    }
    Ok(())
}

/// At most [`POINTS`] points, each the mean of a group of steps.
fn thinned(steps: &[&Value], key: &str) -> Vec<(f64, f64)> {
    let group = steps.len().div_ceil(POINTS);
    steps
        .chunks(group)
        .map(|steps| {
            let mean = |key: &str| {
                steps.iter().map(|step| number(step, key)).sum::<f64>() / steps.len() as f64
            };
            (mean("step"), mean(key))
        })
        .collect()
}

fn dice_curves(events: &[Value]) -> Vec<Series> {
    let validations: Vec<&Value> = of_kind(events, "validated").collect();
    let Some(first) = validations.first() else {
        return Vec::new();
    };
    let points = |value: &dyn Fn(&Value) -> f64| {
        validations
            .iter()
            .map(|event| (number(event, "step"), value(event)))
            .collect()
    };
    let mean = Series {
        name: "mean".to_owned(),
        points: points(&|event| number(event, "dice")),
    };
    let labels = pairs(&first["labels"]).into_iter().enumerate();
    let each = labels.map(|(i, (name, _))| Series {
        name,
        points: points(&|event| event["labels"][i][1].as_f64().unwrap_or(f64::NAN)),
    });
    std::iter::once(mean).chain(each).collect()
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
    // A run that went on told some of them again.
    let mut warnings: Vec<&str> = Vec::new();
    for text in of_kind(events, "warning").filter_map(|event| event["text"].as_str()) {
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    }
    if !warnings.is_empty() {
        page.heading("Warnings");
        warnings.iter().for_each(|text| page.text(text));
    }
    let skipped = &input.run.progress().skipped;
    if !skipped.is_empty() {
        page.heading("Cases left out");
        page.text(&format!("{} could not be used.", skipped.len()));
        let row = |(case, reason): &(String, String)| vec![case.clone(), reason.clone()];
        page.table(&Table {
            head: vec!["case".to_owned(), "reason".to_owned()],
            rows: skipped.iter().map(row).collect(),
        });
    }
}

fn facts(page: &mut Page, input: &ReportInput) {
    let run = input.run;
    page.heading("Machine and versions");
    let mut facts = vec![
        ("vesalius".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("burn".to_owned(), "0.22.1".to_owned()),
        ("device".to_owned(), format!("{:?}", run.device())),
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
