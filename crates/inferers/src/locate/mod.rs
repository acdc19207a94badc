//! Which model a path means: its folder, one of its folds or files, a folder around it, or an archive of it;
//! and, where there is none, what was expected and what was found.

mod within;

use crate::archive::unpacked;
use crate::union::{UNION_FILE, is_union};
use crate::{Error, MODEL_FILE, NnUnetModelFolder, Result};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vesalius_bundles::Bundle;
use vesalius_volume::ErrorKind;
use within::{contents, is_of_v1, within};

/// A model folder that was found.
#[derive(Debug)]
pub(crate) struct Located {
    /// The folder with `model.yaml`, with nnU-Net's `plans.json` and `dataset.json`, or of a MONAI bundle.
    pub folder: PathBuf,
    /// The fold or member that the path names.
    pub fold: Option<String>,
    /// The checkpoint's file name that the path names, where it is not the usual one.
    pub checkpoint: Option<String>,
    /// The config of a MONAI bundle that the path names.
    pub config: Option<String>,
    /// Where an archive was unpacked to; removed once this is dropped.
    pub unpacked: Option<TempDir>,
}

/// Where a bundle has its configs.
const CONFIGS: &str = "configs";

/// What a path may be, for errors.
const LOOKED_FOR: &str = "looked for a folder with `model.yaml`, one with nnU-Net's `plans.json` and `dataset.json`, a union of models (`union.yaml`), one of its folds or checkpoints, a MONAI bundle or its config, and for an archive (.zip) of one";

/// The reason for refusing a model of nnU-Net's first version.
const OF_V1: &str = "looks like a model of nnU-Net v1, which is not read; train it with nnU-Net v2";

impl Located {
    fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            fold: None,
            checkpoint: None,
            config: None,
            unpacked: None,
        }
    }

    fn fold(folder: &Path, fold: &Path) -> Self {
        Self {
            fold: Some(name_of(fold)),
            ..Self::at(folder)
        }
    }

    /// The model that a path means.
    ///
    /// # Errors
    /// [`Error::ModelFolder`] with what was expected and what was found.
    pub fn find(path: &Path) -> Result<Self> {
        Self::find_with(path, None)
    }

    /// [`Located::find`], with the folder that an archive is unpacked in; none means the system's for temporary files.
    ///
    /// # Errors
    /// As there.
    pub fn find_with(path: &Path, scratch: Option<&Path>) -> Result<Self> {
        // Without a slash at the end, which would make a file's name another's.
        let path = path.components().as_path();
        let Ok(real) = path.canonicalize() else {
            return Err(absent(path));
        };
        // A link in a model folder may lead to a fold elsewhere, and a link elsewhere to a fold in a model folder: the
        // path itself is tried first, then its target.
        let named = std::path::absolute(path).unwrap_or_else(|_| real.clone());
        if real.is_file() {
            return of_file(path, &named, &real, scratch);
        }
        if path.join(MODEL_FILE).is_file() || is_union(path) {
            return Ok(Self::at(path));
        }
        if NnUnetModelFolder::is_one(&real) {
            // The folder's name contains the configuration, and its neighbours' names the stages of a cascade.
            let tells = |folder: &Path| name_of(folder).contains("__");
            return Ok(Self::at(match tells(&named) && !tells(&real) {
                true => named,
                false => real,
            }));
        }
        if is_bundle(&real) {
            return Ok(Self::at(path));
        }
        match around(&named).or_else(|| around(&real)) {
            Some(found) => Ok(found),
            None => within(path, &real),
        }
    }
}

fn bad(path: &Path, reason: String) -> Error {
    Error::ModelFolder {
        kind: ErrorKind::BadInput,
        path: path.to_path_buf(),
        reason,
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn is_model(folder: &Path) -> bool {
    folder.join(MODEL_FILE).is_file()
        || is_union(folder)
        || NnUnetModelFolder::is_one(folder)
        || is_bundle(folder)
}

/// Whether a folder is a MONAI bundle.
pub(crate) fn is_bundle(folder: &Path) -> bool {
    folder.join(CONFIGS).is_dir() && Bundle::is_at(folder)
}

fn absent(path: &Path) -> Error {
    let there = path.ancestors().skip(1).find_map(|folder| {
        let shown = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        shown.is_dir().then_some(shown)
    });
    let there = there.map_or(String::new(), |shown| {
        format!("; {} holds {}", shown.display(), contents(shown))
    });
    Error::of_folder(ErrorKind::NotFound, path, format!("does not exist{there}"))
}

/// The model of one of its files, or of an archive.
fn of_file(path: &Path, named: &Path, real: &Path, scratch: Option<&Path>) -> Result<Located> {
    if let Some(found) = part(named).or_else(|| part(real)) {
        return Ok(found);
    }
    if let Some(unpacked) = unpacked(real, scratch)? {
        let found = within(path, unpacked.path())?;
        return Ok(Located {
            unpacked: Some(unpacked),
            ..found
        });
    }
    let name = name_of(real);
    let parent = named.parent().unwrap_or(named);
    let weights = [".pt", ".pth", ".safetensors", ".onnx", ".ckpt"];
    let what = if name.ends_with(".model") || name.ends_with(".model.pkl") || is_of_v1(parent) {
        OF_V1
    } else if weights.iter().any(|ending| name.ends_with(ending)) {
        "is a file of weights without a description of what they do to an image"
    } else {
        "is a file that is no part of a model folder"
    };
    let there = contents(parent);
    let reason = format!("{what}; {LOOKED_FOR}; beside it lies {there}");
    Err(bad(path, reason))
}

/// The model folder that a file is part of: of its description, weights or checkpoints.
fn part(file: &Path) -> Option<Located> {
    let (parent, name) = (file.parent()?, name_of(file));
    if is_model(parent)
        && [MODEL_FILE, UNION_FILE, "plans.json", "dataset.json"].contains(&name.as_str())
    {
        return Some(Located::at(parent));
    }
    if name == "weights.safetensors" {
        return around(parent);
    }
    let above = parent.parent()?;
    let is_config = [".json", ".yaml", ".yml"]
        .iter()
        .any(|ending| name.ends_with(ending));
    if is_config && name_of(parent) == CONFIGS && is_bundle(above) {
        return Some(Located {
            config: Some(format!("{CONFIGS}/{name}")),
            ..Located::at(above)
        });
    }
    if name.ends_with(".pth") && NnUnetModelFolder::is_one(above) {
        let checkpoint = (name != "checkpoint_final.pth").then_some(name);
        return Some(Located {
            checkpoint,
            ..Located::fold(above, parent)
        });
    }
    None
}

/// The model whose fold, member or folder of members a folder is.
fn around(folder: &Path) -> Option<Located> {
    let parent = folder.parent()?;
    if name_of(folder).starts_with("fold_") && NnUnetModelFolder::is_one(parent) {
        return Some(Located::fold(parent, folder));
    }
    if name_of(folder) == "members" && parent.join(MODEL_FILE).is_file() {
        return Some(Located::at(parent));
    }
    let above = parent.parent()?;
    let member = name_of(parent) == "members" && above.join(MODEL_FILE).is_file();
    member.then(|| Located::fold(above, folder))
}

#[cfg(test)]
mod tests;
