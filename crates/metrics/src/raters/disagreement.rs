//! Each rater against the consensus of the others.

use super::{Staple, StapleOptions, Undecided, check, majority};
use crate::{ConfusionMatrix, Overlap, Result, Target};
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// What the others agree on.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Consensus {
    /// The voxels that more than half of them mark.
    Majority,
    /// The voxels whose probability by STAPLE is above a half.
    Staple(StapleOptions),
}

/// A rater against the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RaterAgreement {
    /// The counts of the rater's mask as prediction and the others' consensus as reference, for Dice, sensitivity and
    /// so on.
    pub overlap: Overlap,
}

/// Each rater's mask of a target against the consensus of all others: what one expert reaches, which a model is measured
/// against.
///
/// # Errors
/// [`crate::Error::Raters`] for fewer than two raters, or three with STAPLE; [`crate::Error::Volume`] where their grids
/// differ; as [`Staple::of`].
///
/// ```
/// use vesalius_metrics::{Consensus, Outcome, Target, raters_against_the_rest};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let map = |values: [u16; 4]| LabelMap::new(grid, values.to_vec());
/// let (a, b, c) = (map([1, 1, 0, 0])?, map([1, 1, 0, 0])?, map([1, 1, 1, 0])?);
/// let rest = raters_against_the_rest(&[&a, &b, &c], &Target::of_value(1), Consensus::Majority)?;
/// assert_eq!(rest[0].overlap.dice(), Outcome::Value(1.0), "of the others one marks the third voxel: no majority");
/// assert_eq!(rest[2].overlap.dice(), Outcome::Value(0.8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn raters_against_the_rest<T: Label>(
    raters: &[&LabelMap<T>],
    target: &Target,
    consensus: Consensus,
) -> Result<Vec<RaterAgreement>> {
    raters_against_the_rest_with(raters, target, consensus, &Control::new())
}

/// As [`raters_against_the_rest`], cancelled between raters and followed in the stage `raters`.
///
/// # Errors
/// As [`raters_against_the_rest`]; [`crate::Error::Cancelled`].
pub fn raters_against_the_rest_with<T: Label>(
    raters: &[&LabelMap<T>],
    target: &Target,
    consensus: Consensus,
    control: &Control,
) -> Result<Vec<RaterAgreement>> {
    let least = match consensus {
        Consensus::Majority => 2,
        Consensus::Staple(_) => 3,
    };
    check(raters, least)?;
    let masks: Vec<LabelMap<u8>> = raters
        .iter()
        .map(|rater| rater.map(|label| u8::from(target.labels.contains(&label.into()))))
        .collect();
    let one = Target::of_value(1);
    let stage = control.stage("raters", raters.len() as u64);
    let mut found = Vec::with_capacity(raters.len());
    for (place, mask) in masks.iter().enumerate() {
        control.check()?;
        let rest = masks
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place);
        let rest: Vec<&LabelMap<u8>> = rest.map(|(_, mask)| mask).collect();
        let truth = match consensus {
            Consensus::Majority => majority(&rest, Undecided::Label(0))?,
            Consensus::Staple(options) => {
                Staple::of_with(&rest, &one, &options, stage.control())?.mask()
            }
        };
        let counts = ConfusionMatrix::count(&truth, mask, &[0, 1], None)?;
        found.push(RaterAgreement {
            overlap: counts.overlap(&one),
        });
        stage.advance(1);
    }
    Ok(found)
}
