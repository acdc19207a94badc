//! Which model a path means: its folder, one of its folds or files, a folder around it, or an archive of it;
//! and, where it means none, what was looked for and what lies there.

use crate::archive::unpacked;
use crate::{Error, MODEL_FILE, NnUnetModelFolder, Result};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A model folder that was found.
#[derive(Debug)]
pub(crate) struct Located {
    /// The folder with `model.yaml`, or with nnU-Net's `plans.json` and `dataset.json`.
    pub folder: PathBuf,
    /// The fold or member that the path names.
    pub fold: Option<String>,
    /// The checkpoint's file name that the path names, where it is not the usual one.
    pub checkpoint: Option<String>,
    /// Where an archive was unpacked to; removed once this is dropped.
    pub unpacked: Option<TempDir>,
}

/// How deep a folder is searched for model folders: `nnUNet_results/DATASET/TRAINER__PLANS__CONFIGURATION`.
const DEPTH: usize = 2;
/// Folders that are looked into.
const MOST_FOLDERS: usize = 2000;
/// Names that an error lists.
const MOST_NAMES: usize = 12;

/// What a path may be, for errors.
const LOOKED_FOR: &str = "looked for a folder with `model.yaml`, or one with nnU-Net's `plans.json` and `dataset.json`, one of its folds or checkpoints, and for an archive (.zip) of one";

impl Located {
    fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            fold: None,
            checkpoint: None,
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
    /// [`Error::ModelFolder`] with what was looked for and what lies there.
    pub fn find(path: &Path) -> Result<Self> {
        let Ok(real) = path.canonicalize() else {
            return Err(absent(path));
        };
        if real.is_file() {
            return of_file(path, &real);
        }
        if path.join(MODEL_FILE).is_file() {
            return Ok(Self::at(path));
        }
        if NnUnetModelFolder::is_one(&real) {
            // The name of the folder tells the configuration, and its neighbours' the stages of a cascade.
            return Ok(Self::at(real));
        }
        if let Some(found) = around(&real) {
            return Ok(found);
        }
        within(path, &real)
    }
}

fn bad(path: &Path, reason: String) -> Error {
    Error::ModelFolder {
        path: path.to_path_buf(),
        reason,
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn is_model(folder: &Path) -> bool {
    folder.join(MODEL_FILE).is_file() || NnUnetModelFolder::is_one(folder)
}

fn absent(path: &Path) -> Error {
    let there = path.ancestors().skip(1).find(|folder| folder.is_dir());
    let there = there.map_or(String::new(), |folder| {
        let shown = match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        };
        format!("; {} holds {}", shown.display(), contents(shown))
    });
    bad(path, format!("does not exist{there}"))
}

/// The model of one of its files, or of an archive.
fn of_file(path: &Path, real: &Path) -> Result<Located> {
    let parent = real.parent().unwrap_or(real);
    let above = parent.parent().unwrap_or(parent);
    let name = name_of(real);
    if is_model(parent) && [MODEL_FILE, "plans.json", "dataset.json"].contains(&name.as_str()) {
        return Ok(Located::at(parent));
    }
    if name == "weights.safetensors"
        && let Some(found) = around(parent)
    {
        return Ok(found);
    }
    if name.ends_with(".pth") && NnUnetModelFolder::is_one(above) {
        let checkpoint = (name != "checkpoint_final.pth").then_some(name);
        return Ok(Located {
            checkpoint,
            ..Located::fold(above, parent)
        });
    }
    if let Some(unpacked) = unpacked(real)? {
        let found = within(path, unpacked.path())?;
        return Ok(Located {
            unpacked: Some(unpacked),
            ..found
        });
    }
    let weights = [".pt", ".pth", ".safetensors", ".onnx", ".ckpt"];
    let reason = match weights.iter().any(|ending| name.ends_with(ending)) {
        true => format!(
            "is a file of weights without a description of what they do to an image; {LOOKED_FOR}"
        ),
        false => format!("is a file that is no part of a model folder; {LOOKED_FOR}"),
    };
    Err(bad(path, reason))
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

/// The one model within a folder.
fn within(path: &Path, real: &Path) -> Result<Located> {
    if is_model(real) {
        return Ok(Located::at(real));
    }
    // The folder of an automatic analysis keeps its runs beside the model that was made of them.
    let chosen = real.join("model");
    if real.join("history.json").is_file() && chosen.join(MODEL_FILE).is_file() {
        return Ok(Located::at(chosen));
    }
    let mut found = Vec::new();
    let mut left = MOST_FOLDERS;
    models_in(real, DEPTH, &mut left, &mut found);
    match &found[..] {
        [one] => return Ok(Located::at(one)),
        [] => {}
        several => {
            let names = several.iter().take(MOST_NAMES).map(|folder| {
                let inside = folder.strip_prefix(real).unwrap_or(folder);
                inside.display().to_string()
            });
            let names: Vec<String> = names.collect();
            return Err(bad(
                path,
                format!(
                    "holds {} models; name one of them: {}",
                    several.len(),
                    names.join(", ")
                ),
            ));
        }
    }
    let is = |file: &str| real.join(file).is_file();
    let what = if ["inference.json", "inference.yaml", "inference.yml"]
        .iter()
        .any(|config| real.join("configs").join(config).is_file())
    {
        "is a MONAI bundle, whose preprocessing is not read; write a `model.yaml` for its network (`vesalius model info` reads that) and weights (`vesalius model convert`)"
    } else if is("plans.pkl") || is("postprocessing.json") && !is("dataset.json") {
        "looks like a model of nnU-Net v1, which is not read; train it with nnU-Net v2"
    } else if is("training.yaml") {
        "is a run of `vesalius train` that has written no model yet; let it go on with `--resume`"
    } else if is("plans.json") {
        "has nnU-Net's `plans.json` but no `dataset.json`; copy the whole folder that nnU-Net trained"
    } else if is("dataset.json") {
        "has a `dataset.json` but no `plans.json`; copy the whole folder that nnU-Net trained, or is it a dataset?"
    } else {
        "holds no model"
    };
    Err(bad(
        path,
        format!("{what}; {LOOKED_FOR}; it holds {}", contents(real)),
    ))
}

/// Model folders at most so deep below a folder, sorted by name.
fn models_in(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .take(*left)
        .collect();
    *left -= folders.len();
    folders.sort();
    for folder in folders {
        match is_model(&folder) {
            true => found.push(folder),
            false if depth > 1 => models_in(&folder, depth - 1, left, found),
            false => {}
        }
    }
}

/// What lies in a folder, in words.
fn contents(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return "what cannot be read".to_owned();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Some(match entry.path().is_dir() {
                true => format!("{name}/"),
                false => name,
            })
        })
        .collect();
    names.sort();
    match names.len() {
        0 => "nothing".to_owned(),
        count if count <= MOST_NAMES => names.join(", "),
        count => format!(
            "{} and {} more",
            names[..MOST_NAMES].join(", "),
            count - MOST_NAMES
        ),
    }
}
