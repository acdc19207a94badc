//! A model folder in an archive, as nnU-Net's `nnUNetv2_export_model_to_zip` writes it: unpacked for as long
//! as it takes to load the model.

use crate::{Error, MODEL_FILE, Result};
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What every archive begins with.
const MAGIC: &[u8; 4] = b"PK\x03\x04";
/// An archive whose content is so many times its size is none of weights.
const MOST_TIMES: u64 = 200;

/// The folder that an archive of a model was unpacked to; nothing for a file that is no archive, or one of
/// something else, as PyTorch's own files are.
///
/// # Errors
/// An archive that is damaged, that names files outside of itself or is far larger than it looks; a temporary
/// folder that cannot be written.
pub(crate) fn unpacked(path: &Path) -> Result<Option<TempDir>> {
    let bad = |reason: String| Error::ModelFolder {
        path: path.to_path_buf(),
        reason,
    };
    let unreadable = |e: std::io::Error| bad(format!("cannot be read: {e}"));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut start = [0; MAGIC.len()];
    if file.read(&mut start).map_err(unreadable)? < MAGIC.len() || &start != MAGIC {
        return Ok(None);
    }
    let size = file.metadata().map_err(unreadable)?.len();
    let mut archive =
        zip::ZipArchive::new(file).map_err(|e| bad(format!("is a damaged archive: {e}")))?;
    let is_model = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or(name);
        [MODEL_FILE, "plans.json"].contains(&last)
    };
    let holds_model = archive.file_names().flatten().any(|name| is_model(&name));
    if !holds_model {
        return Ok(None);
    }
    let total: u64 = (0..archive.len())
        .filter_map(|index| Some(archive.by_index_raw(index).ok()?.size()))
        .sum();
    if total > MOST_TIMES.saturating_mul(size) {
        return Err(bad(format!(
            "says that it unpacks from {size} to {total} bytes, which no model does"
        )));
    }
    let folder = tempfile::tempdir()
        .map_err(|e| bad(format!("cannot be unpacked to a temporary folder: {e}")))?;
    for index in 0..archive.len() {
        unpack(&mut archive, index, folder.path()).map_err(|reason| {
            bad(format!(
                "cannot be unpacked ({reason}); unpack it by hand and name the folder"
            ))
        })?;
    }
    Ok(Some(folder))
}

fn unpack<R: Read + Seek>(
    archive: &mut zip::ZipArchive<R>,
    index: usize,
    to: &Path,
) -> std::result::Result<(), String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let entry = archive.by_index(index).map_err(|e| text(&e))?;
    let Some(name) = entry.enclosed_name() else {
        return Err("one of its files lies outside of it".to_owned());
    };
    let target: PathBuf = to.join(name);
    if entry.is_dir() {
        return std::fs::create_dir_all(&target).map_err(|e| text(&e));
    }
    if let Some(parent) = target.parent() {
        std::fs::create_dir_all(parent).map_err(|e| text(&e))?;
    }
    let size = entry.size();
    let mut file = File::create(&target).map_err(|e| text(&e))?;
    let copied = std::io::copy(&mut entry.take(size), &mut file).map_err(|e| text(&e))?;
    match copied == size {
        true => Ok(()),
        false => Err(format!("`{}` is cut short", target.display())),
    }
}
