//! From a config and a datalist to cases in memory, checked before anything is trained.

use crate::dataset::load_cases;
use crate::{Datalist, Result, TrainingConfig, TrainingData};
use std::path::Path;

/// Reads a dataset for a run: labels from the config or the datalist, cases split by fold, every
/// file read, checked and preprocessed.
///
/// # Errors
/// A datalist or case that cannot be used, named; a fold without cases.
pub fn load_dataset(config: &TrainingConfig, data: &Path) -> Result<TrainingData> {
    config.check()?;
    let list = Datalist::read(data)?;
    let labels = match &config.labels {
        Some(labels) => labels.clone(),
        None => list.label_scheme()?,
    };
    let (training, validation) = list.split(config.validation.fold)?;
    let load = |files: &[_]| load_cases(files, list.channels.len(), &labels, &config.preprocessing);
    let (training, validation) = (load(&training)?, load(&validation)?);
    if training
        .iter()
        .all(|case| case.index.foreground_count() == 0)
    {
        return Err(vesalius_planning::Error::Datalist {
            path: list.path,
            reason: "no training case has a labelled voxel, so there is nothing to learn"
                .to_owned(),
        }
        .into());
    }
    Ok(TrainingData {
        dataset: list.name,
        channels: list.channels,
        labels,
        training: training.into(),
        validation,
    })
}
