//! Centre-line Dice (clDice): the agreement of vessels and airways, independent of their thickness.

use crate::bitmask::Bits;
use crate::surface::Masks;
use crate::thinning::skeleton;

/// Shares of the two skeletons. (Shit et al., CVPR 2021, arXiv 2003.07311; the skeleton is Lee's, as scikit-image's,
/// which the authors use)
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shares {
    /// Of the prediction's skeleton, inside of the reference.
    pub precision: f64,
    /// Of the reference's skeleton, inside of the prediction.
    pub sensitivity: f64,
}

impl Shares {
    /// `None` when a mask is empty.
    pub fn of(masks: &Masks) -> Option<Self> {
        let share = |line: &Bits, mask: &Bits| {
            let whole = line.count();
            let inside = whole - line.without(mask).count();
            (whole > 0).then(|| inside as f64 / whole as f64)
        };
        let (of_reference, of_prediction) = rayon::join(
            || skeleton(&masks.reference),
            || skeleton(&masks.prediction),
        );
        Some(Self {
            precision: share(&of_prediction, &masks.reference)?,
            sensitivity: share(&of_reference, &masks.prediction)?,
        })
    }

    /// The harmonic mean of both.
    pub fn dice(&self) -> f64 {
        let sum = self.precision + self.sensitivity;
        if sum > 0.0 {
            2.0 * self.precision * self.sensitivity / sum
        } else {
            0.0
        }
    }
}
