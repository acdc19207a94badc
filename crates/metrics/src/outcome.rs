//! The outcome of a comparison: a value, or one of three reasons why there is none.

/// The outcome of one measure on one target of one case.
///
/// ```
/// use vesalius_metrics::Outcome;
///
/// assert_eq!(Outcome::of(10, 5, || 0.6), Outcome::Value(0.6));
/// assert_eq!(Outcome::of(0, 0, || 0.6), Outcome::BothEmpty);
/// // What a mean over cases counts: nothing, and the worst value.
/// assert_eq!(Outcome::BothEmpty.score(0.0).counted, None);
/// assert_eq!(Outcome::Missed.score(0.0).counted, Some(0.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Both masks have voxels, or the measure is defined without them.
    Value(f64),
    /// Neither reference nor prediction has a voxel.
    BothEmpty,
    /// The reference has voxels, the prediction has none.
    Missed,
    /// The prediction has voxels, the reference has none.
    Spurious,
}

impl Outcome {
    /// The value, where there is one.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// `value`, `both_empty`, `missed` or `spurious`: the word in tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Value(_) => "value",
            Self::BothEmpty => "both_empty",
            Self::Missed => "missed",
            Self::Spurious => "spurious",
        }
    }

    /// The outcome of masks with these numbers of voxels; `value` is called only when both have some.
    pub fn of(reference: u64, prediction: u64, value: impl FnOnce() -> f64) -> Self {
        match (reference, prediction) {
            (0, 0) => Self::BothEmpty,
            (_, 0) => Self::Missed,
            (0, _) => Self::Spurious,
            _ => Self::Value(value()),
        }
    }

    /// The score of this outcome in an aggregate: the value itself, nothing where
    /// both are empty, `worst` where one is.
    pub fn score(self, worst: f64) -> Score {
        Score {
            outcome: self,
            counted: match self {
                Self::Value(value) => Some(value),
                Self::BothEmpty => None,
                Self::Missed | Self::Spurious => Some(worst),
            },
        }
    }
}

/// An outcome and the number that an aggregate uses for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// What was found.
    pub outcome: Outcome,
    /// What the mean over cases counts; `None` leaves the case out.
    pub counted: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_mask_is_named_and_never_divided_by() {
        let never = || unreachable!("no value may be asked of an empty mask");
        assert_eq!(Outcome::of(0, 0, never), Outcome::BothEmpty);
        assert_eq!(Outcome::of(3, 0, never), Outcome::Missed);
        assert_eq!(Outcome::of(0, 3, never), Outcome::Spurious);
        assert_eq!(Outcome::of(1, 1, || 0.25), Outcome::Value(0.25));
    }

    #[test]
    fn a_missed_structure_costs_the_worst_score() {
        assert_eq!(Outcome::BothEmpty.score(0.0).counted, None);
        assert_eq!(Outcome::Missed.score(80.0).counted, Some(80.0));
        assert_eq!(Outcome::Value(0.5).score(0.0).counted, Some(0.5));
    }
}
