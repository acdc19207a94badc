//! The minutes of a run: what is used of them, and when they end.

use std::time::{Duration, Instant};
use vesalius_control::moment_after;

/// The minutes of a run, over all resumes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Seconds in all.
    whole: f64,
    /// Seconds before the last resume.
    before: f64,
    /// The start of this process's part.
    began: Instant,
}

impl Budget {
    /// `whole` seconds, of which `before` were used before the last resume.
    pub fn new(whole: f64, before: f64, began: Instant) -> Self {
        Self {
            whole,
            before,
            began,
        }
    }

    /// Seconds in all.
    pub fn whole(&self) -> f64 {
        self.whole
    }

    /// Seconds that are used.
    pub fn used(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    /// The time `free` seconds before the end; now where that has passed.
    pub fn ends(&self, free: f64) -> Instant {
        let left = (self.whole - self.used() - free).max(0.0);
        let now = Instant::now();
        // Minutes beyond the range of a clock never end.
        moment_after(now, left).unwrap_or_else(|| now + Duration::from_secs(1 << 31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_before_a_resume_is_counted_and_nothing_ends_in_the_past() {
        let now = Instant::now();
        let budget = Budget::new(60.0, 50.0, now);
        assert!(budget.used() >= 50.0 && budget.used() < 51.0);
        let left = budget.ends(0.0) - now;
        assert!(left <= Duration::from_millis(10_001), "{left:?}");
        assert!(left >= Duration::from_secs(9), "{left:?}");
        assert!(budget.ends(100.0) >= now);
        assert!(Budget::new(1e300, 0.0, now).ends(0.0) > now);
    }
}
