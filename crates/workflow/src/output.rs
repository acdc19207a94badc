//! Where results of one call go: the rules that all commands share. An existing file or folder is not overwritten
//! unless overwriting is enabled, an input is not its own output, an unknown ending is refused before anything is
//! computed, and missing folders are made.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vesalius_registry::Registry;
use vesalius_volume::ErrorKind;

/// What happens to an output that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Existing {
    /// It is an error.
    #[default]
    Refuse,
    /// It is replaced.
    Replace,
}

/// Why an output is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something is there.
    #[error("{} is there already; choose another name, or ask for `Existing::Replace`", .0.display())]
    Exists(PathBuf),
    /// The output is an input.
    #[error("{} is an input, which would be overwritten; choose another output, or ask for `Existing::Replace`", .0.display())]
    IsInput(PathBuf),
    /// A folder has the path of a file to be written.
    #[error("{} is a folder; name a file", .0.display())]
    IsFolder(PathBuf),
    /// A file has the path of a folder to be made.
    #[error("{} is a file; name a folder", .0.display())]
    IsFile(PathBuf),
    /// A folder cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// No image has this ending.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Folder { source, .. } => ErrorKind::of_io(source),
            Self::Io(error) => error.kind(),
            Self::Exists(_) | Self::IsInput(_) | Self::IsFolder(_) | Self::IsFile(_) => {
                ErrorKind::BadInput
            }
        }
    }
}

/// Folders that were made for outputs of this process, outermost first.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// An output that may be written. Folders that were made for it and are empty when this is dropped are removed.
#[derive(Debug)]
#[must_use = "its folders are removed when it is dropped before anything is written"]
pub struct Claimed {
    /// Outermost first.
    made: Vec<PathBuf>,
}

impl Drop for Claimed {
    fn drop(&mut self) {
        remove_empty(&self.made);
        made().retain(|folder| !self.made.contains(folder));
    }
}

fn made() -> MutexGuard<'static, Vec<PathBuf>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes folders that hold nothing; those that hold a result stay.
fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        let _ = std::fs::remove_dir(folder);
    }
}

/// Removes the folders that were made for outputs and hold nothing; for a process that ends before its time.
pub fn remove_made_folders() {
    remove_empty(&made());
}

/// Claims a file of any ending; its folder is made.
///
/// # Errors
/// [`Error`].
pub fn claim_file(
    output: impl AsRef<Path>,
    inputs: &[impl AsRef<Path>],
    existing: Existing,
) -> Result<Claimed, Error> {
    let output = output.as_ref();
    if output.is_dir() {
        return Err(Error::IsFolder(output.to_owned()));
    }
    check(output, inputs, existing)?;
    match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => make(parent),
        _ => Ok(Claimed { made: Vec::new() }),
    }
}

/// As [`claim_file`], of a file with an image's ending.
///
/// # Errors
/// As [`claim_file`]; a name that no image format has.
pub fn claim_image(
    output: impl AsRef<Path>,
    inputs: &[impl AsRef<Path>],
    existing: Existing,
) -> Result<Claimed, Error> {
    let output = output.as_ref();
    vesalius_io::check_name(output, &Registry::default())?;
    claim_file(output, inputs, existing)
}

/// Claims a folder, which is made; one that is there and holds nothing counts as none.
///
/// # Errors
/// [`Error`].
pub fn claim_folder(
    output: impl AsRef<Path>,
    inputs: &[impl AsRef<Path>],
    existing: Existing,
) -> Result<Claimed, Error> {
    let output = output.as_ref();
    if output.is_file() {
        return Err(Error::IsFile(output.to_owned()));
    }
    if !is_empty(output) {
        check(output, inputs, existing)?;
    }
    make(output)
}

/// Whether a folder holds nothing but what a lock leaves.
fn is_empty(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    folder.is_dir() && names.all(|name| name == vesalius_io::LOCK_FILE)
}

fn check(output: &Path, inputs: &[impl AsRef<Path>], existing: Existing) -> Result<(), Error> {
    if existing == Existing::Replace || output.symlink_metadata().is_err() {
        return Ok(());
    }
    let whole = output.canonicalize();
    let is_input =
        |input: &Path| matches!((input.canonicalize(), &whole), (Ok(a), Ok(b)) if a == *b);
    match inputs.iter().any(|input| is_input(input.as_ref())) {
        true => Err(Error::IsInput(output.to_owned())),
        false => Err(Error::Exists(output.to_owned())),
    }
}

/// Makes a folder and those around it that are missing.
fn make(folder: &Path) -> Result<Claimed, Error> {
    let missing = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    missing.reverse();
    made().extend_from_slice(&missing);
    // What it has made is removed where the rest fails.
    let claimed = Claimed { made: missing };
    std::fs::create_dir_all(folder).map_err(|source| Error::Folder {
        path: folder.to_owned(),
        source,
    })?;
    Ok(claimed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [&Path; 0] = [];

    #[test]
    fn what_is_there_and_inputs_are_refused_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.nii");
        std::fs::write(&file, "").unwrap();
        let refused = claim_image(&file, &NONE, Existing::Refuse).unwrap_err();
        assert!(matches!(refused, Error::Exists(_)), "{refused}");
        let other = folder.path().join("./a.nii");
        let refused = claim_image(&other, &[&file], Existing::Refuse).unwrap_err();
        assert!(matches!(refused, Error::IsInput(_)), "{refused}");
        let _ = claim_image(&file, &[&file], Existing::Replace).unwrap();
        let refused = claim_image(folder.path().join("a.xyz"), &NONE, Existing::Replace);
        assert!(refused.is_err());
        let refused = claim_file(folder.path(), &NONE, Existing::Replace).unwrap_err();
        assert!(matches!(refused, Error::IsFolder(_)), "{refused}");
        let refused = claim_folder(&file, &NONE, Existing::Replace).unwrap_err();
        assert!(matches!(refused, Error::IsFile(_)), "{refused}");
        assert!(claim_folder(folder.path(), &NONE, Existing::Refuse).is_err());
    }

    #[test]
    fn folders_are_made_and_go_again_where_nothing_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/deep/a.nii");
        drop(claim_image(&file, &NONE, Existing::Refuse).unwrap());
        assert!(!folder.path().join("new").exists());
        let claimed = claim_image(&file, &NONE, Existing::Refuse).unwrap();
        std::fs::write(&file, "").unwrap();
        drop(claimed);
        assert!(file.exists());
        let inside = file.join("b.nii");
        assert!(claim_file(&inside, &NONE, Existing::Refuse).is_err());
    }
}
