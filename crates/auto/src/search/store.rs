//! The trials on disk: one line an event, appended under a lock and flushed, so that several processes
//! share a folder and a kill costs at most the line being written.

use super::{Result, SearchError, Settings, Trial, TrialState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub(super) const EVENTS: &str = "trials.jsonl";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    Started {
        number: u64,
        settings: Settings,
        places: BTreeMap<String, f64>,
    },
    Reported {
        number: u64,
        step: u64,
        value: f64,
    },
    Ended {
        number: u64,
        state: TrialState,
    },
}

/// The folder's events, locked: no other process reads or writes them until this is dropped.
pub(super) struct Events {
    path: PathBuf,
    file: File,
    trials: Vec<Trial>,
}

impl Events {
    /// Waits for the lock and reads what is there.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(EVENTS);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|e| unusable(&path, e))?;
        let mut events = Self {
            path,
            file,
            trials: Vec::new(),
        };
        events.read()?;
        Ok(events)
    }

    pub(super) fn trials(&self) -> &[Trial] {
        &self.trials
    }

    pub(super) fn into_trials(self) -> Vec<Trial> {
        self.trials
    }

    /// Adds an event, on disk before in memory.
    pub(super) fn push(&mut self, event: Event) -> Result<()> {
        let mut line = serde_json::to_string(&event).map_err(|e| unusable(&self.path, e.into()))?;
        line.push('\n');
        let before = self.file.metadata().map_err(|e| unusable(&self.path, e))?;
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.file.sync_data());
        if let Err(e) = written {
            // A full disk may leave half a line, after which no event could be appended.
            let _ = self.file.set_len(before.len());
            return Err(unusable(&self.path, e));
        }
        self.apply(event);
        Ok(())
    }

    fn read(&mut self) -> Result<()> {
        let mut text = Vec::new();
        self.file
            .read_to_end(&mut text)
            .map_err(|e| unusable(&self.path, e))?;
        // A line without its end was cut short by a kill, before its writer reported it.
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        if whole < text.len() {
            self.file
                .set_len(whole as u64)
                .and_then(|()| self.file.seek(SeekFrom::End(0)))
                .map_err(|e| unusable(&self.path, e))?;
        }
        for (number, line) in (1u64..).zip(text[..whole].split(|byte| *byte == b'\n')) {
            if line.is_empty() {
                continue;
            }
            let event = serde_json::from_slice(line).map_err(|e| SearchError::Study {
                path: self.path.clone(),
                reason: format!("line {number} is not an event of a search: {e}; give each search a folder of its own"),
            })?;
            self.apply(event);
        }
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Started {
                number,
                settings,
                places,
            } => self.trials.push(Trial {
                number,
                settings,
                places,
                state: TrialState::Running,
                reports: BTreeMap::new(),
            }),
            Event::Reported {
                number,
                step,
                value,
            } => {
                if let Some(trial) = self.find(number) {
                    trial.reports.insert(step, value);
                }
            }
            Event::Ended { number, state } => {
                if let Some(trial) = self.find(number) {
                    trial.state = state;
                }
            }
        }
    }

    fn find(&mut self, number: u64) -> Option<&mut Trial> {
        self.trials.iter_mut().find(|trial| trial.number == number)
    }
}

/// The content of a trial's lock file once the record has it.
const BEGUN: &str = "begun";

/// The lock on a trial: the system releases it when the process ends.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    file: File,
}

impl Claim {
    /// `None` while another holds it.
    pub(super) fn take(folder: &Path, number: u64) -> Result<Option<Self>> {
        let path = folder.join(format!("trial_{number}.lock"));
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| unusable(&path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(unusable(&path, e)),
        }
    }

    /// Notes that the record has the trial, so that its loss is seen.
    pub(super) fn begun(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.write_all(BEGUN.as_bytes()))
            .map_err(|e| unusable(&self.path, e))
    }
}

/// The number of started trials that are missing in the record.
pub(super) fn lost(folder: &Path, trials: &[Trial]) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let number = |path: &Path| -> Option<u64> {
        let name = path.file_name()?.to_str()?;
        let number = name.strip_prefix("trial_")?.strip_suffix(".lock")?;
        number.parse().ok()
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| number(path).is_some_and(|n| trials.iter().all(|t| t.number != n)))
        .filter(|path| std::fs::read_to_string(path).is_ok_and(|text| text == BEGUN))
        .count()
}

pub(super) fn unusable(path: &Path, source: std::io::Error) -> SearchError {
    SearchError::System {
        path: path.to_path_buf(),
        source,
    }
}
