//! Segmentations against references: a pair of files, or two folders paired by file name.
//!
//! Nothing is left out of a mean silently: a case without a counterpart, on another grid or without a value is an
//! error or, where the caller allows it, a warning in the result.

mod advice;
mod cases;
mod compare;
mod error;
mod groups;
mod options;
mod pairs;

pub use advice::{AdviseOptions, advise_for};
pub use compare::{Compared, compare};
pub use error::{Error, GridMismatch, Lone};
pub use groups::{GroupScores, Grouped, Subgroups};
pub use options::{EvaluateOptions, Grids};

use crate::FileWarning;
use crate::label_names::label_names;
use cases::ReadMaps;
use pairs::{Pair, Pairs, pair};
use std::path::Path;
use vesalius_io::{ReadOptions, probe_with, write_bytes_atomically};
use vesalius_metrics::{Bootstrap, Evaluation, Evaluator, Measure, Report, Target, Targets};
use vesalius_volume::Warning;

/// Scores, and what was decided or left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The scores.
    pub evaluation: Evaluation,
    /// How confidence intervals of its means are estimated.
    pub bootstrap: Bootstrap,
    /// Cases without a counterpart, predictions on other grids, labels and measures without a value.
    pub warnings: Vec<Warning>,
    /// What reading the files decided.
    pub files: Vec<FileWarning>,
}

impl Evaluated {
    /// The scores with the intervals of their means, as they are written as JSON.
    pub fn report(&self) -> Report<'_> {
        Report {
            evaluation: &self.evaluation,
            bootstrap: self.bootstrap,
        }
    }

    /// Whether no target occurs in any reference or prediction, so that no case has a score.
    pub fn is_empty(&self) -> bool {
        let targets = self.evaluation.targets().map_or(&[][..], Targets::list);
        let counted = |target: &Target| self.evaluation.summary(&target.key, "dice");
        targets
            .iter()
            .all(|target| counted(target).is_none_or(|dice| dice.counted == 0))
    }

    /// Writes every case and label as comma-separated values.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let text = self.evaluation.csv();
        Ok(write_bytes_atomically(path, text.as_bytes())?)
    }
}

/// Measures by name, each once; `tolerance` in mm is what `nsd` still counts as right.
///
/// # Errors
/// A name that no measure has.
pub fn measures_named<'a>(
    names: impl IntoIterator<Item = &'a str>,
    tolerance: f64,
) -> Result<Vec<Measure>, Error> {
    let mut measures: Vec<Measure> = Vec::new();
    for name in names {
        let measure = Measure::named(name.trim(), tolerance)?;
        if !measures.contains(&measure) {
            measures.push(measure);
        }
    }
    Ok(measures)
}

/// Scores predictions against references; folders are paired by file name without suffixes.
///
/// # Errors
/// A path that cannot be read; a reference without a prediction or a prediction without a reference unless
/// allowed; no pair at all; label maps on different grids unless allowed.
pub fn evaluate(
    prediction: impl AsRef<Path>,
    reference: impl AsRef<Path>,
    options: &EvaluateOptions,
) -> Result<Evaluated, Error> {
    let (prediction, reference) = (prediction.as_ref(), reference.as_ref());
    let level = options.bootstrap.level;
    if !(0.0..1.0).contains(&level) {
        return Err(Error::Confidence(level));
    }
    let Pairs { list, lone } = pair(prediction, reference, &options.reading.registry)?;
    if !lone.is_empty() && !options.allow_missing {
        return Err(Error::Lone {
            prediction: prediction.to_path_buf(),
            reference: reference.to_path_buf(),
            lone,
            references: list.len(),
        });
    }
    let mut warnings: Vec<Warning> = lone.warnings().collect();
    let mismatches = mismatches(&list, &options.reading)?;
    if !mismatches.is_empty() && options.grids == Grids::MustAgree {
        return Err(Error::Grids(mismatches));
    }
    warnings.extend(
        mismatches
            .into_iter()
            .map(|m| Warning::PredictionResampled {
                case: m.case,
                difference: m.difference,
            }),
    );
    let (targets, read) = match &options.targets {
        Some(targets) => (targets.clone(), ReadMaps::default()),
        None => ReadMaps::occurring(&list, options)?,
    };
    let targets = called(targets, &list, &options.reading)?;
    let evaluator = Evaluator::new(targets, options.measures.clone());
    let (scores, files) = cases::scores(&list, &evaluator, read, options)?;
    let evaluation = Evaluation::new(scores)?;
    warnings.extend(left_out(&evaluation));
    Ok(Evaluated {
        evaluation,
        bootstrap: options.bootstrap,
        warnings,
        files,
    })
}

/// The pairs whose grids differ, by their headers alone.
fn mismatches(pairs: &[Pair], reading: &ReadOptions) -> Result<Vec<GridMismatch>, Error> {
    let mut found = Vec::new();
    for pair in pairs {
        let Some(prediction) = &pair.prediction else {
            continue;
        };
        let of = |path| Ok::<_, Error>(probe_with(path, reading)?.geometry);
        if let Some(difference) = of(&pair.reference)?.difference(&of(prediction)?) {
            found.push(GridMismatch {
                case: pair.name.clone(),
                prediction: prediction.clone(),
                reference: pair.reference.clone(),
                difference,
            });
        }
    }
    Ok(found)
}

/// Targets and measures that a mean has less of than it seems.
fn left_out(evaluation: &Evaluation) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let targets = evaluation.targets().map_or(&[][..], Targets::list);
    for target in targets {
        let Some(dice) = evaluation.summary(&target.key, "dice") else {
            continue;
        };
        if dice.counted == 0 {
            warnings.push(Warning::NothingToScore {
                label: target.key.clone(),
            });
            continue;
        }
        for measure in evaluation.measures().iter().map(Measure::key) {
            let counted = evaluation
                .summary(&target.key, &measure)
                .map_or(0, |s| s.counted);
            if counted < dice.counted {
                warnings.push(Warning::LeftOutOfMean {
                    label: target.key.clone(),
                    measure,
                    cases: dice.counted - counted,
                });
            }
        }
    }
    warnings
}

/// The targets with the label names of the files or of the record next to them; targets that have a name keep it.
fn called(targets: Targets, pairs: &[Pair], reading: &ReadOptions) -> Result<Targets, Error> {
    let unnamed = |target: &Target| match target.labels[..] {
        [value] => (Target::of_value(value) == *target).then_some(value),
        _ => None,
    };
    if targets
        .list()
        .iter()
        .all(|target| unnamed(target).is_none())
    {
        return Ok(targets);
    }
    let files = pairs
        .iter()
        .take(1)
        .flat_map(|pair| pair.prediction.iter().chain([&pair.reference]));
    let names = files
        .map(|file| label_names(file, reading))
        .find(|names| !names.is_empty());
    let names = names.unwrap_or_default();
    let mut list = targets.list().to_vec();
    for target in &mut list {
        if let Some(name) = unnamed(target).and_then(|value| names.get(&value)) {
            target.name.clone_from(name);
        }
    }
    Ok(Targets::new(list, targets.ignore())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use vesalius_volume::{ErrorKind, Geometry, LabelMap};

    #[test]
    fn an_evaluation_is_cancelled_within_a_case_and_tells_how_far_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let grid = Geometry::axis_aligned([6, 5, 4], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(grid, |[x, ..]| (x / 2) as u16);
        for case in ["a", "b", "c"] {
            let path = folder.path().join(format!("{case}.nii"));
            vesalius_io::write_labels(path, &labels).unwrap();
        }
        let run = |cancel_at: Option<&'static str>| {
            let options = EvaluateOptions::default();
            let told: Arc<Mutex<Vec<String>>> = Arc::default();
            options.control.on_progress({
                let (control, told) = (options.control.clone(), told.clone());
                move |progress| {
                    told.lock().unwrap().push(progress.to_string());
                    if Some(progress.to_string().as_str()) == cancel_at {
                        control.cancel();
                    }
                }
            });
            let result = evaluate(folder.path(), folder.path(), &options);
            let last = told.lock().unwrap().last().cloned();
            (result, last)
        };
        let (result, last) = run(None);
        assert_eq!(result.unwrap().evaluation.cases().len(), 3);
        assert_eq!(last.unwrap(), "cases 3 of 3");
        let (result, last) = run(Some("cases: measures 1 of 2"));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
        assert!(last.unwrap().starts_with("cases: measures"));
        let (result, _) = run(Some("cases 1 of 3"));
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
