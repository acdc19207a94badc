//! Held-out cases scored, segmented whole on their files' own grids.

use crate::source::CaseSource;
use crate::{Error, Event, Result};
use std::time::Instant;
use vesalius_control::Control;
use vesalius_inferers::{AxisOrder, AxisOrderAdapter, Inferer, labels_on_file};
use vesalius_metrics::{CaseScores, Evaluation, Evaluator, Measure, Targets};
use vesalius_networks::Network;
use vesalius_tensor::Device;
use vesalius_volume::{LabelMap, LabelScheme};

/// What a validation found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scores {
    /// Mean Dice over foreground labels.
    pub dice: f64,
    /// Dice of each foreground label or region.
    pub labels: Vec<(String, f64)>,
    /// Dice of each case, the worst first; empty where patches were scored.
    pub cases: Vec<(String, f64)>,
}

/// The labels that a network gives to a preprocessed case, on the grid of its file.
///
/// # Errors
/// A network whose output does not fit; [`Error::Cancelled`].
pub(crate) fn segment(
    network: &Network,
    case: &crate::Case,
    scheme: &LabelScheme,
    inferer: &Inferer,
    device: &Device,
    control: &Control,
) -> Result<LabelMap> {
    let network = AxisOrderAdapter {
        network,
        order: AxisOrder::Zyx,
    };
    let failed = |source| match Error::from(source) {
        Error::Inferer(source) => Error::Validation {
            case: case.subject().name().to_owned(),
            source: Box::new(source),
        },
        // That the work was cancelled is no failure of the case.
        other => other,
    };
    let logits = inferer.run_controlled(case.subject().image(), &network, device, control);
    let logits = logits.map_err(failed)?;
    let grid = match case.reference() {
        Some(reference) => reference.geometry(),
        None => case.subject().geometry(),
    };
    labels_on_file(logits, grid, case.coverage(), scheme).map_err(failed)
}

/// Scores a network on whole cases with labels. Cases that are broken are left out: they were named
/// when they were found.
///
/// # Errors
/// A network whose output does not fit, or a case that cannot be scored;
/// [`Error::Cancelled`].
pub fn validate(
    network: &Network,
    cases: &dyn CaseSource,
    scheme: &LabelScheme,
    inferer: &Inferer,
    device: &Device,
    control: &Control,
    observer: &mut dyn FnMut(&Event),
) -> Result<Evaluation> {
    let which: Vec<usize> = (0..cases.names().len()).collect();
    let validation = Validation {
        network,
        cases,
        scheme,
        inferer,
        device,
        control,
        ends: None,
    };
    Ok(Evaluation::new(validation.run(&which, observer)?)?)
}

/// Whole cases to score a network on.
pub(crate) struct Validation<'a> {
    pub network: &'a Network,
    pub cases: &'a dyn CaseSource,
    pub scheme: &'a LabelScheme,
    pub inferer: &'a Inferer,
    pub device: &'a Device,
    pub control: &'a Control,
    /// The time from which on no more is scored.
    pub ends: Option<Instant>,
}

impl Validation<'_> {
    /// Scores the cases of these numbers; those of them that were done in time.
    pub fn run(
        &self,
        which: &[usize],
        observer: &mut dyn FnMut(&Event),
    ) -> Result<Vec<CaseScores>> {
        let evaluator = Evaluator::new(Targets::of_scheme(self.scheme)?, vec![Measure::Dice]);
        let stage = self.control.stage("validation", which.len() as u64);
        let timed = within(stage.control(), self.ends);
        let broken = self.cases.broken();
        let mut scores = Vec::with_capacity(which.len());
        for (done, &index) in (1..).zip(which) {
            let name = &self.cases.names()[index];
            if !broken.iter().any(|broken| broken.case == *name) {
                match self.score(name, index, &evaluator, &timed) {
                    Err(error) if error.is_cancelled() && !self.control.is_cancelled() => break,
                    score => scores.extend(score?),
                }
            }
            stage.advance(1);
            observer(&Event::ValidatedCase {
                done,
                cases: which.len(),
            });
        }
        Ok(scores)
    }

    fn score(
        &self,
        name: &str,
        index: usize,
        evaluator: &Evaluator,
        control: &Control,
    ) -> Result<Option<CaseScores>> {
        control.check()?;
        let case = self.cases.get(index)?.whole()?;
        let Some(reference) = case.reference() else {
            return Ok(None);
        };
        let prediction = segment(
            self.network,
            &case,
            self.scheme,
            self.inferer,
            self.device,
            control,
        )?;
        let control = control.silent();
        Ok(Some(evaluator.case_with(
            name,
            reference,
            &prediction,
            &control,
        )?))
    }
}

/// A handle that is cancelled at a time, if there is one.
pub(crate) fn within(control: &Control, ends: Option<Instant>) -> Control {
    ends.map_or_else(|| control.clone(), |ends| control.until(ends))
}

/// An evaluation as the run's own scores.
pub(crate) fn scores_of(evaluation: &Evaluation, scheme: &LabelScheme) -> Scores {
    let targets = evaluation.targets().map(|t| t.list()).unwrap_or_default();
    let labels = scheme
        .foreground()
        .iter()
        .zip(targets)
        .map(|((name, _), target)| {
            let summary = evaluation.summary(&target.key, "dice");
            let mean = summary.and_then(|summary| summary.mean);
            ((*name).to_owned(), mean.unwrap_or(0.0))
        })
        .collect();
    let cases = evaluation.worst_first("dice");
    Scores {
        dice: evaluation.mean("dice").unwrap_or(0.0),
        labels,
        cases: cases
            .into_iter()
            .filter_map(|case| Some((case.case.clone(), case.mean("dice")?)))
            .collect(),
    }
}
