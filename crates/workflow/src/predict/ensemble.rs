//! Ensembles over files: saved probabilities of several models, case by case, become one segmentation.

use super::Error;
use super::record::model_of;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_inferers::{
    Combination, ProbabilityMap, SLABS_SUFFIX, combine_each, label_names, read_npz, read_slabs,
    write_slabs,
};
use vesalius_io::{FolderLock, WriteOptions};
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

/// How folders of probabilities are combined.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EnsembleOptions {
    /// What becomes of several probabilities.
    pub combination: Combination,
    /// Which channel of nnU-Net's `.npz` files is which label; `None` reads it from the folder's record of its model.
    pub labels: Option<LabelScheme>,
    /// Whether the combined probabilities are written next to the labels (`NAME.probabilities.zip`).
    pub save_probabilities: bool,
}

impl EnsembleOptions {
    /// Labels alone.
    pub fn new(combination: Combination) -> Self {
        Self {
            combination,
            labels: None,
            save_probabilities: false,
        }
    }

    /// Which channel of nnU-Net's `.npz` files is which label.
    #[must_use]
    pub fn labels(mut self, labels: LabelScheme) -> Self {
        self.labels = Some(labels);
        self
    }

    /// Writes the combined probabilities too.
    #[must_use]
    pub fn save_probabilities(mut self) -> Self {
        self.save_probabilities = true;
        self
    }
}

/// Combines the probabilities of several folders and writes `NAME.nii.gz` for each case, calling `observer` after
/// each.
///
/// # Errors
/// [`Error::Input`] for folders without probabilities, or with different cases or labels;
/// [`Error::Output`] when a result cannot be written; [`Error::Io`] when another process writes there;
/// [`Error::Cancelled`] between two cases.
pub fn ensemble_cases(
    members: &[EnsembleMember],
    output: impl AsRef<Path>,
    options: &EnsembleOptions,
    control: &Control,
    mut observer: impl FnMut(&str, &Path),
) -> Result<usize, Error> {
    let output = output.as_ref();
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
    let stage = control.stage("cases", names.len() as u64);
    for (done, name) in names.iter().enumerate() {
        if stage.control().is_cancelled() {
            return Err(Error::Cancelled {
                done,
                total: names.len(),
                results: Vec::new(),
            });
        }
        let parts = members.iter();
        let parts =
            parts.map(|m| read(&m.folder, name, options.labels.as_ref()).map_err(Failed::Read));
        let mean =
            combine_each(parts, &weights, options.combination).map_err(|failed| match failed {
                Failed::Read(error) => error,
                Failed::Combine(e) => input(&first.folder, format!("case {name}: {e}")),
            })?;
        let target = output.join(format!("{name}.nii.gz"));
        let written = || -> vesalius_inferers::Result<()> {
            if options.save_probabilities {
                write_slabs(output.join(format!("{name}{SLABS_SUFFIX}")), &mean)?;
            }
            let options = WriteOptions {
                labels: label_names(mean.scheme()),
                ..WriteOptions::default()
            };
            Ok(vesalius_io::write_labels_with(
                &target,
                &mean.labels()?,
                &options,
            )?)
        };
        written().map_err(|e| failed(&target, e.to_string()))?;
        observer(name, &target);
        stage.advance(1);
    }
    Ok(names.len())
}

/// Why the probabilities of a case were not combined.
enum Failed {
    Read(Error),
    Combine(vesalius_inferers::Error),
}

impl From<vesalius_inferers::Error> for Failed {
    fn from(error: vesalius_inferers::Error) -> Self {
        Self::Combine(error)
    }
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
            format!(
                "holds no saved probabilities: looked for NAME{SLABS_SUFFIX} and NAME.npz; predict with `ProbabilityFiles::Slabs` or `ProbabilityFiles::Npz` first"
            ),
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
    let segmentation = segmentation(folder, name)?;
    let info = vesalius_io::probe(&segmentation).map_err(|e| input(folder, e.to_string()))?;
    let path = folder.join(format!("{name}.npz"));
    read_npz(&path, &scheme, info.geometry).map_err(|e| input(folder, e.to_string()))
}

/// The label map next to an `.npz`, whose grid is that of the probabilities; in `.nii.gz` where there are several.
fn segmentation(folder: &Path, name: &str) -> Result<PathBuf, Error> {
    let usual = folder.join(format!("{name}.nii.gz"));
    if usual.is_file() {
        return Ok(usual);
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut beside: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && vesalius_io::strip_extension(path) == name)
        .collect();
    beside.sort();
    let is_picture = beside.iter().any(vesalius_io::is_picture);
    beside.retain(|path| vesalius_io::is_image(path));
    let reason = match &beside[..] {
        [one] => return Ok(one.clone()),
        [] if is_picture => format!(
            "case {name}: a picture does not say where the probabilities in {name}.npz lie; predict with `ProbabilityFiles::Slabs`"
        ),
        [] => format!(
            "case {name}: {name}.npz has the grid of the label map beside it, and there is none: looked for {name}.nii.gz, .nii, .hdr, .mha, .mhd, .nrrd, .nhdr, .mgh and .mgz"
        ),
        several => {
            let names = several.iter().filter_map(|path| path.file_name()?.to_str());
            let names: Vec<&str> = names.collect();
            format!(
                "case {name}: {} could each say where {name}.npz lies; leave the one that was written with it",
                names.join(", ")
            )
        }
    };
    Err(input(folder, reason))
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
        let remedy =
            "nothing else says what its channels mean; name them by `EnsembleOptions::labels`";
        input(folder, format!("{reason}, and {remedy}"))
    })?;
    Ok(model.labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_map_beside_an_npz_may_have_any_ending() {
        let folder = tempfile::tempdir().unwrap();
        let found = || {
            let found = segmentation(folder.path(), "a").map_err(|e| e.to_string())?;
            Ok::<_, String>(found.file_name().unwrap().to_str().unwrap().to_owned())
        };
        let make = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        make("a.npz");
        make("b.nii.gz");
        let text = found().unwrap_err();
        assert!(text.contains("a.nii.gz") && text.contains(".mha"), "{text}");
        make("a.png");
        assert!(found().unwrap_err().contains("a picture"));
        make("a.mha");
        assert_eq!(found().unwrap(), "a.mha");
        make("a.nrrd");
        assert!(found().unwrap_err().contains("a.mha, a.nrrd"));
        make("a.nii.gz");
        assert_eq!(found().unwrap(), "a.nii.gz");
    }
}
