//! `report.html` and `report.json`: the dataset, the plans and their reasons, every run, the ensemble and
//! its worst cases, in one file that opens without a server.

mod algorithms;
mod dataset;
mod runs;

use crate::ensemble::segment_case;
use crate::{Analyzed, Choice, History, Plan, Result, WorkFolder};
use serde_json::{Value, json};
use std::path::PathBuf;
use vesalius_control::Control;
use vesalius_metrics::{Bootstrap, Evaluation, Table};
use vesalius_training::read_image;
use vesalius_view::{Montage, Page, Scene, label_names};

/// Cases shown as pictures.
const PICTURES: usize = 3;

/// Writes both files; returns the path of the page.
///
/// # Errors
/// Nothing trained yet, files that cannot be read, a folder that cannot be written.
pub fn write_report(work: &WorkFolder, plans: &[Plan]) -> Result<PathBuf> {
    write_report_with(work, plans, &Control::new())
}

/// As [`write_report`], cancelled between two cases; nothing is written then.
///
/// # Errors
/// As [`write_report`]; [`crate::Error::Cancelled`].
pub fn write_report_with(work: &WorkFolder, plans: &[Plan], control: &Control) -> Result<PathBuf> {
    let history = History::read(work.folder())?;
    let choice = Choice::read(work)?;
    let scores = match &choice {
        Some(choice) => Some(choice.evaluation_with(work, &history, control)?),
        None => None,
    };
    let mut page = Page::new(format!("Auto: {}", work.input().name));
    if let (Some(choice), Some(scores)) = (&choice, &scores) {
        page.text(&result(work, choice, scores));
    }
    let analyzed = Analyzed::read(work);
    control.check()?;
    dataset::write(&mut page, work, analyzed.as_ref())?;
    plan_reasons(&mut page, plans);
    runs::write(&mut page, work, &history)?;
    algorithms::write(&mut page, &history, choice.as_ref());
    if let (Some(choice), Some(scores)) = (&choice, &scores) {
        ensemble(&mut page, choice, scores);
        let pictured = (choice, scores);
        worst(&mut page, (work, &history), pictured, control)?;
    }
    warnings(&mut page, work, &history);
    let html = work.folder().join("report.html");
    vesalius_io::write_bytes_atomically(&html, page.html().as_bytes())?;
    let mut numbers = as_json(work, plans, &history, choice.as_ref(), scores.as_ref());
    numbers["dataset"] = dataset::as_json(analyzed.as_ref());
    vesalius_io::write_bytes_atomically(
        work.folder().join("report.json"),
        numbers.to_string().as_bytes(),
    )?;
    Ok(html)
}

/// The result of the work, in a sentence.
fn result(work: &WorkFolder, choice: &Choice, scores: &Evaluation) -> String {
    let labelled = work.list().cases.len();
    let cases = match scores.cases().len() {
        all if all == labelled => format!("all {all} cases"),
        some => format!("{some} of {labelled} cases"),
    };
    let models = match choice.best.candidate.size() {
        1 => "1 model".to_owned(),
        several => format!("{several} models"),
    };
    format!(
        "The model of this work is {} ({models}): mean Dice {:.4} in cross-validation, on {cases}, each segmented by models that did not see it.",
        choice.best.candidate.name, choice.dice
    )
}

/// The warnings of the work folder and of its runs.
fn warnings(page: &mut Page, work: &WorkFolder, history: &History) {
    let mut told: Vec<String> = work.warnings().iter().map(ToString::to_string).collect();
    let folders = history
        .jobs
        .iter()
        .map(|job| work.folder().join(&job.folder));
    told.extend(vesalius_reports::logged_warnings(
        &folders.collect::<Vec<_>>(),
    ));
    if !told.is_empty() {
        page.heading("Warnings");
        page.list(told);
    }
}

fn plan_reasons(page: &mut Page, plans: &[Plan]) {
    page.heading("Plans");
    for plan in plans {
        page.text(&format!("{}:", plan.name()));
        let reasons = plan.reasons.iter().map(|reason| vec![reason.clone()]);
        page.table(&table(&["because"], reasons.collect()));
    }
}

fn ensemble(page: &mut Page, choice: &Choice, scores: &Evaluation) {
    page.heading("Ensemble");
    let steps = match choice.postprocessing.is_empty() {
        true => "no post-processing helped".to_owned(),
        false => {
            let steps = choice.postprocessing.iter().map(ToString::to_string);
            format!("kept is {}", steps.collect::<Vec<_>>().join(", then "))
        }
    };
    page.text(&format!(
        "Taken: {} ({} models, {}); {steps}. Mean Dice {:.4} on cases that no member of it saw.",
        choice.best.candidate.name,
        choice.best.candidate.size(),
        choice.best.candidate.combine,
        choice.dice
    ));
    if !choice.missing.is_empty() {
        page.text("Missing, because they have no model:");
        let rows = choice.missing.iter().map(|missing| {
            let fold = missing.fold.to_string();
            vec![missing.algorithm.clone(), fold, missing.reason.clone()]
        });
        page.table(&table(&["algorithm", "fold", "reason"], rows.collect()));
    }
    page.table(&scores.label_table(&Bootstrap::default()));
    page.text("All that were tried, scored in the same way, without post-processing:");
    let rows = choice.tried.iter().map(|tried| {
        let labels = tried
            .labels
            .iter()
            .map(|(name, dice)| format!("{name} {dice:.4}"));
        vec![
            tried.candidate.name.clone(),
            tried.candidate.size().to_string(),
            format!("{:.4}", tried.dice),
            labels.collect::<Vec<_>>().join(", "),
        ]
    });
    page.table(&table(
        &["ensemble", "models", "Dice", "by label"],
        rows.collect(),
    ));
}

fn worst(
    page: &mut Page,
    (work, history): (&WorkFolder, &History),
    (choice, scores): (&Choice, &Evaluation),
    control: &Control,
) -> Result<()> {
    page.heading("Worst cases");
    for scored in scores.worst_first("dice").into_iter().take(PICTURES) {
        control.check()?;
        let Some(case) = work
            .list()
            .cases
            .iter()
            .find(|case| case.name == scored.case)
        else {
            continue;
        };
        let segmented = segment_case(work, history, choice, case)?;
        let image = read_image(&case.images, work.list().channels.len())?;
        let scene = Scene {
            reference: Some(&segmented.reference),
            prediction: Some(&segmented.found),
            names: label_names(&segmented.scheme),
            ..Scene::of(&image)
        };
        let dice = scored
            .mean("dice")
            .map_or("–".to_owned(), |dice| format!("{dice:.4}"));
        let caption = format!("{}: Dice {dice}; reference and segmentation", scored.case);
        page.picture(&Montage::default().draw(&scene)?, &caption)?;
    }
    Ok(())
}

fn as_json(
    work: &WorkFolder,
    plans: &[Plan],
    history: &History,
    choice: Option<&Choice>,
    scores: Option<&Evaluation>,
) -> Value {
    let cases = scores.map(|scores| {
        let each = scores
            .cases()
            .iter()
            .map(|case| (case.case.clone(), json!(case.mean("dice"))));
        each.collect::<serde_json::Map<_, _>>()
    });
    json!({
        "name": work.input().name,
        "made_by": concat!("vesalius ", env!("CARGO_PKG_VERSION")),
        "cases": work.list().cases.len(),
        "plans": plans,
        "runs": history.jobs,
        "algorithms": algorithms::as_json(history, choice),
        "missing": history.missing(),
        "warnings": work.warnings(),
        "ensemble": choice,
        "case_dice": cases,
    })
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table {
        head: head.iter().map(|name| (*name).to_owned()).collect(),
        rows,
    }
}
