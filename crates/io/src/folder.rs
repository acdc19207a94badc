//! The files below a folder, each once, however its folders are linked.

use crate::watch::Watch;
use crate::{Error, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders in folders beyond this are not searched.
const DEEPEST: usize = 16;

/// The text in errors for a link to no file.
pub(crate) const LEADS_NOWHERE: &str = "is a link that leads nowhere";

/// The files of a folder and of its folders.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Below {
    /// Regular files, by name.
    pub files: Vec<PathBuf>,
    /// Links to no file.
    pub broken: Vec<PathBuf>,
}

/// Every regular file in a folder and in its folders, and the links to no file.
///
/// # Errors
/// [`Error::Read`] for a folder that cannot be listed.
pub(crate) fn below(folder: &Path, watch: Watch) -> Result<Below> {
    let mut found = Below::default();
    walk(folder, 0, &mut BTreeSet::new(), &mut found, watch)?;
    found.files.sort();
    found.broken.sort();
    Ok(found)
}

/// Every regular file in a folder and in its folders, by name: what a DICOM study is made of. A folder that several
/// links lead to is searched once.
///
/// # Errors
/// [`Error::Read`] for a folder that cannot be listed.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// std::fs::create_dir(folder.path().join("series"))?;
/// std::fs::write(folder.path().join("series/1"), "")?;
/// assert_eq!(vesalius_io::files_below(folder.path())?, [folder.path().join("series/1")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn files_below(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
    let folder = folder.as_ref();
    Ok(below(folder, Watch::new(folder, None))?.files)
}

fn walk(
    folder: &Path,
    depth: usize,
    seen: &mut BTreeSet<PathBuf>,
    found: &mut Below,
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
                walk(&path, depth + 1, seen, found, watch)?;
            }
        } else if path.is_file() {
            found.files.push(path);
        } else if path.is_symlink() && !path.exists() {
            found.broken.push(path);
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
        let files = |at: &Path| below(at, Watch::new(at, None)).map(|found| found.files);
        assert_eq!(files(at).unwrap(), [at.join("a/x"), at.join("y")]);
        symlink(at.join("circle"), at.join("circle")).unwrap();
        let broken = below(at, Watch::new(at, None)).unwrap().broken;
        assert_eq!(broken, [at.join("broken"), at.join("circle")]);
        assert!(files(&at.join("gone")).is_err());
    }
}
