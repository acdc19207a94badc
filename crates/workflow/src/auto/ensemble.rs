//! The models that together segment unseen cases best, as one model folder.

use super::{AutoEvent, Observer, Result};
use vesalius_auto::{ChooseOptions, History, Missing, WorkFolder, choose, write_model};
use vesalius_control::Control;

/// How the choice is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnsembleStage {
    /// Whether removing small components is tried.
    pub postprocessing: bool,
}

impl Default for EnsembleStage {
    fn default() -> Self {
        Self {
            postprocessing: true,
        }
    }
}

/// Chooses among ensembles of the runs in the history and writes the model folder; the runs that it lacks.
///
/// # Errors
/// A history without usable runs, held-out segmentations that cannot be read, a folder that cannot be written,
/// a stop.
pub fn ensemble(
    work: &WorkFolder,
    stage: EnsembleStage,
    control: &Control,
    observer: &Observer,
) -> Result<Vec<Missing>> {
    let history = History::read(work.folder())?;
    let options = ChooseOptions {
        postprocessing: stage.postprocessing,
    };
    let choice = choose(work, &history, &options, control, &mut |scored| {
        observer(&AutoEvent::Scored(scored));
    })?;
    let model = write_model(work, &history, &choice)?;
    observer(&AutoEvent::Chosen {
        choice: &choice,
        model: &model,
    });
    Ok(choice.missing)
}
