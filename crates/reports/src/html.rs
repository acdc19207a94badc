//! `report.html`: rewritten after each validation, and at the end with pictures of the worst cases.

use crate::page::{ReportInput, worst_cases, write_report};
use crate::picture::picture_of;
use vesalius_training::{Callback, Event, Result, RunState, TrainingControl};
use vesalius_view::Picture;

/// The report's file name in the output folder.
pub const REPORT_FILE: &str = "report.html";

/// Worst cases that the report shows.
const WORST_CASES: usize = 3;

/// Writes what a run did and how well into the run's folder, from its log.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HtmlReport {}

impl Callback for HtmlReport {
    fn on_event(&mut self, _: &Event, _: &mut TrainingControl) -> Result<()> {
        Ok(())
    }

    fn on_validated(&mut self, run: &RunState<'_>) -> Result<()> {
        write(run, Vec::new())
    }

    fn on_end(&mut self, run: &RunState<'_>) -> Result<()> {
        // Pictures only where nothing is left to do.
        match run.is_done() {
            true => write(run, worst_pictures(run)?),
            false => write(run, Vec::new()),
        }
    }
}

fn write(run: &RunState<'_>, worst: Vec<(String, Picture)>) -> Result<()> {
    write_report(&ReportInput {
        run,
        config: &run.config_text()?,
        worst,
    })
}

/// Pictures of the worst cases by the weights that are kept.
fn worst_pictures(run: &RunState<'_>) -> Result<Vec<(String, Picture)>> {
    let worst = worst_cases(run.folder(), WORST_CASES);
    if worst.is_empty() {
        return Ok(Vec::new());
    }
    let network = run.kept_network()?;
    let mut pictures = Vec::new();
    for (name, dice) in worst {
        if let Some(picture) = picture_of(run, &network, &name)? {
            pictures.push((format!("{name}, Dice {dice:.4}"), picture));
        }
    }
    Ok(pictures)
}
