//! The run's log: a JSON line an event, which a resumed run continues where its checkpoint stands.

use crate::{Error, Event, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The log's file name in the output folder.
pub const LOG_FILE: &str = "log.jsonl";

/// An open log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the log of a run that stands at `step`: lines of later steps, which a killed run wrote
    /// after its last checkpoint, are dropped.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn open(folder: &Path, step: u64) -> Result<Self> {
        let path = folder.join(LOG_FILE);
        let before = if step == 0 {
            String::new()
        } else {
            std::fs::read_to_string(&path).unwrap_or_default()
        };
        let kept: String = before
            .lines()
            .filter(|line| belongs(line, step))
            .flat_map(|line| [line, "\n"])
            .collect();
        vesalius_io::write_bytes_atomically(&path, kept.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|e| Error::Output {
            path: path.clone(),
            reason: format!("cannot be written: {e}"),
        })?;
        Ok(Self { path, file })
    }

    /// Adds an event as one line.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        let failed = |reason: String| Error::Output {
            path: self.path.clone(),
            reason,
        };
        let mut line = serde_json::to_string(event).map_err(|e| failed(e.to_string()))?;
        line.push('\n');
        // One write a line: a killed run leaves whole lines.
        self.file
            .write_all(line.as_bytes())
            .map_err(|e| failed(format!("cannot be written: {e}")))
    }
}

fn belongs(line: &str, step: u64) -> bool {
    let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else {
        return false;
    };
    event["step"].as_u64().is_none_or(|at| at <= step) && event["event"] != "stopped"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_log_forgets_what_came_after_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let event = |step| Event::Step {
            step,
            steps: Some(9),
            loss: 0.5,
            learning_rate: 0.1,
            seconds: 1.0,
        };
        let mut log = Log::open(folder.path(), 0).unwrap();
        (1..=5).for_each(|step| log.write(&event(step)).unwrap());
        let mut log = Log::open(folder.path(), 3).unwrap();
        log.write(&event(4)).unwrap();
        let text = std::fs::read_to_string(folder.path().join(LOG_FILE)).unwrap();
        let steps: Vec<u64> = text
            .lines()
            .map(|l| {
                serde_json::from_str::<serde_json::Value>(l).unwrap()["step"]
                    .as_u64()
                    .unwrap()
            })
            .collect();
        assert_eq!(steps, [1, 2, 3, 4]);
        Log::open(folder.path(), 0).unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.path().join(LOG_FILE)).unwrap(),
            ""
        );
    }
}
