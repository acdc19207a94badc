//! Cases through the model that the work ended with.

use super::{AutoEvent, Error, Observer, Result};
use crate::predict::{InputCase, Part, PredictEvent, PredictOptions, find_cases, predict_cases};
use std::path::{Path, PathBuf};
use vesalius_auto::{WorkFolder, predictions_folder, renew_predictions};
use vesalius_control::Control;
use vesalius_inferers::{OpenOptions, Segmenter};
use vesalius_tensor::Device;

/// Where results go.
#[derive(Debug, Clone, Default)]
pub struct PredictStage {
    /// The folder; `None` for `predictions` in the work folder, whose results are made again when the model
    /// has changed.
    pub folder: Option<PathBuf>,
    /// Segment cases again whose result is there.
    pub overwrite: bool,
}

/// The cases to segment: those of an input, or those that the list has under `testing`.
///
/// # Errors
/// [`Error::NotWhole`] for an input with cases that are not whole, [`Error::NothingToPredict`] for a list without
/// such cases.
pub fn cases_of(work: &WorkFolder, input: Option<&Path>) -> Result<Vec<InputCase>> {
    let Some(input) = input else {
        let cases = listed(work);
        return match cases.is_empty() {
            true => Err(Error::NothingToPredict(work.list().path.clone())),
            false => Ok(cases),
        };
    };
    let found = find_cases(input, work.list().channels.len())?;
    match found.left_out.is_empty() {
        true => Ok(found.cases),
        false => Err(Error::NotWhole {
            input: input.to_owned(),
            left_out: found.left_out,
        }),
    }
}

/// The cases under `testing`.
pub(super) fn listed(work: &WorkFolder) -> Vec<InputCase> {
    let testing = work.list().testing.iter();
    testing
        .map(|case| InputCase {
            name: case.name.clone(),
            files: case.images.clone(),
        })
        .collect()
}

/// Segments cases with the work folder's model; nothing to do where there are none.
///
/// # Errors
/// [`Error::NotSegmented`]; a model or output that cannot be used; a cancellation.
pub fn predict(
    work: &WorkFolder,
    cases: &[InputCase],
    stage: &PredictStage,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<()> {
    predict_part(work, cases, (stage, None), device, control, observer)
}

/// The same for a part of the cases, while others segment the other parts.
pub(super) fn predict_part(
    work: &WorkFolder,
    cases: &[InputCase],
    (stage, part): (&PredictStage, Option<Part>),
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<()> {
    if cases.is_empty() {
        return Ok(());
    }
    let open = OpenOptions::new()
        .device(device.clone())
        .registry(work.registry().clone());
    let segmenter = Segmenter::open_with(work.folder().join("model"), &open)?;
    let folder = match &stage.folder {
        Some(folder) => folder.clone(),
        // What another part wrote is not removed: results of an earlier model are made again one by one.
        None if part.is_some() => predictions_folder(work),
        None => {
            let removed = renew_predictions(work)?;
            if removed > 0 {
                observer(&AutoEvent::PredictionsRemoved(removed));
            }
            predictions_folder(work)
        }
    };
    let total = cases.len();
    let tell = |progress: &PredictEvent| observer(&AutoEvent::Predicting { progress, total });
    let options = PredictOptions {
        overwrite: stage.overwrite,
        part,
        ..PredictOptions::default()
    };
    let results = predict_cases(&segmenter, cases, &folder, &options, control, tell)?;
    let segmented = results.iter().filter(|result| result.outcome.is_ok());
    let segmented = segmented.count();
    observer(&AutoEvent::Predicted {
        segmented,
        total,
        folder: &folder,
    });
    match segmented == total {
        true => Ok(()),
        false => Err(Error::NotSegmented {
            missing: total - segmented,
            total,
        }),
    }
}
