//! The files below a folder, each once, however its folders are linked.

use crate::watch::Watch;
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders in folders beyond this are not searched.
const DEEPEST: usize = 16;

/// Every regular file in a folder and in its folders, by name.
///
/// # Errors
/// [`Error::Read`] for a folder that cannot be listed.
pub(crate) fn files_below(folder: &Path, watch: Watch) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(folder, 0, &mut BTreeSet::new(), &mut files, watch)?;
    files.sort();
    Ok(files)
}

fn walk(
    folder: &Path,
    depth: usize,
    seen: &mut BTreeSet<PathBuf>,
    files: &mut Vec<PathBuf>,
    watch: Watch,
) -> Result<()> {
    let fail = |source| Error::read(folder, source);
    // A link to a folder above would otherwise be followed down again and again.
    if !seen.insert(folder.canonicalize().map_err(fail)?) {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        watch.check()?;
        let path = entry.map_err(fail)?.path();
        if path.is_dir() {
            if depth < DEEPEST {
                walk(&path, depth + 1, seen, files, watch)?;
            }
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_that_lead_back_are_followed_once() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir(at.join("a")).unwrap();
        std::fs::write(at.join("a/x"), "").unwrap();
        std::fs::write(at.join("y"), "").unwrap();
        symlink(at, at.join("a/back")).unwrap();
        symlink(at, at.join("a/again")).unwrap();
        symlink("nowhere", at.join("broken")).unwrap();
        let files = |at: &Path| files_below(at, Watch::new(at, None));
        assert_eq!(files(at).unwrap(), [at.join("a/x"), at.join("y")]);
        assert!(files(&at.join("gone")).is_err());
    }
}
