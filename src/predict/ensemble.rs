//! Ensembles over files: saved probabilities of several models, case by case, become one segmentation.

use super::Error;
use super::record::model_of;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vesalius_inferers::{
    Combination, ProbabilityMap, SLABS_SUFFIX, combine_each, read_npz, read_slabs, write_slabs,
};
use vesalius_io::FolderLock;
use vesalius_volume::LabelScheme;

/// A folder of saved probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleMember {
    /// The folder.
    pub folder: PathBuf,
    /// How much it counts.
    pub weight: f64,
}

fn input(path: &Path, reason: impl Into<String>) -> Error {
    Error::Input {
        path: path.to_path_buf(),
        reason: reason.into(),
    }
}

/// Puts the probabilities of several folders together and writes `NAME.nii.gz` for each case, telling
/// `observer` of each. `labels` says what nnU-Net's `.npz` files mean, which do not say so themselves;
/// where it is not given the folder's own note of its model is asked.
///
/// # Errors
/// [`Error::Input`] for folders without probabilities, or with different cases or labels;
/// [`Error::Output`] when a result cannot be written; [`Error::Io`] when another process writes there.
pub fn ensemble_cases(
    members: &[EnsembleMember],
    output: &Path,
    combination: Combination,
    labels: Option<&LabelScheme>,
    save: bool,
    mut observer: impl FnMut(&str, &Path),
) -> Result<usize, Error> {
    let Some(first) = members.first() else {
        return Err(input(output, "no folder of probabilities was named"));
    };
    let names = cases(&first.folder)?;
    for member in &members[1..] {
        let others = cases(&member.folder)?;
        if let Some(name) = names.symmetric_difference(&others).next() {
            let reason = format!("case {name} is not in all of the folders");
            return Err(input(&member.folder, reason));
        }
    }
    let failed = |path: &Path, reason: String| Error::Output {
        path: path.to_path_buf(),
        reason,
    };
    std::fs::create_dir_all(output).map_err(|e| failed(output, format!("cannot be made: {e}")))?;
    let lock = FolderLock::exclusive(output)?;
    lock.remove_leftovers("");
    let weights: Vec<f64> = members.iter().map(|member| member.weight).collect();
    for name in &names {
        let mut unread = None;
        let parts = members.iter().map(|member| {
            read(&member.folder, name, labels).map_err(|error| {
                unread = Some(error);
                vesalius_inferers::Error::Stopped
            })
        });
        let mean = combine_each(parts, &weights, combination);
        if let Some(error) = unread {
            return Err(error);
        }
        let mean = mean.map_err(|e| input(&first.folder, format!("case {name}: {e}")))?;
        let target = output.join(format!("{name}.nii.gz"));
        let written = || -> vesalius_inferers::Result<()> {
            if save {
                write_slabs(&output.join(format!("{name}{SLABS_SUFFIX}")), &mean)?;
            }
            Ok(vesalius_io::write_labels(&target, &mean.labels()?)?)
        };
        written().map_err(|e| failed(&target, e.to_string()))?;
        observer(name, &target);
    }
    Ok(names.len())
}

/// The cases whose probabilities a folder holds.
fn cases(folder: &Path) -> Result<BTreeSet<String>, Error> {
    let entries =
        std::fs::read_dir(folder).map_err(|e| input(folder, format!("cannot be read: {e}")))?;
    let names: BTreeSet<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|file| {
            let stem = file.strip_suffix(SLABS_SUFFIX);
            Some(stem.or_else(|| file.strip_suffix(".npz"))?.to_owned())
        })
        .collect();
    match names.is_empty() {
        true => Err(input(
            folder,
            "holds no saved probabilities; predict with `--save-probabilities` first",
        )),
        false => Ok(names),
    }
}

fn read(folder: &Path, name: &str, labels: Option<&LabelScheme>) -> Result<ProbabilityMap, Error> {
    let ours = folder.join(format!("{name}{SLABS_SUFFIX}"));
    if ours.is_file() {
        return read_slabs(&ours).map_err(|e| input(folder, e.to_string()));
    }
    let scheme = match labels {
        Some(labels) => labels.clone(),
        None => noted(folder)?,
    };
    let segmentation = folder.join(format!("{name}.nii.gz"));
    let info = vesalius_io::probe(&segmentation).map_err(|e| input(folder, e.to_string()))?;
    let path = folder.join(format!("{name}.npz"));
    read_npz(&path, &scheme, info.geometry).map_err(|e| input(folder, e.to_string()))
}

/// The labels of the model that made a folder's results.
fn noted(folder: &Path) -> Result<LabelScheme, Error> {
    let nnunet = folder.join("dataset.json");
    if nnunet.is_file() {
        return vesalius_planning::nnunet::DatasetJson::read(&nnunet)
            .and_then(|dataset| dataset.label_scheme())
            .map_err(|e| input(folder, e.to_string()));
    }
    let model = model_of(folder).map_err(|reason| {
        let remedy = "nothing else says what its channels mean; name the model with `--model`";
        input(folder, format!("{reason}, and {remedy}"))
    })?;
    Ok(model.labels)
}
