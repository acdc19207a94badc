//! The label that most raters give.

use super::check;
use crate::Result;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// What a voxel gets where several labels have the most votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undecided<T> {
    /// This label, such as 0 or the label of ignored voxels: ITK's `LabelVotingImageFilter`.
    Label(T),
    /// The smallest of those labels.
    Smallest,
}

/// The label that most raters give each voxel.
///
/// # Errors
/// [`crate::Error::Raters`] without raters; [`crate::Error::Volume`] where their grids differ.
///
/// ```
/// use vesalius_metrics::{Undecided, majority};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// let rater = |values: [u16; 3]| LabelMap::new(grid, values.to_vec());
/// let (a, b, c) = (rater([1, 2, 0])?, rater([1, 2, 1])?, rater([0, 1, 2])?);
/// assert_eq!(majority(&[&a, &b, &c], Undecided::Label(255))?.data(), [1, 2, 255]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn majority<T: Label>(raters: &[&LabelMap<T>], undecided: Undecided<T>) -> Result<LabelMap<T>> {
    majority_with(raters, undecided, &Control::new())
}

/// As [`majority`], cancelled between slices and followed in the stage `majority`.
///
/// # Errors
/// As [`majority`]; [`crate::Error::Cancelled`].
pub fn majority_with<T: Label>(
    raters: &[&LabelMap<T>],
    undecided: Undecided<T>,
    control: &Control,
) -> Result<LabelMap<T>> {
    check(raters, 1)?;
    let grid = *raters[0].geometry();
    let [nx, ny, nz] = grid.size();
    let stage = control.stage("majority", nz as u64);
    let mut out = LabelMap::background(grid);
    let mut votes: Vec<(T, usize)> = Vec::with_capacity(raters.len());
    for (z, slice) in out.data_mut().chunks_mut((nx * ny).max(1)).enumerate() {
        control.check()?;
        let first = z * nx * ny;
        for (place, voxel) in slice.iter_mut().enumerate() {
            votes.clear();
            for rater in raters {
                let label = rater.data()[first + place];
                match votes.iter_mut().find(|vote| vote.0 == label) {
                    Some(vote) => vote.1 += 1,
                    None => votes.push((label, 1)),
                }
            }
            let most = votes.iter().map(|vote| vote.1).max().unwrap_or(0);
            let mut winners = votes
                .iter()
                .filter(|vote| vote.1 == most)
                .map(|vote| vote.0);
            *voxel = match (winners.next(), winners.next(), undecided) {
                (Some(winner), None, _) => winner,
                (Some(a), Some(b), Undecided::Smallest) => winners.fold(a.min(b), T::min),
                (_, _, Undecided::Label(label)) => label,
                (None, _, Undecided::Smallest) => *voxel,
            };
        }
        stage.advance(1);
    }
    Ok(out)
}
