//! From a config and a datalist to prepared cases, checked before anything is trained.

use crate::config::bad;
use crate::pool::{CasePool, PoolOptions};
use crate::source::{CaseSource, MemoryCases};
use crate::{Datalist, Error, MemoryBudget, Result, TrainingConfig, TrainingData, ValidationOn};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vesalius_control::Control;
use vesalius_transforms::{PatchPlacer, WeightedClass};
use vesalius_volume::{FileWarning, LabelScheme, Warning};

/// Reads a dataset for a run whose cases may all lie in memory or in the config's cache folder: labels
/// from the config or the datalist, cases split by fold, every file read, checked and preprocessed.
///
/// Cases that do not fit in memory are stored in the config's cache folder, else in a temporary folder that only this
/// user can read and that is removed with the data.
///
/// # Errors
/// A datalist or case that cannot be used, named; a fold without cases; a temporary folder that cannot be made.
pub fn load_dataset(config: &TrainingConfig, data: impl AsRef<Path>) -> Result<TrainingData> {
    load_dataset_with(config, data, &Control::new())
}

/// As [`load_dataset`], with cases read as stage `cases` of `control`, which cancels, also in the middle of a case.
///
/// # Errors
/// As [`load_dataset`]; [`crate::Error::Cancelled`].
pub fn load_dataset_with(
    config: &TrainingConfig,
    data: impl AsRef<Path>,
    control: &Control,
) -> Result<TrainingData> {
    let mut scratch = tempfile::Builder::new();
    #[cfg(unix)]
    scratch.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let scratch = scratch.prefix("vesalius-cache-").tempdir();
    let scratch = scratch.map_err(|error| Error::Cache {
        path: std::env::temp_dir(),
        reason: format!(
            "no temporary folder can be made there: {error}; set `cache.folder` in the config"
        ),
    })?;
    let scratch = Arc::new(scratch);
    let kept = Some(scratch.clone());
    load(config, data.as_ref(), scratch.path(), control, kept)
}

/// [`load_dataset_with`] with the folder for cases that do not fit in memory, where the config names none.
///
/// # Errors
/// As [`load_dataset_with`], and a folder that cannot be written.
pub fn load_dataset_cached(
    config: &TrainingConfig,
    data: impl AsRef<Path>,
    overflow: impl AsRef<Path>,
    control: &Control,
) -> Result<TrainingData> {
    load(config, data.as_ref(), overflow.as_ref(), control, None)
}

fn load(
    config: &TrainingConfig,
    data: &Path,
    overflow: &Path,
    control: &Control,
    scratch: Option<Arc<tempfile::TempDir>>,
) -> Result<TrainingData> {
    config.check()?;
    let list = Datalist::read(data)?;
    let labels = match &config.labels {
        Some(labels) => labels.clone(),
        None => list.label_scheme()?,
    };
    // Before anything is read.
    PatchPlacer::new(&config.patch, &labels)?;
    let (training, validation) = list.split(config.validation.fold)?;
    let stage = control.stage("cases", (training.len() + validation.len()) as u64);
    let mut options = PoolOptions {
        channels: list.channels.len(),
        scheme: &labels,
        preprocessing: &config.preprocessing,
        sampling: Some(&config.patch.sampling),
        budget: MemoryBudget::new(config.cache.bytes(1)),
        folder: cache_folder(config, overflow),
        store_all: config.cache.folder.is_some(),
        verify: config.cache.verify,
        bad_case: config.bad_case,
        stage: &stage,
    };
    let mut training = CasePool::prepare(&training, &options)?;
    if config.validation.on == ValidationOn::Volumes {
        options.sampling = None;
    }
    let mut validation = match validation.as_slice() {
        [] => None,
        files => Some(CasePool::prepare(files, &options)?),
    };
    if let Some(scratch) = scratch {
        let pools = std::iter::once(&mut training).chain(&mut validation);
        pools.for_each(|pool| pool.keep(scratch.clone()));
    }
    let unusable = |reason: &str| vesalius_planning::Error::Datalist {
        path: list.path.clone(),
        reason: reason.to_owned(),
    };
    if training.usable() == 0 {
        let broken = training.broken();
        let first = broken.first();
        let first = first.map(|first| format!("; the first is {}: {}", first.case, first.reason));
        let first = first.unwrap_or_default();
        return Err(unusable(&format!("no training case can be used{first}")).into());
    }
    let mut warnings = check_labels(&training, &labels).ok_or_else(|| {
        unusable("no training case has a labelled voxel, so there is nothing to learn")
    })?;
    let pools = || std::iter::once(&training).chain(&validation);
    warnings.extend(pools().flat_map(|pool| pool.warnings().to_vec()));
    let of_files = pools().flat_map(|pool| pool.of_files().to_vec());
    let of_files = FileWarning::distinct(of_files);
    warnings.extend(of_files.into_iter().map(Warning::from));
    let validation: Arc<dyn CaseSource> = match validation {
        Some(pool) => Arc::new(pool),
        None => Arc::new(MemoryCases::default()),
    };
    Ok(TrainingData {
        dataset: list.name,
        channels: list.channels,
        labels,
        training: Arc::new(training),
        validation,
        warnings,
    })
}

fn cache_folder(config: &TrainingConfig, overflow: &Path) -> PathBuf {
    let configured = config.cache.folder.clone();
    configured.unwrap_or_else(|| overflow.to_owned())
}

/// A warning for each label that no training case has; `None` when none has any.
fn check_labels(training: &dyn CaseSource, scheme: &LabelScheme) -> Option<Vec<Warning>> {
    let found = training.label_values()?;
    let foreground = scheme.foreground();
    let absent: Vec<Warning> = foreground
        .iter()
        .filter(|(_, values)| !values.iter().any(|value| found.contains(value)))
        .map(|(name, values)| Warning::LabelInNoCase {
            name: (*name).to_owned(),
            values: values.clone(),
        })
        .collect();
    (absent.len() < foreground.len()).then_some(absent)
}

/// A warning for each class that patches are to be drawn around and that no training case has.
///
/// # Errors
/// Weights that do not fit the scheme; no such class that any case has.
pub(crate) fn check_sampling(
    config: &TrainingConfig,
    training: &dyn CaseSource,
    scheme: &LabelScheme,
) -> Result<Vec<Warning>> {
    let placer = PatchPlacer::new(&config.patch, scheme)?;
    let Some(found) = training.label_values() else {
        return Ok(Vec::new());
    };
    let (there, absent): (Vec<&WeightedClass>, Vec<_>) = placer
        .classes()
        .iter()
        .partition(|class| class.values.iter().any(|value| found.contains(value)));
    if there.is_empty() && !absent.is_empty() {
        let names: Vec<&str> = absent.iter().map(|class| class.name.as_str()).collect();
        return bad(
            "patch.sampling.classes",
            format!(
                "a weight for {} only, which no training case has",
                names.join(", ")
            ),
            "a weight for a class that a training case has",
        );
    }
    Ok(absent
        .into_iter()
        .map(|class| Warning::SampledClassInNoCase {
            name: class.name.clone(),
            values: class.values.clone(),
            weight: class.weight,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, PatchSampler};
    use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

    fn scheme() -> LabelScheme {
        LabelScheme::exclusive(&[("organ", 100), ("tumour", 201), ("ghost", 7)]).unwrap()
    }

    fn config(sampling: &str, more: &str) -> TrainingConfig {
        let patch = format!("patch: {{size: [1, 1, 1], sampling: {sampling}}}\n");
        let text = format!("name: t\nbatch_size: 8\n{patch}{more}network:\n  unet: {{}}\n");
        TrainingConfig::parse(&text).unwrap()
    }

    fn subject(name: &str, labels: impl Fn(usize) -> u16) -> Subject {
        let grid = Geometry::axis_aligned([6, 5, 4], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(grid, |[x, ..]| labels(x));
        let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z) as f32);
        Subject::new(name, image, Some(labels)).unwrap()
    }

    /// Labels 0 and 100 in one case, 0, 100 and 201 in the other.
    fn cases() -> Arc<dyn CaseSource> {
        let both = [
            subject("a", |x| 100 * u16::from(x > 2)),
            subject("b", |x| [0, 100, 201][x % 3]),
        ];
        MemoryCases::shared(
            both.map(|subject| Case::new(subject, &scheme(), &Default::default()).unwrap()),
        )
    }

    #[test]
    fn classes_that_no_case_has_are_told_and_refused_where_nothing_else_is_asked_for() {
        let check = |sampling| check_sampling(&config(sampling, ""), &*cases(), &scheme());
        assert!(check("{classes: [1, 1, 1, 0]}").unwrap().is_empty());
        assert!(check("{positive: 1, negative: 1}").unwrap().is_empty());
        let ghost = Warning::SampledClassInNoCase {
            name: "ghost".to_owned(),
            values: vec![7],
            weight: 2.5,
        };
        assert_eq!(check("{classes: [1, 0, 0, 2.5]}").unwrap(), [ghost]);
        let text = check("{classes: [0, 0, 0, 1]}").unwrap_err().to_string();
        assert!(
            text.contains("ghost") && text.contains("patch.sampling"),
            "{text}"
        );
        let text = check("{classes: [0, 0, 1]}").unwrap_err().to_string();
        assert!(
            text.contains("tumour (201), ghost (7)") && text.contains("4 weights"),
            "{text}"
        );
        let told = check_labels(&*cases(), &scheme()).unwrap();
        assert!(matches!(&told[..], [Warning::LabelInNoCase { name, .. }] if name == "ghost"));
    }

    /// A dataset of three cases, the image of the first without a unit of length.
    fn without_unit(folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let mut table = "image,label,fold\n".to_owned();
        for number in 0..3 {
            let case = subject("a", |x| [0, 100, 201, 7][(x + number) % 4]);
            let (image, labels) = (format!("c{number}.nii"), format!("s{number}.nii"));
            vesalius_io::write(folder.join(&image), case.image()).unwrap();
            vesalius_io::write_labels(folder.join(&labels), case.labels().unwrap()).unwrap();
            table += &format!("{image},{labels},{number}\n");
        }
        let mut bytes = std::fs::read(folder.join("c0.nii")).unwrap();
        bytes[123] = 0;
        std::fs::write(folder.join("c0.nii"), bytes).unwrap();
        std::fs::write(folder.join("cases.csv"), table).unwrap();
    }

    #[test]
    fn what_reading_the_cases_decided_is_told_from_files_and_from_the_cache() {
        let temporary = tempfile::tempdir().unwrap();
        let (first, second) = (
            temporary.path().join("first"),
            temporary.path().join("second"),
        );
        let mut config = config("random", "validation: {fold: 0}\n");
        config.labels = Some(scheme());
        config.cache.folder = Some(temporary.path().join("cache"));
        // The second dataset is read from the cache, where its files are known by their content.
        for folder in [&first, &second] {
            without_unit(folder);
            let data = load_dataset(&config, folder.join("cases.csv")).unwrap();
            let warning = Box::new(Warning::UnitMissing { code: 0 });
            let path = folder.join("c0.nii");
            assert_eq!(data.warnings, [Warning::OfFile { path, warning }]);
        }
        let stored = std::fs::read_dir(temporary.path().join("cache")).unwrap();
        let is_case =
            |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|e| e == "case");
        assert_eq!(stored.flatten().filter(is_case).count(), 3);
    }

    #[test]
    fn batches_hold_the_classes_that_were_asked_for_and_count_what_cases_lack() {
        let config = config("{classes: [0, 0, 1, 0]}", "");
        let mut sampler = PatchSampler::new(cases(), &config, &scheme()).unwrap();
        let batch = sampler.batch(0, 64).unwrap();
        let of = |case: &str| batch.cases.iter().filter(|name| *name == case).count();
        assert_eq!([of("a"), of("b")], [32, 32]);
        let tumour = batch.labels.iter().filter(|&&label| label == 201).count();
        assert_eq!(tumour, 32);
        assert_eq!(batch.absent, vec!["tumour"; 32]);
    }

    #[test]
    fn labels_outside_the_scheme_are_refused_after_preprocessing_and_after_augmentation_too() {
        let remap = "[{remap: {labels: {100: 3}}}]";
        let chain = config("random", &format!("preprocessing: {remap}\n")).preprocessing;
        let of_case = Case::new(subject("a", |x| 100 * u16::from(x > 2)), &scheme(), &chain);
        let text = of_case.unwrap_err().to_string();
        assert!(
            text.contains("case a: after preprocessing") && text.contains("value 3"),
            "{text}"
        );
        let config = config("random", &format!("augmentation: {remap}\n"));
        let mut sampler = PatchSampler::new(cases(), &config, &scheme()).unwrap();
        let text = sampler.batch(0, 64).unwrap_err().to_string();
        assert!(
            text.contains("after augmentation") && text.contains("value 3"),
            "{text}"
        );
    }
}
