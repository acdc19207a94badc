//! Who makes a run: a token that is read again before anything is written.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use vesalius_io::{LOCK_FILE, LockHolder};

/// The file's name in a task's folder.
const FILE: &str = "owner.json";

/// A process that makes a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Different for each attempt.
    pub token: String,
    /// The machine.
    pub host: String,
    /// The number of the process.
    pub process: u32,
    /// The job of the cluster, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// How often the cluster has started it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u64>,
}

/// Tokens of this process so far.
static COUNT: AtomicU64 = AtomicU64::new(0);

impl Owner {
    /// This process, with a new token; `folder` is one that it holds.
    pub fn new(folder: &Path) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let job = match (
            variable("SLURM_ARRAY_JOB_ID"),
            variable("SLURM_ARRAY_TASK_ID"),
        ) {
            (Some(array), Some(element)) => Some(format!("{array}_{element}")),
            _ => variable("SLURM_JOB_ID"),
        };
        let (process, host) = (std::process::id(), host(folder));
        let mut hasher = blake3::Hasher::new();
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanoseconds = since.map_or(0, |since| since.as_nanos());
        hasher.update(host.as_bytes());
        hasher.update(&process.to_le_bytes());
        hasher.update(&nanoseconds.to_le_bytes());
        hasher.update(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
        Self {
            token: hasher.finalize().to_hex()[..32].to_owned(),
            host,
            process,
            job,
            restarts: variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok()),
        }
    }

    /// Makes this process the owner of a task's folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::WorkFolder {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        Ok(vesalius_io::write_bytes_atomically(path, text.as_bytes())?)
    }

    /// The owner of a task's folder; `None` where there is none, or its file is not one.
    pub fn read(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether this process still owns a task's folder.
    ///
    /// # Errors
    /// Who owns it now. A file that cannot be read is no other owner: a network file system may fail for a moment.
    pub fn check(&self, folder: &Path) -> std::result::Result<(), String> {
        match Self::read(folder) {
            Some(other) if other.token != self.token => {
                let job = other
                    .job
                    .map_or(String::new(), |job| format!(" (job {job})"));
                Err(format!(
                    "process {} of {}{job} makes this run now",
                    other.process, other.host
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The machine's name, which the lock of a folder has.
fn host(folder: &Path) -> String {
    let text = std::fs::read(folder.join(LOCK_FILE)).unwrap_or_default();
    let mut holders = serde_json::Deserializer::from_slice(&text).into_iter::<LockHolder>();
    let own = holders.find_map(|holder| holder.ok().filter(LockHolder::is_this_process));
    own.map_or_else(|| "an unknown host".to_owned(), |holder| holder.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_with_an_old_token_is_told_of_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let _lock = vesalius_io::FolderLock::exclusive(folder.path()).unwrap();
        let (first, second) = (Owner::new(folder.path()), Owner::new(folder.path()));
        assert_ne!(first.host, "an unknown host");
        assert_ne!(first.token, second.token);
        assert!(first.check(folder.path()).is_ok());
        first.write(folder.path()).unwrap();
        assert!(first.check(folder.path()).is_ok());
        second.write(folder.path()).unwrap();
        let told = first.check(folder.path()).unwrap_err();
        assert!(
            told.contains(&second.host) && told.contains("makes this run now"),
            "{told}"
        );
        assert!(second.check(folder.path()).is_ok());
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(first.check(folder.path()).is_ok());
    }
}
