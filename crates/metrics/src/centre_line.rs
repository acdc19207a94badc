//! Centre-line Dice (clDice): the agreement of vessels and airways, independent of their thickness.

use crate::bitmask::Bits;
use crate::surface::Masks;
use crate::thinning::skeleton;

/// The harmonic mean of two shares: of the prediction's skeleton inside the reference, and of the
/// reference's skeleton inside the prediction. (Shit et al., CVPR 2021, arXiv 2003.07311; the
/// skeleton is Lee's, as scikit-image's, which the authors use)
pub(crate) fn dice(masks: &Masks) -> Option<f64> {
    let share = |line: &Bits, mask: &Bits| {
        let whole = line.count();
        let inside = whole - line.without(mask).count();
        (whole > 0).then(|| inside as f64 / whole as f64)
    };
    let (of_reference, of_prediction) = rayon::join(
        || skeleton(&masks.reference),
        || skeleton(&masks.prediction),
    );
    let precision = share(&of_prediction, &masks.reference)?;
    let sensitivity = share(&of_reference, &masks.prediction)?;
    let sum = precision + sensitivity;
    Some(if sum > 0.0 {
        2.0 * precision * sensitivity / sum
    } else {
        0.0
    })
}
