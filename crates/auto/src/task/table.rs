//! Which run each element of a job array makes: a table that is only ever added to, so that a number means the same run for as
//! long as the work folder exists.

use crate::{Error, Plan, Result, WorkFolder};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file's name in a work folder.
const FILE: &str = "tasks.json";

/// A run: an algorithm on a fold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The name of its plan.
    pub algorithm: String,
    /// The fold that is held out.
    pub fold: usize,
}

/// The runs of a work folder by number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskTable {
    /// A number is a place in this list.
    pub tasks: Vec<Task>,
}

impl TaskTable {
    /// Reads the table of a work folder; an empty one where nothing was planned for single runs yet.
    ///
    /// # Errors
    /// [`Error::WorkFolder`] for a file that is no table.
    pub fn read(work: impl AsRef<Path>) -> Result<Self> {
        let path = work.as_ref().join(FILE);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| Error::WorkFolder {
                path,
                reason: format!("is no table of runs: {e}; remove it to number them anew"),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(Error::System {
                path,
                what: "read",
                source,
            }),
        }
    }

    /// Adds the runs of these plans on these folds (all of the dataset where none are named) behind those that are there, and
    /// writes the table.
    ///
    /// # Errors
    /// A fold that no case is held out by; a folder that cannot be written.
    pub fn extend(work: &WorkFolder, plans: &[Plan], folds: Option<&[usize]>) -> Result<Self> {
        let mut table = Self::read(work.folder())?;
        let folds = crate::train::folds_of(work, folds)?;
        for plan in plans {
            for &fold in &folds {
                let task = Task {
                    algorithm: plan.name().to_owned(),
                    fold,
                };
                if !table.tasks.contains(&task) {
                    table.tasks.push(task);
                }
            }
        }
        let path = work.folder().join(FILE);
        let text = serde_json::to_string_pretty(&table).map_err(|e| Error::WorkFolder {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        vesalius_io::write_bytes_atomically(path, text.as_bytes())?;
        Ok(table)
    }
}
