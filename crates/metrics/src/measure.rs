//! The measures an evaluation can be asked for, by name.

use crate::{Overlap, Score};

/// One measure of agreement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// Dice; missed and spurious score 0.
    Dice,
    /// Intersection over union; missed and spurious score 0.
    Iou,
    /// Precision; missed and spurious score 0.
    Precision,
    /// Recall; missed and spurious score 0.
    Recall,
}

impl Measure {
    /// Its key in files and the head of its column, such as `dice`.
    pub fn key(&self) -> String {
        match self {
            Self::Dice => "dice",
            Self::Iou => "iou",
            Self::Precision => "precision",
            Self::Recall => "recall",
        }
        .to_owned()
    }

    /// The score of one target of one case.
    pub(crate) fn score(&self, counts: &Overlap) -> Score {
        match self {
            Self::Dice => counts.dice().score(0.0),
            Self::Iou => counts.iou().score(0.0),
            Self::Precision => counts.precision().score(0.0),
            Self::Recall => counts.recall().score(0.0),
        }
    }
}
