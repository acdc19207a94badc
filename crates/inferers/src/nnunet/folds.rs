//! The folds of a trained-model folder, and its neighbours.

use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// What nnU-Net calls the weights of a finished fold.
pub(super) const CHECKPOINT: &str = "checkpoint_final.pth";

/// `nnUNetTrainer__nnUNetPlans__3d_lowres` beside `…__3d_cascade_fullres`.
pub(super) fn sibling(folder: &Path, name: &str, stage: &str) -> PathBuf {
    let own = folder.file_name().unwrap_or_default().to_string_lossy();
    let stem = own.strip_suffix(name).unwrap_or(&own);
    folder.with_file_name(format!("{stem}{stage}"))
}

/// The folds to use, as folder names.
pub(super) fn members(folder: &Path, folds: Option<&[String]>) -> Result<Vec<String>> {
    let bad = |path: &Path, reason: String| Error::ModelFolder {
        path: path.to_path_buf(),
        reason,
    };
    let entries = std::fs::read_dir(folder).map_err(|e| bad(folder, e.to_string()))?;
    let mut there: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("fold_") && folder.join(name).join(CHECKPOINT).is_file())
        .collect();
    there.sort();
    // `fold_all` is a model of its own, not another fold.
    let usual: Vec<String> = match there.iter().any(|name| name != "fold_all") {
        true => there.iter().filter(|n| *n != "fold_all").cloned().collect(),
        false => there.clone(),
    };
    let available = || match there.is_empty() {
        true => "none has one".to_owned(),
        false => format!("there are {}", there.join(", ")),
    };
    let Some(folds) = folds else {
        return match usual.is_empty() {
            true => Err(bad(
                folder,
                format!("has no fold with a {CHECKPOINT}; finish the training of at least one"),
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
            format!("has no {CHECKPOINT}; {}", available()),
        )),
        None if wanted.is_empty() => Err(bad(folder, "no fold was asked for".to_owned())),
        None => Ok(wanted),
    }
}
