//! What the queue says of jobs.

use std::fmt;

/// Where a job stands in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobState {
    /// Waiting, for its turn, for another job or for its hour.
    Waiting,
    /// Running, or about to.
    Running,
    /// Ended well.
    Done,
    /// Ended otherwise; Slurm's word for it.
    Ended(String),
}

impl JobState {
    /// The state by Slurm's word.
    fn of(word: &str) -> Self {
        match word {
            "PENDING" | "SUSPENDED" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED"
            | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => Self::Waiting,
            "RUNNING" | "CONFIGURING" | "COMPLETING" | "STAGE_OUT" | "SIGNALING" | "RESIZING"
            | "STOPPED" => Self::Running,
            "COMPLETED" => Self::Done,
            other => Self::Ended(other.to_lowercase()),
        }
    }

    /// Whether it still has something to do.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting"),
            Self::Running => f.write_str("running"),
            Self::Done => f.write_str("done"),
            Self::Ended(word) => f.write_str(word),
        }
    }
}

/// A line of the queue: a job, or elements of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedJob {
    /// The job's number; of an array that of the array.
    pub job: String,
    /// The elements; empty for a job that is no array.
    pub elements: Vec<usize>,
    /// Its state.
    pub state: JobState,
    /// Why it waits or ended, or where it runs.
    pub reason: String,
}

/// The format of the lines that [`parse`] reads.
pub(crate) const FORMAT: &str = "%i|%T|%r|%N";

/// The lines of `squeue`; what is no such line is passed over.
pub(crate) fn parse(text: &str) -> Vec<QueuedJob> {
    text.lines().filter_map(line).collect()
}

fn line(text: &str) -> Option<QueuedJob> {
    let mut fields = text.trim().split('|');
    let (id, state) = (fields.next()?, fields.next()?);
    let (reason, node) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
    let (job, elements) = match id.split_once('_') {
        Some((job, elements)) => (job, elements_of(elements)),
        None => (id, Vec::new()),
    };
    if job.is_empty() || !job.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let state = JobState::of(state);
    let reason = match (&state, reason) {
        (JobState::Running, _) => node,
        (_, "None") => "",
        (_, reason) => reason,
    };
    Some(QueuedJob {
        job: job.to_owned(),
        elements,
        reason: reason.to_owned(),
        state,
    })
}

/// More elements than an array of Slurm has.
const MOST: usize = 4_000_001;

/// `3`, or `[0-2,5%4]` of elements that have not begun.
fn elements_of(text: &str) -> Vec<usize> {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    let text = text.split('%').next().unwrap_or("");
    let mut all = Vec::new();
    for part in text.split(',') {
        let mut ends = part.splitn(2, '-').map(str::parse::<usize>);
        let (Some(Ok(first)), last) = (ends.next(), ends.next()) else {
            continue;
        };
        let last = match last {
            Some(Ok(last)) => last,
            _ => first,
        };
        if last < MOST && last - first.min(last) + all.len() < MOST {
            all.extend(first..=last);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_queue_are_jobs_and_elements() {
        let text = "12|PENDING|Dependency|\n13_4|RUNNING|None|n2\n13_[5-7,9%2]|PENDING|Resources|\n14|NODE_FAIL|None|\nslurm: error\n|||\n15|COMPLETED|None|n1\n";
        let jobs = parse(text);
        assert_eq!(jobs.len(), 5);
        assert_eq!(
            (jobs[0].state.clone(), jobs[0].reason.as_str()),
            (JobState::Waiting, "Dependency")
        );
        assert_eq!(
            (jobs[1].elements.clone(), jobs[1].reason.as_str()),
            (vec![4], "n2")
        );
        assert_eq!(jobs[2].elements, [5, 6, 7, 9]);
        assert_eq!(jobs[3].state.to_string(), "node_fail");
        assert!(!jobs[4].state.is_open() && jobs[2].state.is_open());
        assert!(elements_of("[0-18446744073709551615]").is_empty());
        assert!(elements_of("[7-3]").is_empty());
    }
}
