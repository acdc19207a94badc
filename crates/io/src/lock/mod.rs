//! One writer for each folder: a lock that the operating system releases when its process ends, in any
//! way, and a file that names the holder. What is written into the folder is left to others.

mod holder;

use crate::{Error, Result};
pub use holder::{LockAccess, LockHolder};
pub(crate) use holder::{host, process_may_live};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The lock file's name in a folder that is held.
pub const LOCK_FILE: &str = ".vesalius.lock";

/// How often a lock file is opened again because its last holder removed it meanwhile.
const ATTEMPTS: usize = 100;
/// How often a process that shares tries again, and how long it waits before: another that takes or leaves the
/// folder may hold it alone for a moment.
const SHARED_ATTEMPTS: usize = 50;
const PAUSE: Duration = Duration::from_millis(10);

/// A folder that this process writes, held until this is dropped or the process ends. A folder that was made for
/// the lock and in which nothing was written is removed with it.
///
/// The lock is the system's own (`flock` or its like), so a file that a killed process left is no obstacle.
/// Where the file system has no locks (some network file systems), the holder named in the file counts as
/// long as its process may be alive.
///
/// ```
/// use vesalius_io::FolderLock;
///
/// let folder = tempfile::tempdir()?;
/// let output = folder.path().join("run");
/// let held = FolderLock::exclusive(&output)?; // makes the folder
/// let refused = FolderLock::exclusive(&output).unwrap_err().to_string();
/// assert!(refused.contains("is being written by process"));
/// drop(held);
/// FolderLock::exclusive(&output)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    file: File,
    holder: LockHolder,
    kept_by: KeptBy,
    /// The folders that were made for it, the innermost first.
    made: Vec<PathBuf>,
}

/// How others are excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeptBy {
    System,
    /// The names in the file, where the file system has no locks.
    Name,
    /// Nothing: another process holds the folder.
    Nothing,
}

impl FolderLock {
    /// Takes a folder that no other process may write meanwhile; makes it where it is missing.
    ///
    /// # Errors
    /// [`Error::Locked`] with who holds it; [`Error::Lock`] for a folder that cannot be written.
    pub fn exclusive(folder: impl AsRef<Path>) -> Result<Self> {
        Self::take(folder, LockAccess::Exclusive)
    }

    /// Takes a folder together with others that share it; makes it where it is missing.
    ///
    /// # Errors
    /// As [`FolderLock::exclusive`]; sharers do not exclude each other.
    pub fn shared(folder: impl AsRef<Path>) -> Result<Self> {
        Self::take(folder, LockAccess::Shared)
    }

    /// Takes a folder exclusively or together with others.
    ///
    /// # Errors
    /// As [`FolderLock::exclusive`].
    pub fn take(folder: impl AsRef<Path>, access: LockAccess) -> Result<Self> {
        take_with(folder.as_ref(), access, &of_system)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder is held alone.
    pub fn access(&self) -> LockAccess {
        self.holder.access
    }

    /// Removes what a killed process left half written ([`crate::write_atomically`]) in the folder, or in a
    /// folder below it that only holders of this lock write. Removes nothing where the folder is shared.
    pub fn remove_leftovers(&self, below: impl AsRef<Path>) {
        if self.access() == LockAccess::Shared {
            return;
        }
        let entries = std::fs::read_dir(self.folder.join(below));
        for entry in entries.into_iter().flatten().flatten() {
            if crate::unfinished::is_temporary(&entry.file_name()) {
                // A file that stays only takes space.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // The last holder removes the file, while no other process can have taken it. On other systems than Unix an
        // open file cannot be distinguished from another of its name, so there it stays.
        let is_last = match self.kept_by {
            KeptBy::System => cfg!(unix) && self.is_last(),
            KeptBy::Name => self.strike_out(),
            KeptBy::Nothing => false,
        };
        if is_last {
            let _ = std::fs::remove_file(self.folder.join(LOCK_FILE));
        }
        for folder in &self.made {
            // Only where it is empty.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// How a file is locked: by the system, or as a test defines it.
type Locking = dyn Fn(&File, LockAccess) -> std::result::Result<(), TryLockError>;

fn of_system(file: &File, access: LockAccess) -> std::result::Result<(), TryLockError> {
    match access {
        LockAccess::Exclusive => file.try_lock(),
        LockAccess::Shared => file.try_lock_shared(),
    }
}

fn take_with(folder: &Path, access: LockAccess, lock: &Locking) -> Result<FolderLock> {
    let path = folder.join(LOCK_FILE);
    let cannot = |source| Error::Lock {
        path: path.clone(),
        source,
    };
    let mut made = Vec::new();
    for attempt in 0..ATTEMPTS {
        make_folder(folder, &mut made).map_err(|source| Error::Lock {
            path: folder.to_owned(),
            source,
        })?;
        // Appending, so that two processes that share do not overwrite each other's line.
        let file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(&path);
        let file = match file {
            Ok(file) => file,
            // The process that made the folder removed it meanwhile.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(cannot(e)),
        };
        let mut held = FolderLock {
            folder: folder.to_owned(),
            file,
            holder: LockHolder::this(access),
            kept_by: KeptBy::Nothing,
            made: std::mem::take(&mut made),
        };
        match held.settle(lock) {
            Settled::Taken => {
                held.kept_by = KeptBy::System;
                return held.sign().map(|()| held).map_err(cannot);
            }
            Settled::Gone => made = std::mem::take(&mut held.made),
            Settled::Busy if access == LockAccess::Shared && attempt < SHARED_ATTEMPTS => {
                made = std::mem::take(&mut held.made);
                std::thread::sleep(PAUSE);
            }
            Settled::Busy => return Err(locked(folder, holders(&held.file), Remedy::Wait)),
            Settled::NoLocks => {
                let others = held.others_by_name();
                if !others.is_empty() {
                    return Err(locked(folder, others, Remedy::Remove));
                }
                held.kept_by = KeptBy::Name;
                return held.sign().map(|()| held).map_err(cannot);
            }
            Settled::Failed(source) => return Err(cannot(source)),
        }
    }
    Err(locked(folder, Vec::new(), Remedy::Wait))
}

/// Makes a folder and those above it, and adds those that were not there.
fn make_folder(folder: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let missing = folder
        .ancestors()
        .take_while(|above| !above.as_os_str().is_empty() && !above.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    // Another holder may remove it, or one above it, between the looks that `create_dir_all` takes at them.
    let mut attempts = 100;
    while let Err(error) = std::fs::create_dir_all(folder) {
        let raced = matches!(
            error.kind(),
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound
        );
        attempts -= 1;
        if attempts == 0 || !raced || folder.is_file() {
            return Err(error);
        }
    }
    made.extend(missing);
    Ok(())
}

/// The result of an attempt to lock an open file.
enum Settled {
    Taken,
    /// Its last holder removed it between opening and locking.
    Gone,
    Busy,
    /// The file system has no locks.
    NoLocks,
    Failed(io::Error),
}

impl FolderLock {
    /// Locks the open file.
    fn settle(&self, lock: &Locking) -> Settled {
        // Exclusively first, in any case: only then can the names that ended processes left be removed.
        match lock(&self.file, LockAccess::Exclusive) {
            Ok(()) if !self.is_in_place() => return Settled::Gone,
            Ok(()) => {
                if let Err(error) = self.file.set_len(0) {
                    return Settled::Failed(error);
                }
                if self.access() == LockAccess::Exclusive {
                    return Settled::Taken;
                }
                if let Err(error) = self.file.unlock() {
                    return Settled::Failed(error);
                }
            }
            Err(TryLockError::WouldBlock) if self.access() == LockAccess::Exclusive => {
                return Settled::Busy;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) if has_no_locks(&error) => return Settled::NoLocks,
            Err(TryLockError::Error(error)) => return Settled::Failed(error),
        }
        match lock(&self.file, LockAccess::Shared) {
            Ok(()) if !self.is_in_place() => Settled::Gone,
            Ok(()) => Settled::Taken,
            Err(TryLockError::WouldBlock) => Settled::Busy,
            Err(TryLockError::Error(error)) => Settled::Failed(error),
        }
    }

    /// Whether no other process holds the folder; this one then holds it exclusively.
    fn is_last(&self) -> bool {
        if self.access() == LockAccess::Exclusive {
            return true;
        }
        // Released first, so that of two processes that end at once one finds the other gone.
        let alone = self.file.unlock().is_ok() && self.file.try_lock().is_ok();
        alone && self.is_in_place()
    }

    /// Adds this process to the holders that the file names.
    fn sign(&self) -> io::Result<()> {
        let line = serde_json::to_string(&self.holder)? + "\n";
        match (&self.file).write_all(line.as_bytes()) {
            // A full disk must not stop a run: the lock is then held without a name.
            Err(error)
                if error.kind() == io::ErrorKind::StorageFull && self.kept_by == KeptBy::System =>
            {
                Ok(())
            }
            result => result,
        }
    }

    /// The holders that exclude this process where only names do.
    fn others_by_name(&self) -> Vec<LockHolder> {
        let both_share = |other: &LockHolder| {
            other.access == LockAccess::Shared && self.access() == LockAccess::Shared
        };
        let mut others = holders(&self.file);
        others.retain(|other| other.may_live() && !both_share(other));
        others
    }

    /// Removes this process from the names in the file; whether none is left.
    fn strike_out(&self) -> bool {
        let mut others = holders(&self.file);
        if let Some(own) = others.iter().position(|other| *other == self.holder) {
            others.remove(own);
        }
        let lines = others.iter().filter_map(|o| serde_json::to_string(o).ok());
        let text: String = lines.map(|line| line + "\n").collect();
        // What cannot be written stays as it is: then the ended process is still named, and recognised as ended.
        let _ = self.file.set_len(0);
        let _ = (&self.file).write_all(text.as_bytes());
        others.is_empty()
    }

    /// Whether the open file is the one that has the name now.
    fn is_in_place(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let named = std::fs::metadata(self.folder.join(LOCK_FILE));
            let open = self.file.metadata();
            let place = |data: &std::fs::Metadata| (data.dev(), data.ino());
            matches!((named, open), (Ok(a), Ok(b)) if place(&a) == place(&b))
        }
        #[cfg(not(unix))]
        true
    }
}

/// The processes that a lock file names; none where it cannot be read, as while Windows has it locked.
fn holders(file: &File) -> Vec<LockHolder> {
    let mut text = String::new();
    let mut file = file;
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.read_to_string(&mut text));
    match read {
        Ok(_) => text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect(),
        Err(_) => Vec::new(),
    }
}

/// Whether an error means that the file system has no locks: `ENOSYS`, `EOPNOTSUPP`, or `ENOLCK` of an NFS
/// server without a lock daemon.
fn has_no_locks(error: &io::Error) -> bool {
    const NO_LOCKS_AVAILABLE: i32 = 37;
    error.kind() == io::ErrorKind::Unsupported
        || cfg!(target_os = "linux") && error.raw_os_error() == Some(NO_LOCKS_AVAILABLE)
}

/// The remedy for a folder that is locked.
enum Remedy {
    Wait,
    /// Without the system's locks, a file of a process that ended on another machine stays.
    Remove,
}

fn locked(folder: &Path, mut holders: Vec<LockHolder>, remedy: Remedy) -> Error {
    // Those that shared the folder and ended are still named.
    if holders.iter().any(LockHolder::may_live) {
        holders.retain(LockHolder::may_live);
    }
    let advice = match remedy {
        Remedy::Wait => "wait for it or choose another output folder".to_owned(),
        Remedy::Remove => format!(
            "wait for it or choose another output folder (this file system has no locks: if that process has ended, remove {})",
            folder.join(LOCK_FILE).display()
        ),
    };
    Error::Locked {
        folder: folder.to_owned(),
        holders,
        advice,
    }
}

#[cfg(test)]
mod tests;
