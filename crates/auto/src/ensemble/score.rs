//! Candidates scored on the held-out cases, and the one that is taken.

use super::Candidate;
use super::candidates::candidates;
use super::post::{Judged, decide, evaluate};
use crate::held_out::{common_cases, dice_of, probabilities_path, read_probabilities};
use crate::{Error, History, Missing, Result, WorkFolder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vesalius_control::Control;
use vesalius_inferers::{Combination, ModelDescription, PostprocessingStep, combine, postprocess};
use vesalius_metrics::{Evaluation, Targets};
use vesalius_planning::CaseFiles;
use vesalius_volume::{LabelMap, LabelScheme};

const FILE: &str = "ensemble.json";

/// How the choice is made.
#[derive(Debug, Clone, Copy)]
pub struct ChooseOptions {
    /// Whether taking small pieces away is tried.
    pub postprocessing: bool,
}

impl Default for ChooseOptions {
    fn default() -> Self {
        Self {
            postprocessing: true,
        }
    }
}

/// A candidate with what it reached on cases that its members did not see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scored {
    /// The candidate.
    pub candidate: Candidate,
    /// Mean Dice over foreground labels.
    pub dice: f64,
    /// Dice of each label or region.
    pub labels: BTreeMap<String, f64>,
}

/// The ensemble that was taken, and those that were not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// The best; of equals the smaller.
    pub best: Scored,
    /// What is done to its segmentations, in order.
    pub postprocessing: Vec<PostprocessingStep>,
    /// Mean Dice with post-processing.
    pub dice: f64,
    /// Every candidate.
    pub tried: Vec<Scored>,
    /// Runs that were to take part and have no model, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
}

impl Choice {
    /// Reads what an earlier [`choose`] wrote; `None` where there is nothing.
    ///
    /// # Errors
    /// [`Error::WorkFolder`] for a file that is not a choice.
    pub fn read(work: &WorkFolder) -> Result<Option<Self>> {
        let path = work.folder().join(FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|e| Error::WorkFolder {
                    path,
                    reason: format!(
                        "is not the choice of an ensemble: {e}; remove it to choose again"
                    ),
                }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::System {
                path,
                what: "read",
                source,
            }),
        }
    }

    /// The scores of the choice, post-processing included, case by case.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn evaluation(&self, work: &WorkFolder, history: &History) -> Result<Evaluation> {
        self.evaluation_with(work, history, &Control::new())
    }

    /// As [`Choice::evaluation`], cancelled between two cases.
    ///
    /// # Errors
    /// As [`Choice::evaluation`]; [`Error::Cancelled`].
    pub fn evaluation_with(
        &self,
        work: &WorkFolder,
        history: &History,
        control: &Control,
    ) -> Result<Evaluation> {
        let scheme = scheme_of(work, history)?;
        let evaluator = dice_of(&scheme)?;
        let mut judged = judge(work, history, &self.best.candidate, &scheme, control)?;
        for case in &mut judged {
            control.check()?;
            case.found = postprocess(case.found.clone(), &self.postprocessing)?;
        }
        evaluate(&evaluator, &judged)
    }

    fn write(&self, work: &WorkFolder) -> Result<()> {
        let path = work.folder().join(FILE);
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::Ensemble(e.to_string()))?;
        Ok(vesalius_io::write_bytes_atomically(&path, text.as_bytes())?)
    }
}

/// Scores every ensemble of the trained runs on the held-out cases and takes the best.
///
/// # Errors
/// [`Error::Ensemble`] when no run is usable, [`Error::Cancelled`], files that cannot be read.
pub fn choose(
    work: &WorkFolder,
    history: &History,
    options: &ChooseOptions,
    control: &Control,
    observer: &mut dyn FnMut(&Scored),
) -> Result<Choice> {
    let scheme = scheme_of(work, history)?;
    let evaluator = dice_of(&scheme)?;
    let mut tried = Vec::new();
    let candidates = candidates(history);
    let stage = control.stage("candidates", candidates.len() as u64);
    for candidate in candidates {
        let judged = judge(work, history, &candidate, &scheme, control)?;
        let scored = scored(candidate, &evaluate(&evaluator, &judged)?);
        stage.advance(1);
        observer(&scored);
        tried.push(scored);
    }
    let best = tried
        .iter()
        .reduce(|best, next| if next.dice > best.dice { next } else { best })
        .cloned()
        .ok_or_else(|| Error::Ensemble(why_none(history)))?;
    let (postprocessing, dice) = match options.postprocessing {
        false => (Vec::new(), best.dice),
        true => {
            let judged = judge(work, history, &best.candidate, &scheme, control)?;
            let (steps, evaluation) = decide(&evaluator, judged)?;
            (steps, evaluation.mean("dice").unwrap_or(0.0))
        }
    };
    let choice = Choice {
        best,
        postprocessing,
        dice,
        tried,
        missing: history.missing(),
    };
    choice.write(work)?;
    Ok(choice)
}

/// A held-out case with the prediction of the choice.
pub(crate) struct Segmented {
    pub(crate) scheme: LabelScheme,
    pub(crate) reference: LabelMap,
    pub(crate) found: LabelMap,
}

/// The prediction of the choice for one case, by the models that were not trained on it.
pub(crate) fn segment_case(
    work: &WorkFolder,
    history: &History,
    choice: &Choice,
    case: &CaseFiles,
) -> Result<Segmented> {
    let scheme = scheme_of(work, history)?;
    let candidate = &choice.best.candidate;
    let of_fold = candidate
        .members
        .iter()
        .find(|(fold, _)| case.fold == Some(*fold));
    let (fold, algorithms) = of_fold
        .ok_or_else(|| Error::Ensemble(format!("case {} is in no fold of it", case.name)))?;
    let found = found(
        work,
        history,
        (*fold, algorithms),
        candidate.combine,
        &case.name,
        &scheme,
    )?;
    Ok(Segmented {
        found: postprocess(found, &choice.postprocessing)?,
        reference: vesalius_io::read_labels(&case.label)?,
        scheme,
    })
}

/// The combined prediction of algorithms for a case of a fold.
fn found(
    work: &WorkFolder,
    history: &History,
    (fold, algorithms): (usize, &[String]),
    how: Combination,
    case: &str,
    scheme: &LabelScheme,
) -> Result<LabelMap> {
    let parts = algorithms
        .iter()
        .filter_map(|algorithm| history.job(algorithm, fold))
        .map(|job| read_probabilities(&probabilities_path(work, job, case), scheme))
        .collect::<Result<Vec<_>>>()?;
    Ok(combine(&parts, &vec![1.0; parts.len()], how)?.labels()?)
}

/// The predictions of the candidate for every held-out case.
fn judge(
    work: &WorkFolder,
    history: &History,
    candidate: &Candidate,
    scheme: &LabelScheme,
    control: &Control,
) -> Result<Vec<Judged>> {
    let mut judged = Vec::new();
    for (fold, algorithms) in &candidate.members {
        for case in common_cases(work, history, *fold)? {
            control.check()?;
            judged.push(Judged {
                found: found(
                    work,
                    history,
                    (*fold, algorithms),
                    candidate.combine,
                    &case.name,
                    scheme,
                )?,
                reference: vesalius_io::read_labels(&case.label)?,
                name: case.name,
            });
        }
    }
    Ok(judged)
}

fn scored(candidate: Candidate, evaluation: &Evaluation) -> Scored {
    let targets = evaluation.targets().map(Targets::list).unwrap_or_default();
    let labels = targets.iter().filter_map(|target| {
        let mean = evaluation.summary(&target.key, "dice")?.mean?;
        Some((target.name.clone(), mean))
    });
    Scored {
        labels: labels.collect(),
        dice: evaluation.mean("dice").unwrap_or(0.0),
        candidate,
    }
}

fn scheme_of(work: &WorkFolder, history: &History) -> Result<LabelScheme> {
    let job = history
        .trained()
        .next()
        .ok_or_else(|| Error::Ensemble(why_none(history)))?;
    Ok(ModelDescription::read(work.folder().join(&job.folder))?.labels)
}

fn why_none(history: &History) -> String {
    let missing = history.missing();
    let reasons: Vec<String> = missing.iter().map(ToString::to_string).collect();
    match reasons.is_empty() {
        true => "nothing was trained; `workflow::auto::train` does that".to_owned(),
        false => format!("no run can be used: {}", reasons.join("; ")),
    }
}
