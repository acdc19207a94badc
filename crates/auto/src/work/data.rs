//! What every run in a work folder begins with: its cases, and what an earlier process left of it.

use super::WorkFolder;
use crate::Result;
use std::path::PathBuf;
use vesalius_control::Control;
use vesalius_training::{
    CHECKPOINT_FILE, FitOptions, TrainingConfig, TrainingData, load_dataset_cached,
};

impl WorkFolder {
    /// The cases with a training config's preprocessing, from a cache that all runs share. Labels that the config does
    /// not name are the input's.
    ///
    /// # Errors
    /// An inconsistent config, a case that cannot be read; [`crate::Error::Cancelled`].
    pub(crate) fn training_data(
        &self,
        config: &mut TrainingConfig,
        control: &Control,
    ) -> Result<TrainingData> {
        if config.labels.is_none() {
            config.labels = self.input.label_scheme()?;
        }
        let cache = self.cache_folder();
        Ok(load_dataset_cached(
            config,
            self.list_path(),
            &cache,
            control,
        )?)
    }
}

/// Options of a run that continues an interrupted one in its folder.
pub(crate) fn going_on(output: PathBuf) -> FitOptions {
    FitOptions {
        resume: output.join(CHECKPOINT_FILE).exists(),
        output,
        callbacks: vesalius_reports::all(),
        ..FitOptions::default()
    }
}
