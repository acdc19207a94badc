//! The work folder's own predictions: made again when its model has changed. How cases are segmented is left
//! to the caller.

use crate::work::problem;
use crate::{Error, Result, WorkFolder};
use std::path::{Path, PathBuf};

const MADE_FROM: &str = "made_from.json";

/// Where the predictions of a work folder lie.
pub fn predictions_folder(work: &WorkFolder) -> PathBuf {
    work.folder().join("predictions")
}

/// Removes the predictions that another state of the work's model made, so that they are made again; returns their
/// number. Called before the model's own are made.
///
/// # Errors
/// A model or folder that cannot be read, a folder that cannot be written.
pub fn renew_predictions(work: &WorkFolder) -> Result<usize> {
    let folder = predictions_folder(work);
    let own = model_hash(&work.folder().join("model"))?;
    let path = folder.join(MADE_FROM);
    let noted = std::fs::read_to_string(&path).unwrap_or_default();
    if noted == own {
        return Ok(0);
    }
    crate::work::create(&folder)?;
    let mut count = 0;
    for file in files(&folder)? {
        count += usize::from(vesalius_io::is_image(&file));
        std::fs::remove_file(&file).map_err(|source| Error::System {
            path: file.clone(),
            what: "removed",
            source,
        })?;
    }
    // Noted once nothing old is left: a process that is killed meanwhile starts again.
    vesalius_io::write_bytes_atomically(&path, own.as_bytes())?;
    Ok(count)
}

/// A hash of every file of a model folder, companions included.
fn model_hash(folder: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut left = vec![folder.to_path_buf()];
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        match path.is_dir() {
            true => left.extend(entries(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(problem(
            folder,
            "holds no model; `workflow::auto::ensemble` makes one",
        ));
    }
    for path in found {
        let read = |path: &Path| {
            let mut file = std::fs::File::open(path)?;
            let mut content = blake3::Hasher::new();
            std::io::copy(&mut file, &mut content)?;
            Ok(content.finalize())
        };
        let content = read(&path).map_err(|source| Error::System {
            path: path.clone(),
            what: "read",
            source,
        })?;
        let name = path.strip_prefix(folder).unwrap_or(&path);
        hasher.update(name.to_string_lossy().as_bytes());
        hasher.update(content.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    // A lock, whose name begins with a dot, is its holder's.
    let hidden = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| name.starts_with('.'))
    };
    let entries = entries(folder)?.into_iter();
    Ok(entries
        .filter(|path| path.is_file() && !hidden(path))
        .collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()
    };
    match read() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(problem(
            folder,
            "does not exist; `workflow::auto::ensemble` makes one",
        )),
        Err(source) => Err(Error::System {
            path: folder.to_path_buf(),
            what: "read",
            source,
        }),
        Ok(entries) => Ok(entries),
    }
}
