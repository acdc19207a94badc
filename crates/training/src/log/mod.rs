//! A run's logs: JSON lines and tables. A resumed run's logs continue from its checkpoint.

mod lines;

use crate::{Event, Result};
use lines::Lines;
use std::path::Path;
use vesalius_metrics::Table;

/// The log's file name in the output folder: a JSON object a line, an [`Event`] each.
pub const LOG_FILE: &str = "log.jsonl";
/// The steps as a table.
pub const STEPS_FILE: &str = "steps.csv";
/// The validations as a table.
pub const VALIDATIONS_FILE: &str = "validations.csv";

/// The open logs; those of a run that has no folder yet write nothing.
#[derive(Debug)]
pub struct Log(Option<Files>);

#[derive(Debug)]
struct Files {
    events: Lines,
    steps: Lines,
    validations: Lines,
}

impl Log {
    /// A log that writes nothing.
    pub fn closed() -> Self {
        Self(None)
    }

    /// Opens the logs of a run at `step`: what a killed run wrote of later steps, after
    /// its last checkpoint, is dropped.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn open(folder: &Path, step: u64) -> Result<Self> {
        let of_table = |line: &str| {
            let number = line.split(',').next().unwrap_or_default();
            number.parse::<u64>().is_ok_and(|at| at <= step)
        };
        Ok(Self(Some(Files {
            events: Lines::open(&folder.join(LOG_FILE), None, step > 0, |line| {
                belongs(line, step)
            })?,
            steps: Lines::open(
                &folder.join(STEPS_FILE),
                Some(STEPS_HEAD),
                step > 0,
                of_table,
            )?,
            validations: Lines::open(&folder.join(VALIDATIONS_FILE), None, step > 0, |line| {
                line.starts_with("step,") || of_table(line)
            })?,
        })))
    }

    /// Adds an event to every log that has a place for it.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        let Some(files) = &mut self.0 else {
            return Ok(());
        };
        files.events.json(event)?;
        match event {
            Event::Step { .. } => files.step(event),
            Event::Validated { .. } => files.validated(event),
            _ => Ok(()),
        }
    }
}

const STEPS_HEAD: &str =
    "step,loss,learning_rate,gradient_norm,patches,seconds,waited,memory_bytes";

impl Files {
    fn step(&mut self, event: &Event) -> Result<()> {
        let Event::Step {
            step,
            loss,
            learning_rate,
            gradient_norm,
            patches,
            seconds,
            waited,
            memory,
            ..
        } = event
        else {
            return Ok(());
        };
        let bytes = memory.map_or(String::new(), |bytes| bytes.to_string());
        self.steps.line(&format!(
            "{step},{loss},{learning_rate},{gradient_norm},{patches},{seconds:.4},{waited:.4},{bytes}"
        ))
    }

    fn validated(&mut self, event: &Event) -> Result<()> {
        let Event::Validated {
            step,
            dice,
            smoothed,
            labels,
            ..
        } = event
        else {
            return Ok(());
        };
        let numbers = [*dice, *smoothed]
            .into_iter()
            .chain(labels.iter().map(|l| l.1));
        let names = labels.iter().map(|(name, _)| name.clone());
        let head = ["step", "dice", "smoothed"].map(str::to_owned).into_iter();
        let row = std::iter::once(step.to_string()).chain(numbers.map(|n| n.to_string()));
        let table = Table {
            head: head.chain(names).collect(),
            rows: vec![row.collect()],
        };
        let text = table.csv();
        let (head, row) = text.split_once('\n').unwrap_or_default();
        if self.validations.is_empty() {
            self.validations.line(head)?;
        }
        self.validations.line(row.trim_end())
    }
}

/// Whether a line of the log is an event up to `step`.
fn belongs(line: &str, step: u64) -> bool {
    let Ok(event) = serde_json::from_str::<serde_json::Value>(line) else {
        return false;
    };
    event["step"].as_u64().is_none_or(|at| at <= step) && event["event"] != "stopped"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64) -> Event {
        Event::Step {
            step,
            steps: Some(9),
            loss: 0.5,
            learning_rate: 0.1,
            gradient_norm: 2.0,
            patches: 2,
            seconds: 1.0,
            waited: 0.0,
            memory: Some(1 << 20),
        }
    }

    fn validated(step: u64) -> Event {
        Event::Validated {
            step,
            dice: 0.75,
            smoothed: 0.7,
            labels: vec![("left, upper".into(), 0.5), ("right".into(), 1.0)],
            cases: Vec::new(),
            best: true,
            seconds: 1.0,
        }
    }

    fn numbers(folder: &Path, file: &str) -> Vec<u64> {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let number = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
            Ok(event) => event["step"].as_u64(),
            Err(_) => line.split(',').next()?.parse().ok(),
        };
        text.lines().filter_map(number).collect()
    }

    #[test]
    fn a_resumed_log_forgets_what_came_after_its_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut log = Log::open(path, 0).unwrap();
        for number in 1..=5 {
            log.write(&step(number)).unwrap();
            log.write(&validated(number)).unwrap();
        }
        let mut log = Log::open(path, 3).unwrap();
        log.write(&step(4)).unwrap();
        log.write(&validated(4)).unwrap();
        assert_eq!(numbers(path, LOG_FILE), [1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(numbers(path, STEPS_FILE), [1, 2, 3, 4]);
        assert_eq!(numbers(path, VALIDATIONS_FILE), [1, 2, 3, 4]);
        let table = std::fs::read_to_string(path.join(VALIDATIONS_FILE)).unwrap();
        assert!(table.starts_with("step,dice,smoothed,\"left, upper\",right\n1,0.75,0.7,0.5,1\n"));
        assert_eq!(table.matches("smoothed").count(), 1);
        Log::open(path, 0).unwrap();
        assert!(numbers(path, LOG_FILE).is_empty() && numbers(path, STEPS_FILE).is_empty());
    }
}
