//! One process at a time in a work folder, or several that search together.

use super::problem;
use crate::Result;
use std::fs::{File, TryLockError};
use std::path::Path;

const LOCK: &str = "auto.lock";

/// Who else may work in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Alone,
    WithOthers,
}

/// Takes the folder for as long as the file lives.
pub(super) fn take(folder: &Path, hold: Hold) -> Result<File> {
    let path = folder.join(LOCK);
    let problem = |reason: String| problem(&path, &reason);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|e| {
            problem(format!(
                "cannot be used ({e}); choose a folder that can be written"
            ))
        })?;
    let locked = match hold {
        Hold::Alone => file.try_lock(),
        Hold::WithOthers => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(problem(
            "another process works in this folder; wait for it, or choose another `--output`"
                .to_owned(),
        )),
        Err(TryLockError::Error(e)) => Err(problem(format!("cannot be locked: {e}"))),
    }
}
