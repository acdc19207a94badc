//! The one model within a folder, or a description of the folder's content where there is none.

use super::{LOOKED_FOR, Located, OF_V1, bad, is_model};
use crate::{MODEL_FILE, Result};
use std::path::{Path, PathBuf};

/// How deep a folder is searched for model folders: `nnUNet_results/DATASET/TRAINER__PLANS__CONFIGURATION`, in a
/// folder of an archive's own.
const DEPTH: usize = 3;
/// Folders that are looked into.
const MOST_FOLDERS: usize = 2000;
/// Names that an error lists.
const MOST_NAMES: usize = 12;

/// The one model within a folder, or within what `path`, an archive, was unpacked to.
pub(super) fn within(path: &Path, real: &Path) -> Result<Located> {
    if is_model(real) {
        return Ok(Located::at(real));
    }
    // The folder of an automatic analysis has its runs next to the model that was made of them.
    let chosen = real.join("model");
    if real.join("history.json").is_file() && chosen.join(MODEL_FILE).is_file() {
        return Ok(Located::at(chosen));
    }
    match &folders_in(real, is_model)[..] {
        [one] => Ok(Located::at(one)),
        [] => Err(bad(
            path,
            format!(
                "{}; {LOOKED_FOR}; it holds {}",
                what_it_is(real),
                contents(real)
            ),
        )),
        several => {
            let names = several.iter().take(MOST_NAMES).map(|folder| {
                let inside = folder.strip_prefix(real).unwrap_or(folder);
                inside.display().to_string()
            });
            let names: Vec<String> = names.collect();
            let remedy = match path.is_file() {
                true => "unpack it and name one of them",
                false => "name one of them",
            };
            Err(bad(
                path,
                format!(
                    "holds {} models; {remedy}: {}",
                    several.len(),
                    names.join(", ")
                ),
            ))
        }
    }
}

/// A description of a folder without a model.
fn what_it_is(real: &Path) -> &'static str {
    let is = |file: &str| real.join(file).is_file();
    if is("training.yaml") {
        "is a training run that has written no model yet; continue it by `FitOptions::resume`"
    } else if is("plans.json") {
        "has nnU-Net's `plans.json` but no `dataset.json`; copy the whole folder that nnU-Net trained"
    } else if is_of_v1(real) || !folders_in(real, is_of_v1).is_empty() {
        OF_V1
    } else if is("dataset.json") {
        "has a `dataset.json` but no `plans.json`; copy the whole folder that nnU-Net trained, or is it a dataset?"
    } else {
        "holds no model"
    }
}

/// Whether a folder is a model of nnU-Net v1, or a fold of one.
pub(super) fn is_of_v1(folder: &Path) -> bool {
    let has = |file: &str| folder.join(file).is_file();
    let checkpoints = ["model_final_checkpoint.model", "model_best.model"];
    has("plans.pkl") || checkpoints.iter().any(|name| has(name))
}

/// Folders that are something, at most so deep below a folder, sorted by name. What lies within one of them is
/// not looked at.
fn folders_in(folder: &Path, is: impl Fn(&Path) -> bool + Copy) -> Vec<PathBuf> {
    let (mut left, mut found) = (MOST_FOLDERS, Vec::new());
    search(folder, is, DEPTH, &mut left, &mut found);
    found
}

fn search(
    folder: &Path,
    is: impl Fn(&Path) -> bool + Copy,
    depth: usize,
    left: &mut usize,
    found: &mut Vec<PathBuf>,
) {
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
        match is(&folder) {
            true => found.push(folder),
            false if depth > 1 => search(&folder, is, depth - 1, left, found),
            false => {}
        }
    }
}

/// A folder's content, in words.
pub(super) fn contents(folder: &Path) -> String {
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
