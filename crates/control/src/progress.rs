//! The progress of one stage of the work.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The progress of one stage.
///
/// ```
/// use vesalius_control::Control;
///
/// let control = Control::new();
/// let mut updates = control.subscribe();
/// let cases = control.stage("cases", 2);
/// let windows = cases.control().stage("windows", 12);
/// windows.advance(3);
/// drop((windows, cases));
/// let last = updates.by_ref().last().unwrap();
/// assert_eq!(last.to_string(), "cases: windows 3 of 12");
/// assert_eq!((last.done, last.total, last.within.len()), (3, Some(12), 1));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage's name, such as `windows`.
    pub stage: Arc<str>,
    /// The names of the stages that enclose it, outermost first.
    pub within: Arc<[Arc<str>]>,
    /// How much of it is done.
    pub done: u64,
    /// How much there is; unknown for some.
    pub total: Option<u64>,
    /// Time since the stage began.
    pub elapsed: Duration,
    /// Time for the rest at the speed so far; unknown before the first part is done and without a total.
    pub remaining: Option<Duration>,
}

impl Progress {
    /// Time for the rest at the speed so far.
    pub(crate) fn estimate(done: u64, total: Option<u64>, elapsed: Duration) -> Option<Duration> {
        let total = total?;
        if done == 0 {
            return None;
        }
        let left = total.saturating_sub(done) as f64 / done as f64;
        Duration::try_from_secs_f64(elapsed.as_secs_f64() * left).ok()
    }
}

/// `cases: windows 3 of 12`.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outer in self.within.iter() {
            write!(f, "{outer}: ")?;
        }
        write!(f, "{} {}", self.stage, self.done)?;
        match self.total {
            Some(total) => write!(f, " of {total}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_a_part_as_what_is_done() {
        let second = Duration::from_secs(1);
        assert_eq!(Progress::estimate(1, Some(4), second), Some(second * 3));
        assert_eq!(Progress::estimate(4, Some(4), second), Some(Duration::ZERO));
        assert_eq!(Progress::estimate(5, Some(4), second), Some(Duration::ZERO));
        assert_eq!(Progress::estimate(0, Some(4), second), None);
        assert_eq!(Progress::estimate(3, None, second), None);
        // More than a Duration holds.
        assert_eq!(Progress::estimate(1, Some(u64::MAX), second * 9), None);
    }
}
