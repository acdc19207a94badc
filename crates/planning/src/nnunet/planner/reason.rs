//! Why a plan has its values, each reason with the choice that it explains.

use std::fmt;

/// A reason of nnU-Net's planner; its display is its text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// What it explains.
    pub choice: PlanChoice,
    /// A sentence, without a full stop.
    pub text: String,
}

/// What a [`Reason`] explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlanChoice {
    /// The spacing that cases are resampled to.
    Spacing,
    /// The order of the axes.
    Axes,
    /// How a channel is normalised.
    Normalization,
    /// The size of the patch.
    Patch,
    /// The number of patches of a batch.
    BatchSize,
    /// More memory than was asked for.
    Memory,
    /// That a configuration goes on from another one's result.
    Cascade,
}

impl Reason {
    pub(super) fn new(choice: PlanChoice, text: impl Into<String>) -> Self {
        Self {
            choice,
            text: text.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
