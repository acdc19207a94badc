//! How much of the validations is made where minutes are short: fewer of them, fewer cases, or windows side by side.

/// The share of a run's minutes that its validations may take.
const SHARE: f64 = 0.2;
/// The share that a single case may take where even one is more than [`SHARE`].
const SHARE_OF_ONE: f64 = 0.5;

/// What all validations would take if nothing were cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wanted {
    /// How often.
    pub times: u64,
    /// Held-out cases, or patches of them.
    pub units: usize,
    /// Seconds of one.
    pub seconds: f64,
    /// What is left of these with windows side by side, as a share; `None` where there are no windows.
    pub coarse: Option<f64>,
}

/// What of the validations is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// How often; 0 for never.
    pub times: u64,
    /// How many cases or patches.
    pub units: usize,
    /// Whether windows lie side by side instead of overlapping.
    pub coarse: bool,
}

impl Wanted {
    /// Seconds of one case or patch of a cut validation.
    pub fn unit_seconds(&self, cut: Cut) -> f64 {
        self.seconds * self.share(cut.coarse)
    }

    /// Takes what one case or patch of a cut validation took in fact.
    pub fn take_unit(&mut self, cut: Cut, seconds: f64) {
        self.seconds = seconds / self.share(cut.coarse);
    }

    fn share(&self, coarse: bool) -> f64 {
        self.coarse.filter(|_| coarse).unwrap_or(1.0)
    }

    /// Everything.
    pub fn uncut(&self) -> Cut {
        Cut {
            times: self.times,
            units: self.units,
            coarse: false,
        }
    }

    /// What fits into the minutes, `whole` seconds in all: fewer validations of all cases; one of fewer cases; one
    /// of fewer cases with windows side by side; none.
    pub fn cut(&self, whole: f64) -> Cut {
        let allowed = SHARE * whole;
        let fit = |seconds: f64| match seconds > 0.0 {
            true => (allowed / seconds) as u64,
            false => u64::MAX,
        };
        let times = fit(self.seconds * self.units as f64);
        if times >= 1 {
            return Cut {
                times: times.min(self.times),
                ..self.uncut()
            };
        }
        let once = |units: u64, coarse: bool| Cut {
            times: self.times.min(1),
            units: usize::try_from(units).unwrap_or(usize::MAX).min(self.units),
            coarse,
        };
        let units = fit(self.seconds);
        if units >= 1 {
            return once(units, false);
        }
        let seconds = self.seconds * self.share(true);
        let coarse = self.coarse.is_some_and(|share| share < 1.0);
        match fit(seconds) {
            0 if seconds <= SHARE_OF_ONE * whole => once(1, coarse),
            0 => Cut {
                times: 0,
                units: 0,
                coarse: false,
            },
            units => once(units, coarse),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(times: u64, units: usize, seconds: f64, coarse: Option<f64>) -> (u64, usize, bool) {
        let wanted = Wanted {
            times,
            units,
            seconds,
            coarse,
        };
        let Cut {
            times,
            units,
            coarse,
        } = wanted.cut(60.0);
        (times, units, coarse)
    }

    #[test]
    fn validations_become_fewer_then_smaller_then_coarser_then_none() {
        // Twelve seconds of the minute are theirs.
        assert_eq!(cut(8, 42, 0.01, None), (8, 42, false));
        assert_eq!(cut(8, 42, 0.1, None), (2, 42, false));
        assert_eq!(cut(8, 42, 1.0, Some(0.2)), (1, 12, false));
        assert_eq!(cut(8, 42, 20.0, Some(0.2)), (1, 3, true));
        assert_eq!(cut(8, 42, 100.0, Some(0.2)), (1, 1, true));
        assert_eq!(cut(8, 42, 20.0, None), (1, 1, false));
        assert_eq!(cut(8, 42, 100.0, None), (0, 0, false));
        assert_eq!(cut(8, 42, f64::INFINITY, Some(0.1)), (0, 0, false));
        assert_eq!(cut(8, 42, 0.0, None), (8, 42, false));
        assert_eq!(cut(0, 0, 0.0, None), (0, 0, false));
    }
}
