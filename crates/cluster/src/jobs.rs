//! The jobs that were submitted for a work folder: `slurm/jobs.json`.

use crate::{Error, Result, StageName};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A job that was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedJob {
    /// The stage.
    pub stage: StageName,
    /// The scheduler's number.
    pub id: String,
    /// Elements of an array; empty for a single job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<usize>,
}

/// All jobs that were submitted for a work folder, the last ones at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedJobs {
    /// The jobs.
    pub jobs: Vec<SubmittedJob>,
}

impl SubmittedJobs {
    /// The folder of scripts, output and this list in a work folder.
    pub fn folder(work: impl AsRef<Path>) -> PathBuf {
        work.as_ref().join("slurm")
    }

    fn path(work: &Path) -> PathBuf {
        Self::folder(work).join("jobs.json")
    }

    /// Reads the list of a work folder; an empty one where nothing was submitted.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is no list.
    pub fn read(work: impl AsRef<Path>) -> Result<Self> {
        let path = Self::path(work.as_ref());
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| Error::File {
                path,
                reason: format!("is no list of jobs: {e}"),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Error::File {
                path,
                reason: format!("cannot be read: {e}"),
            }),
        }
    }

    /// Writes the list whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, work: impl AsRef<Path>) -> Result<()> {
        let path = Self::path(work.as_ref());
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::File {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        Ok(vesalius_io::write_bytes_atomically(path, text.as_bytes())?)
    }
}
