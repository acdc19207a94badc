//! A text file that grows by whole lines, and forgets lines when it is opened again.

use crate::{Error, Result};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// An open file of lines.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    file: File,
    empty: bool,
}

impl Lines {
    /// Opens a file; where `goes_on`, its lines are kept if `keep` returns true for them. `head` is its first line in
    /// any case.
    pub fn open(
        path: &Path,
        head: Option<&str>,
        goes_on: bool,
        keep: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let before = match goes_on {
            true => std::fs::read_to_string(path).unwrap_or_default(),
            false => String::new(),
        };
        let kept = before.lines().filter(|line| keep(line));
        let text: String = head
            .into_iter()
            .chain(kept)
            .flat_map(|l| [l, "\n"])
            .collect();
        vesalius_io::write_bytes_atomically(path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(path);
        let file = file.map_err(|e| cannot_write(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            empty: text.is_empty(),
        })
    }

    /// Whether it has no line.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// Adds a line.
    pub fn line(&mut self, text: &str) -> Result<()> {
        // One write a line: a killed run leaves whole lines.
        let written = self.file.write_all(format!("{text}\n").as_bytes());
        self.empty = false;
        written.map_err(|e| cannot_write(&self.path, e))
    }

    /// Adds a value as a line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value).map_err(|e| Error::Output {
            path: self.path.clone(),
            reason: e.to_string(),
        })?;
        self.line(&text)
    }
}

pub(super) fn cannot_write(path: &Path, source: std::io::Error) -> Error {
    Error::System {
        path: path.to_owned(),
        what: "written",
        source,
        remedy: "make room or the folder writable, then resume the run",
    }
}
