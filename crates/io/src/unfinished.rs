//! Files that are being written: their names contain their process, so that those of a process that was killed
//! can be distinguished from those of one that still writes, and a process that ends can remove its own.

use crate::lock::{host, process_may_live};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// The prefix of all of these names.
const PREFIX: &str = ".writing-";

/// The files that this process writes, and the folders where it has removed what others left.
struct Known {
    live: BTreeSet<PathBuf>,
    swept: BTreeSet<PathBuf>,
}

/// Only [`remove_unfinished`] and the removal of old files depend on this list.
static KNOWN: Mutex<Known> = Mutex::new(Known {
    live: BTreeSet::new(),
    swept: BTreeSet::new(),
});

fn known() -> MutexGuard<'static, Known> {
    // Each change is one insertion or removal, so that a panic leaves nothing half done.
    KNOWN
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A file that this process is writing, as long as this value exists.
pub(crate) struct Unfinished(PathBuf);

impl Unfinished {
    /// How the names end.
    pub const SUFFIX: &str = ".part";

    /// The prefix of the name of a new file in `folder`; what killed processes left there is removed first,
    /// once for each folder.
    pub fn prefix(folder: &Path) -> String {
        let place = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if known().swept.insert(place) {
            sweep(folder);
        }
        format!("{}{}-", machine(), std::process::id())
    }

    pub fn new(path: &Path) -> Self {
        known().live.insert(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        known().live.remove(&self.0);
    }
}

/// Removes the files that this process is writing and has not finished. For a handler that ends the
/// process: writes that still run fail.
pub fn remove_unfinished() {
    for path in &known().live {
        // One that cannot be removed is found by the next process that writes there.
        let _ = std::fs::remove_file(path);
    }
}

/// Whether a file of this name is one that was being written.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(PREFIX.as_bytes()) && name.ends_with(Unfinished::SUFFIX.as_bytes())
}

/// The prefix of the names of this machine's files; process ids mean nothing on another.
fn machine() -> String {
    format!("{PREFIX}{:08x}-", libdeflater::crc32(host().as_bytes()))
}

/// Removes what processes of this machine that have ended left in a folder.
fn sweep(folder: &Path) {
    let machine = machine();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let process = name
            .to_str()
            .filter(|_| is_temporary(&name))
            .and_then(|name| name.strip_prefix(machine.as_str())?.split_once('-'))
            .and_then(|(process, _)| process.parse().ok());
        if process.is_some_and(|process| !process_may_live(process)) {
            // A file that stays only takes space.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_ended_processes_left_is_removed_and_what_others_write_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: String| folder.path().join(name);
        // Above the largest id that Linux gives, and one that runs.
        let ended = at(format!("{}4194305-abc.part", machine()));
        let lives = at(format!("{}1-abc.part", machine()));
        let elsewhere = at(format!("{PREFIX}00000000-4194305-abc.part"));
        let foreign = at(".writing-notes.txt".to_owned());
        for path in [&ended, &lives, &elsewhere, &foreign] {
            std::fs::write(path, "x").unwrap();
        }
        crate::write_bytes_atomically(at("a".to_owned()), b"a").unwrap();
        assert!(!ended.exists());
        assert!(lives.exists() && elsewhere.exists() && foreign.exists());
        assert!(is_temporary(lives.file_name().unwrap()));
    }

    #[test]
    fn a_file_in_the_making_is_known_until_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |path: &PathBuf| path.parent() == Some(folder.path());
        let count = || known().live.iter().filter(|path| inside(path)).count();
        let path = folder.path().join("a");
        crate::write_atomically(&path, |file| {
            assert_eq!(count(), 1);
            file.write_all(b"a")
        })
        .unwrap();
        assert_eq!(count(), 0);
        let failed = crate::write_atomically(&path, |_| Err(std::io::Error::other("no")));
        assert!(failed.is_err());
        assert_eq!(count(), 0);
    }
}
