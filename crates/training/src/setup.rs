//! From a config and a datalist to cases ready to be drawn from, checked before anything is trained.

use crate::pool::{CasePool, MemoryBudget, PoolOptions};
use crate::source::{CaseSource, MemoryCases};
use crate::{CaseFiles, Datalist, Result, TrainingConfig, TrainingData, machine};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vesalius_volume::LabelScheme;

/// Memory for cases where neither the config nor the system says how much there is.
const UNKNOWN_MEMORY: u64 = 4 << 30;

/// Reads a dataset for a run whose cases may all lie in memory or in the config's cache folder: labels
/// from the config or the datalist, cases split by fold, every file read, checked and preprocessed.
///
/// # Errors
/// A datalist or case that cannot be used, named; a fold without cases.
pub fn load_dataset(config: &TrainingConfig, data: &Path) -> Result<TrainingData> {
    let folder = std::env::temp_dir().join("vesalius-cache");
    load_dataset_cached(config, data, &folder)
}

/// [`load_dataset`] with the folder for cases that memory has no room for, where the config names none.
///
/// # Errors
/// As [`load_dataset`], and a folder that cannot be written.
pub fn load_dataset_cached(
    config: &TrainingConfig,
    data: &Path,
    overflow: &Path,
) -> Result<TrainingData> {
    config.check()?;
    let list = Datalist::read(data)?;
    let labels = match &config.labels {
        Some(labels) => labels.clone(),
        None => list.label_scheme()?,
    };
    let (training, validation) = list.split(config.validation.fold)?;
    let options = PoolOptions {
        channels: list.channels.len(),
        scheme: &labels,
        preprocessing: &config.preprocessing,
        budget: MemoryBudget::new(memory(config)),
        folder: cache_folder(config, overflow),
        store_all: config.cache.folder.is_some(),
        bad_case: config.bad_case,
    };
    let training = CasePool::prepare(&training, &options)?;
    let validation = pool_or_nothing(&validation, &options)?;
    let unusable = |reason: &str| vesalius_planning::Error::Datalist {
        path: list.path.clone(),
        reason: reason.to_owned(),
    };
    if training.usable() == 0 {
        let broken = training.broken();
        let (case, reason) = broken.first().cloned().unwrap_or_default();
        let text = format!("no training case can be used; the first is {case}: {reason}");
        return Err(unusable(&text).into());
    }
    let warnings = check_labels(&training, &labels).ok_or_else(|| {
        unusable("no training case has a labelled voxel, so there is nothing to learn")
    })?;
    Ok(TrainingData {
        dataset: list.name,
        channels: list.channels,
        labels,
        training: Arc::new(training),
        validation,
        warnings,
    })
}

fn pool_or_nothing(files: &[CaseFiles], options: &PoolOptions) -> Result<Arc<dyn CaseSource>> {
    if files.is_empty() {
        return Ok(Arc::new(MemoryCases::default()));
    }
    Ok(Arc::new(CasePool::prepare(files, options)?))
}

fn cache_folder(config: &TrainingConfig, overflow: &Path) -> PathBuf {
    let configured = config.cache.folder.clone();
    configured.unwrap_or_else(|| overflow.to_owned())
}

/// Bytes of memory for cases.
fn memory(config: &TrainingConfig) -> u64 {
    match config.cache.memory {
        Some(gibibytes) => (gibibytes * f64::from(1 << 30)) as u64,
        None => machine::free_memory().unwrap_or(2 * UNKNOWN_MEMORY) / 2,
    }
}

/// A warning for each label that no training case has; nothing when none has any.
fn check_labels(training: &dyn CaseSource, scheme: &LabelScheme) -> Option<Vec<String>> {
    let found = training.label_values()?;
    let foreground = scheme.foreground();
    let absent: Vec<String> = foreground
        .iter()
        .filter(|(_, values)| !values.iter().any(|value| found.contains(value)))
        .map(|(name, values)| {
            format!(
                "no training case has a voxel of `{name}` (label {}), so it cannot be learnt; check `labels` and the fold",
                values.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    (absent.len() < foreground.len()).then_some(absent)
}
