//! The report's part on training runs.

use super::table;
use crate::{History, Job, JobState, Result, WorkFolder};
use serde_json::Value;
use vesalius_inferers::ByteSize;
use vesalius_training::LOG_FILE;
use vesalius_view::{Chart, Curve, Page};

/// A line a run, and the score of each label; the curves of all.
pub(super) fn write(page: &mut Page, work: &WorkFolder, history: &History) -> Result<()> {
    page.heading("Runs");
    let rows = history.jobs.iter().map(|job| {
        vec![
            job.algorithm.clone(),
            job.fold.to_string(),
            job.dice.map_or("–".to_owned(), |dice| format!("{dice:.4}")),
            labels(job),
            job.steps.to_string(),
            format!("{:.1}", job.seconds / 60.0),
            job.memory
                .map_or("–".to_owned(), |bytes| ByteSize(bytes).to_string()),
            state(job),
        ]
    });
    page.table(&table(
        &[
            "algorithm",
            "fold",
            "Dice",
            "by label, with 95 % intervals",
            "steps",
            "minutes",
            "memory",
            "state",
        ],
        rows.collect(),
    ));
    let series: Vec<Curve> = history
        .jobs
        .iter()
        .filter_map(|job| curve(work, job))
        .collect();
    if !series.is_empty() {
        page.chart(&Chart {
            title: "Dice of held-out cases while training".to_owned(),
            x: "step".to_owned(),
            y: "Dice".to_owned(),
            series,
            ..Chart::default()
        })?;
    }
    Ok(())
}

fn labels(job: &Job) -> String {
    let shown = job.labels.iter().map(|label| {
        let dice = label
            .dice
            .map_or("–".to_owned(), |dice| format!("{dice:.4}"));
        let interval = label.interval.map_or(String::new(), |[low, high]| {
            format!(" [{low:.4}, {high:.4}]")
        });
        format!("{} {dice}{interval}", label.name)
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn state(job: &Job) -> String {
    let state = match &job.state {
        JobState::Planned => "not finished".to_owned(),
        JobState::Trained => "trained".to_owned(),
        JobState::Failed(reason) => format!("failed, left out: {reason}"),
        JobState::Collapsed(reason) => format!("collapsed, left out: {reason}"),
    };
    let scored = match (job.unscored, job.quick) {
        (0, false) => String::new(),
        (unscored, quick) => {
            let cases = (unscored > 0).then(|| format!("{unscored} held-out cases not scored"));
            let quick = quick.then(|| "the others without mirrors and overlap".to_owned());
            let what: Vec<String> = cases.into_iter().chain(quick).collect();
            format!("; {}, for lack of time", what.join(", "))
        }
    };
    let tries = job
        .earlier
        .iter()
        .chain(&job.failures)
        .map(|reason| format!("; an earlier try: {reason}"));
    state + &scored + &tries.collect::<String>()
}

/// The validations of a run, from its log.
fn curve(work: &WorkFolder, job: &Job) -> Option<Curve> {
    let text = std::fs::read_to_string(work.folder().join(&job.folder).join(LOG_FILE)).ok()?;
    let points: Vec<(f64, f64)> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["event"] == "validated")
        .filter_map(|event| Some((event["step"].as_f64()?, event["dice"].as_f64()?)))
        .collect();
    (!points.is_empty()).then(|| Curve {
        name: format!("{} fold {}", job.algorithm, job.fold),
        points,
    })
}
