//! The chosen ensemble as one model folder: a model an algorithm with its folds as members, the further
//! algorithms as its companions.

use crate::work::create;
use crate::{Choice, Error, History, Result, WorkFolder};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_control::{Control, Stage};
use vesalius_inferers::{ModelDescription, weights_checksum, weights_path};

/// Writes `model/` in the work folder, in place of an earlier one; returns its path.
///
/// # Errors
/// A run's model that cannot be read, a folder that cannot be written.
pub fn write_model(work: &WorkFolder, history: &History, choice: &Choice) -> Result<PathBuf> {
    write_model_with(work, history, choice, &Control::new())
}

/// As [`write_model`], counted in the stage `weights` and cancelled between two files; an earlier model stays then.
///
/// # Errors
/// As [`write_model`]; [`Error::Cancelled`].
pub fn write_model_with(
    work: &WorkFolder,
    history: &History,
    choice: &Choice,
    control: &Control,
) -> Result<PathBuf> {
    let target = work.folder().join("model");
    let part = work.folder().join("model.part");
    let unwritable = |path: &Path, source: std::io::Error| Error::System {
        path: path.to_path_buf(),
        what: "written",
        source,
    };
    let removed = |path: &Path| match path.exists() {
        true => std::fs::remove_dir_all(path).map_err(|e| unwritable(path, e)),
        false => Ok(()),
    };
    removed(&part)?;
    let mut folds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (fold, algorithms) in &choice.best.candidate.members {
        for algorithm in algorithms {
            folds.entry(algorithm).or_default().push(*fold);
        }
    }
    let algorithms: Vec<(&str, &[usize])> = folds
        .iter()
        .map(|(name, folds)| (*name, folds.as_slice()))
        .collect();
    let Some((first, rest)) = algorithms.split_first() else {
        return Err(Error::Ensemble("the choice has no member".to_owned()));
    };
    let runs: usize = algorithms.iter().map(|(_, folds)| folds.len()).sum();
    let stage = control.stage("weights", runs as u64);
    for (algorithm, folds) in rest {
        let (target, of) = (part.join(algorithm), (*algorithm, *folds));
        write_algorithm((work, history), of, &target, &stage, |_| {})?;
    }
    write_algorithm((work, history), *first, &part, &stage, |model| {
        model.companions = rest.iter().map(|(name, _)| (*name).to_owned()).collect();
        model.combination = choice.best.candidate.combine;
        model.postprocessing = choice.postprocessing.clone();
        model.provenance.name = work.input().name.clone();
        model.provenance.validation_dice = Some(choice.dice);
        model.provenance.validation_fold = None;
    })?;
    removed(&target)?;
    std::fs::rename(&part, &target).map_err(|e| unwritable(&target, e))?;
    Ok(target)
}

/// The runs of an algorithm as one model with a member a fold.
fn write_algorithm(
    (work, history): (&WorkFolder, &History),
    (algorithm, folds): (&str, &[usize]),
    target: &Path,
    stage: &Stage,
    change: impl FnOnce(&mut ModelDescription),
) -> Result<()> {
    let mut model: Option<ModelDescription> = None;
    let (mut members, mut checksums) = (Vec::new(), BTreeMap::new());
    for fold in folds {
        let Some(job) = history.job(algorithm, *fold) else {
            return Err(Error::Ensemble(format!(
                "{algorithm} has no run on fold {fold}"
            )));
        };
        let source = work.folder().join(&job.folder);
        let description = ModelDescription::read(&source)?;
        for own in &description.members {
            stage.control().check()?;
            let name = match description.members.len() {
                1 => format!("fold_{fold}"),
                _ => format!("fold_{fold}_{own}"),
            };
            let weights = weights_path(&source, own);
            description.verify_weights(&weights, own)?;
            let bytes = std::fs::read(&weights).map_err(|source| Error::System {
                path: weights.clone(),
                what: "read",
                source,
            })?;
            checksums.insert(name.clone(), vec![weights_checksum(&bytes)]);
            let path = weights_path(target, &name);
            if let Some(parent) = path.parent() {
                create(parent)?;
            }
            vesalius_io::write_bytes_atomically(&path, &bytes)?;
            members.push(name);
        }
        model.get_or_insert(description);
        stage.advance(1);
    }
    let Some(mut model) = model else {
        return Err(Error::Ensemble(format!("{algorithm} has no run")));
    };
    model.members = members;
    model.checksums = checksums;
    model.provenance.validation_fold = None;
    change(&mut model);
    Ok(model.write(target)?)
}
