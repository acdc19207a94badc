//! Where uploads lie while they are worked on: a folder of this process, removed when the service ends; what
//! a killed service left is removed by the next.

use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PREFIX: &str = "vesalius-serve-";

/// The folder of this process.
pub struct Scratch(TempDir);

impl Scratch {
    /// A new folder below `parent`, such as the system's for temporary files.
    pub fn new(parent: &Path) -> std::io::Result<Self> {
        for left in left_behind(parent) {
            // Another user's stays; it does no harm here.
            let _ = std::fs::remove_dir_all(left);
        }
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(parent)?;
        Ok(Self(folder))
    }

    /// A folder for one request.
    pub fn request(&self) -> std::io::Result<TempDir> {
        tempfile::tempdir_in(self.0.path())
    }
}

/// Folders of services that have ended, where the system lists the processes that run.
fn left_behind(parent: &Path) -> Vec<PathBuf> {
    let processes = Path::new("/proc");
    if !processes.join("self").exists() {
        return Vec::new();
    }
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let ended = entries.filter(|entry| {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let process = process.and_then(|name| name.split_once('-')?.0.parse::<u32>().ok());
        process.is_some_and(|process| !processes.join(process.to_string()).exists())
    });
    ended.map(|entry| entry.path()).collect()
}
