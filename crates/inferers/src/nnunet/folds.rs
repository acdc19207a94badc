//! Finds the folds of a trained-model folder, and the folder of another configuration beside it.

use crate::{Error, Result};
use std::path::{Path, PathBuf};
use vesalius_volume::ErrorKind;

/// nnU-Net's file of weights of a finished fold, and the other checkpoints that it leaves in a fold's folder.
pub(super) const CHECKPOINT: &str = "checkpoint_final.pth";
const OTHERS: [&str; 2] = ["checkpoint_best.pth", "checkpoint_latest.pth"];

/// The folder of another configuration: `nnUNetTrainer__nnUNetPlans__3d_lowres` beside `…__3d_cascade_fullres`.
pub(super) fn sibling(folder: &Path, name: &str, stage: &str) -> PathBuf {
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    let stem = own.strip_suffix(name).unwrap_or(&own);
    folder.with_file_name(format!("{stem}{stage}"))
}

/// The folds to use, as folder names: those that are named, or all of them with such a checkpoint, but
/// `fold_all` only where there is no other.
pub(super) fn members(
    folder: &Path,
    folds: Option<&[String]>,
    checkpoint: &str,
) -> Result<Vec<String>> {
    let bad = |path: &Path, reason: String| Error::ModelFolder {
        kind: ErrorKind::BadInput,
        path: path.to_path_buf(),
        reason,
    };
    let entries = std::fs::read_dir(folder).map_err(|e| bad(folder, e.to_string()))?;
    let mut all: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_fold(name) && folder.join(name).is_dir())
        .collect();
    all.sort();
    let there = with_checkpoint(folder, &all, checkpoint);
    let remedy = || available(folder, &all, checkpoint);
    let Some(folds) = folds else {
        // `fold_all` is a model of its own, not another fold.
        let usual: Vec<String> = match there.iter().any(|name| name != "fold_all") {
            true => there.into_iter().filter(|n| n != "fold_all").collect(),
            false => there,
        };
        return match usual.is_empty() {
            true => Err(bad(
                folder,
                format!("has no fold with a {checkpoint}; {}", remedy()),
            )),
            false => Ok(usual),
        };
    };
    let named = |fold: &String| match fold.starts_with("fold_") {
        true => fold.clone(),
        false => format!("fold_{fold}"),
    };
    let wanted: Vec<String> = folds.iter().map(named).collect();
    match wanted.iter().find(|fold| !there.contains(fold)) {
        Some(missing) => Err(bad(
            &folder.join(missing),
            format!("has no {checkpoint}; {}", remedy()),
        )),
        None if wanted.is_empty() => Err(bad(folder, "no fold was asked for".to_owned())),
        None => Ok(wanted),
    }
}

/// `fold_3` and `fold_all`, as nnU-Net writes them; `fold_0_old` is a copy that somebody made.
fn is_fold(name: &str) -> bool {
    let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    name.strip_prefix("fold_")
        .is_some_and(|fold| fold == "all" || number(fold))
}

fn with_checkpoint(folder: &Path, folds: &[String], checkpoint: &str) -> Vec<String> {
    let has = |fold: &&String| folder.join(fold).join(checkpoint).is_file();
    folds.iter().filter(has).cloned().collect()
}

/// For an error: the folds that have the requested checkpoint, or else the checkpoints that exist.
fn available(folder: &Path, folds: &[String], checkpoint: &str) -> String {
    let there = with_checkpoint(folder, folds, checkpoint);
    if !there.is_empty() {
        return format!("{} has one", there.join(", "));
    }
    let known = std::iter::once(CHECKPOINT).chain(OTHERS);
    let others: Vec<String> = known
        .filter(|name| *name != checkpoint)
        .filter_map(|name| {
            let folds = with_checkpoint(folder, folds, name);
            (!folds.is_empty()).then(|| format!("{} has {name}", folds.join(", ")))
        })
        .collect();
    match others.is_empty() {
        true => "finish the training of at least one fold".to_owned(),
        false => format!(
            "{}; choose it as the checkpoint, or finish the training",
            others.join("; ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_and_checkpoints_are_chosen_as_by_nnunet() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        let add = |fold: &str, name: &str| {
            std::fs::create_dir_all(folder.join(fold)).unwrap();
            std::fs::write(folder.join(fold).join(name), "").unwrap();
        };
        let taken = |folds: Option<&[&str]>, checkpoint: &str| {
            let folds: Option<Vec<String>> =
                folds.map(|f| f.iter().map(|f| f.to_string()).collect());
            members(folder, folds.as_deref(), checkpoint).map_err(|e| e.to_string())
        };
        add("fold_0", "checkpoint_best.pth");
        let message = taken(None, CHECKPOINT).unwrap_err();
        assert!(
            message.contains("fold_0 has checkpoint_best.pth"),
            "{message}"
        );
        assert_eq!(taken(None, "checkpoint_best.pth").unwrap(), ["fold_0"]);
        add("fold_all", CHECKPOINT);
        assert_eq!(taken(None, CHECKPOINT).unwrap(), ["fold_all"]);
        add("fold_1", CHECKPOINT);
        add("fold_3", CHECKPOINT);
        add("fold_0_old", CHECKPOINT);
        assert_eq!(taken(None, CHECKPOINT).unwrap(), ["fold_1", "fold_3"]);
        assert_eq!(taken(Some(&["all"]), CHECKPOINT).unwrap(), ["fold_all"]);
        assert_eq!(
            taken(Some(&["3", "fold_1"]), CHECKPOINT).unwrap(),
            ["fold_3", "fold_1"]
        );
        let message = taken(Some(&["2"]), CHECKPOINT).unwrap_err();
        assert!(
            message.contains("fold_2") && message.contains("fold_1, fold_3"),
            "{message}"
        );
    }
}
