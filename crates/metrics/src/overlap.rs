//! Measures that follow from four counts: overlap, rates and volumes of one target.

use crate::Outcome;

/// The counts of one target in one case, in voxels; ignored voxels are in none of them.
///
/// ```
/// use vesalius_metrics::{Outcome, Overlap};
///
/// let counts = Overlap { both: 8, reference: 10, prediction: 12, voxels: 100 };
/// assert_eq!((counts.false_negatives(), counts.false_positives()), (2, 4));
/// assert_eq!(counts.dice(), Outcome::Value(16.0 / 22.0));
/// assert_eq!(counts.recall(), Outcome::Value(0.8));
/// assert_eq!(counts.relative_volume_difference(), Outcome::Value(0.2));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// In reference and prediction: true positives.
    pub both: u64,
    /// In the reference.
    pub reference: u64,
    /// In the prediction.
    pub prediction: u64,
    /// Counted at all, background included.
    pub voxels: u64,
}

impl Overlap {
    /// In the reference alone.
    pub fn false_negatives(&self) -> u64 {
        self.reference - self.both
    }

    /// In the prediction alone.
    pub fn false_positives(&self) -> u64 {
        self.prediction - self.both
    }

    /// In neither.
    pub fn true_negatives(&self) -> u64 {
        self.voxels - self.prediction - self.false_negatives()
    }

    /// Dice (F1, ITK's "mean overlap"): 2·TP / (2·TP + FP + FN).
    pub fn dice(&self) -> Outcome {
        self.outcome(|| 2.0 * self.both as f64 / (self.reference + self.prediction) as f64)
    }

    /// Intersection over union (Jaccard): TP / (TP + FP + FN).
    pub fn iou(&self) -> Outcome {
        let union = self.reference + self.false_positives();
        self.outcome(|| self.both as f64 / union as f64)
    }

    /// Precision (positive predictive value): TP / (TP + FP).
    pub fn precision(&self) -> Outcome {
        self.outcome(|| self.both as f64 / self.prediction as f64)
    }

    /// Recall (sensitivity, true positive rate): TP / (TP + FN).
    pub fn recall(&self) -> Outcome {
        self.outcome(|| self.both as f64 / self.reference as f64)
    }

    /// Specificity (true negative rate): TN / (TN + FP). It is defined for empty masks too, and
    /// only a reference that fills the whole grid leaves it without a value: then nothing could
    /// have been a false positive.
    pub fn specificity(&self) -> Outcome {
        let negatives = self.voxels - self.reference;
        if negatives == 0 {
            return Outcome::BothEmpty;
        }
        Outcome::Value(self.true_negatives() as f64 / negatives as f64)
    }

    /// Prediction minus reference, over the reference: +0.1 is 10 % too large.
    pub fn relative_volume_difference(&self) -> Outcome {
        let difference = self.prediction as f64 - self.reference as f64;
        self.outcome(|| difference / self.reference as f64)
    }

    /// Volume similarity as Taha and Hanbury have it, 1 - |P - R| / (P + R): 1 is best, 0 worst.
    /// (10.1186/s12880-015-0068-x)
    pub fn volume_similarity(&self) -> Outcome {
        let difference = self.prediction.abs_diff(self.reference) as f64;
        self.outcome(|| 1.0 - difference / (self.prediction + self.reference) as f64)
    }

    /// Volume similarity as ITK's `LabelOverlapMeasuresImageFilter` has it: SIGNED,
    /// 2·(R - P) / (R + P) with the reference as source image, from -2 to 2, 0 is best.
    pub fn signed_volume_similarity(&self) -> Outcome {
        let difference = self.reference as f64 - self.prediction as f64;
        match self.reference + self.prediction {
            0 => Outcome::BothEmpty,
            sum => Outcome::Value(2.0 * difference / sum as f64),
        }
    }

    fn outcome(&self, value: impl FnOnce() -> f64) -> Outcome {
        Outcome::of(self.reference, self.prediction, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measures_of_a_small_table() {
        let counts = Overlap {
            both: 6,
            reference: 10,
            prediction: 8,
            voxels: 100,
        };
        assert_eq!(counts.true_negatives(), 88);
        assert_eq!(counts.dice(), Outcome::Value(12.0 / 18.0));
        assert_eq!(counts.iou(), Outcome::Value(0.5));
        assert_eq!(counts.precision(), Outcome::Value(0.75));
        assert_eq!(counts.recall(), Outcome::Value(0.6));
        assert_eq!(counts.specificity(), Outcome::Value(88.0 / 90.0));
        assert_eq!(counts.relative_volume_difference(), Outcome::Value(-0.2));
        assert_eq!(counts.volume_similarity(), Outcome::Value(1.0 - 2.0 / 18.0));
        assert_eq!(
            counts.signed_volume_similarity(),
            Outcome::Value(4.0 / 18.0)
        );
    }

    #[test]
    fn empty_and_full_masks_have_outcomes() {
        let counts = |both, reference, prediction| Overlap {
            both,
            reference,
            prediction,
            voxels: 10,
        };
        assert_eq!(counts(0, 0, 0).dice(), Outcome::BothEmpty);
        assert_eq!(counts(0, 4, 0).dice(), Outcome::Missed);
        assert_eq!(counts(0, 0, 4).iou(), Outcome::Spurious);
        assert_eq!(counts(10, 10, 10).specificity(), Outcome::BothEmpty);
        assert_eq!(counts(0, 0, 4).specificity(), Outcome::Value(0.6));
        assert_eq!(
            counts(0, 4, 0).signed_volume_similarity(),
            Outcome::Value(2.0)
        );
    }
}
