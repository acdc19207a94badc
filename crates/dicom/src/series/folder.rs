//! A new folder of files that appears when all of them are complete.

use crate::{Error, Result};
use std::path::Path;

/// A folder that takes the name of the target when all is in it.
pub(super) struct Staged(tempfile::TempDir);

impl Staged {
    pub fn beside(target: &Path) -> Result<Self> {
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".writing-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The umask removes its bits, as for any new folder.
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        builder
            .tempdir_in(parent)
            .map(Self)
            .map_err(|source| write_error(target, source))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn publish(self, target: &Path) -> Result<()> {
        // A folder that was made meanwhile is only replaced where it is empty.
        std::fs::rename(self.0.path(), target).map_err(|source| write_error(target, source))?;
        let _ = self.0.keep();
        Ok(())
    }
}

fn write_error(path: &Path, source: std::io::Error) -> Error {
    Error::Io(vesalius_io::Error::Write {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn check_target(folder: &Path) -> Result<()> {
    let empty = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    match folder.symlink_metadata() {
        Ok(_) if !empty() => Err(Error::Exists {
            path: folder.to_owned(),
        }),
        _ => Ok(()),
    }
}
