//! A file as it was when a result was made of it, so that a change is noticed.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileState {
    pub path: PathBuf,
    pub bytes: u64,
    /// Nanoseconds since 1970.
    pub modified: u64,
    /// BLAKE3 of the content; of a folder (a DICOM study) of all files in it and below.
    pub blake3: String,
}

/// Size and time of a file, or of all files in a folder together.
fn look(path: &Path) -> io::Result<(u64, u64)> {
    let (mut bytes, mut modified) = (0, 0);
    for file in files(path)? {
        let found = std::fs::metadata(&file)?;
        let since = found.modified()?.duration_since(UNIX_EPOCH);
        bytes += found.len();
        modified = since.map_or(0, |t| t.as_nanos() as u64).max(modified);
    }
    Ok((bytes, modified))
}

/// A file, or all files of a folder and of the folders in it: a study has a folder for each series.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    vesalius_io::files_below(path).map_err(io::Error::other)
}

/// BLAKE3 of a file, or of all files in a folder.
pub(super) fn content(path: &Path) -> io::Result<String> {
    let mut hash = blake3::Hasher::new();
    for file in files(path)? {
        hash.update_reader(File::open(file)?)?;
    }
    Ok(hash.finalize().to_hex().to_string())
}

impl FileState {
    /// A file as it is now.
    pub fn of(path: &Path) -> io::Result<Self> {
        let (bytes, modified) = look(path)?;
        Ok(Self {
            path: path.to_path_buf(),
            bytes,
            modified,
            blake3: content(path)?,
        })
    }

    /// Whether the file has the content that it had: by size and time, and where those differ (a copy,
    /// a touched file) by its bytes.
    pub fn is_same(&self, path: &Path) -> bool {
        match look(path) {
            Ok((bytes, modified)) if bytes == self.bytes => {
                modified == self.modified || content(path).is_ok_and(|found| found == self.blake3)
            }
            _ => false,
        }
    }

    /// Whether the file has the content that it had, by its bytes alone.
    pub fn is_same_content(&self, path: &Path) -> bool {
        look(path).is_ok_and(|(bytes, _)| bytes == self.bytes)
            && content(path).is_ok_and(|found| found == self.blake3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_size_and_time_and_then_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "content").unwrap();
        let state = FileState::of(&path).unwrap();
        assert!(state.is_same(&path) && state.is_same_content(&path));
        // Written again: another time, the same bytes.
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
        File::open(&path).unwrap().set_modified(later).unwrap();
        assert!(state.is_same(&path));
        std::fs::write(&path, "another").unwrap();
        assert!(!state.is_same(&path) && !state.is_same_content(&path));
        std::fs::write(&path, "cont").unwrap();
        assert!(!state.is_same(&path));
        // A series is all of its files.
        let series = FileState::of(folder.path()).unwrap();
        assert!(series.is_same(folder.path()));
        std::fs::write(folder.path().join("b"), "more").unwrap();
        assert!(!series.is_same(folder.path()));
        // A study is the files of its folders too.
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        std::fs::write(folder.path().join("deep/c"), "more").unwrap();
        let study = FileState::of(folder.path()).unwrap();
        std::fs::write(folder.path().join("deep/c"), "less").unwrap();
        File::open(folder.path().join("deep/c"))
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert!(!study.is_same(folder.path()));
        assert!(!state.is_same(&folder.path().join("gone")));
    }
}
