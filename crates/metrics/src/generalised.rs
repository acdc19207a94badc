//! Generalised Dice: one number for all labels of a case, small structures weighted up.

use crate::{ConfusionMatrix, Outcome, Targets};

/// What a label's part in the sum is weighted with; V is its volume in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LabelWeight {
    /// 1 / V², as Sudre et al. have it (arXiv 1707.03237).
    #[default]
    InverseSquare,
    /// 1 / V.
    Inverse,
    /// 1: large structures dominate.
    Uniform,
}

/// 2·Σ w·TP / Σ w·(R + P) over the targets, ignored voxels left out. A target that the reference
/// lacks has the largest weight among the others (MONAI 1.6, `sum_over_classes=True`).
///
/// ```
/// use vesalius_metrics::{ConfusionMatrix, LabelWeight, Outcome, Targets, generalised_dice};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![1_u16, 1, 1, 1, 2, 0])?;
/// let prediction = LabelMap::new(grid, vec![1_u16, 1, 1, 1, 0, 0])?;
/// let targets = Targets::of_values(&[1, 2])?;
/// let counts = ConfusionMatrix::count(&reference, &prediction, &targets.values(), None)?;
/// // 2 · 4 / (8 + 1) when all voxels weigh the same.
/// assert_eq!(generalised_dice(&counts, &targets, LabelWeight::Uniform), Outcome::Value(8.0 / 9.0));
/// // The missed small structure weighs more with 1 / V.
/// let inverse = generalised_dice(&counts, &targets, LabelWeight::Inverse).value().unwrap();
/// assert!(inverse < 8.0 / 9.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn generalised_dice(
    counts: &ConfusionMatrix,
    targets: &Targets,
    weight: LabelWeight,
) -> Outcome {
    let overlaps: Vec<_> = targets.list().iter().map(|t| counts.overlap(t)).collect();
    let reference: u64 = overlaps.iter().map(|o| o.reference).sum();
    let prediction: u64 = overlaps.iter().map(|o| o.prediction).sum();
    let of = |volume: u64| match weight {
        LabelWeight::InverseSquare => (volume as f64).powi(-2),
        LabelWeight::Inverse => 1.0 / volume as f64,
        LabelWeight::Uniform => 1.0,
    };
    let present = overlaps.iter().filter(|o| o.reference > 0);
    let largest = present.map(|o| of(o.reference)).fold(0.0, f64::max);
    Outcome::of(reference, prediction, || {
        let (mut both, mut whole) = (0.0, 0.0);
        for overlap in &overlaps {
            let weight = if overlap.reference > 0 {
                of(overlap.reference)
            } else {
                largest
            };
            both += weight * overlap.both as f64;
            whole += weight * (overlap.reference + overlap.prediction) as f64;
        }
        2.0 * both / whole
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap};

    #[test]
    fn a_small_structure_weighs_as_much_as_a_large_one() {
        let grid = Geometry::axis_aligned([12, 1, 1], [1.0; 3]).unwrap();
        let map = |values: [u16; 12]| LabelMap::new(grid, values.to_vec()).unwrap();
        let reference = map([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 0, 0]);
        let prediction = map([1, 1, 1, 1, 1, 1, 1, 1, 2, 0, 0, 0]);
        let targets = Targets::of_values(&[1, 2]).unwrap();
        let counts =
            ConfusionMatrix::count(&reference, &prediction, &targets.values(), None).unwrap();
        let dice = |weight| generalised_dice(&counts, &targets, weight).value().unwrap();
        assert_eq!(dice(LabelWeight::Uniform), 18.0 / 19.0);
        let square = 2.0 * (8.0 / 64.0 + 1.0 / 4.0) / (16.0 / 64.0 + 3.0 / 4.0);
        assert!((dice(LabelWeight::InverseSquare) - square).abs() < 1e-12);
    }
}
