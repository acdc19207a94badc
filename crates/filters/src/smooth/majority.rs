//! The most frequent label of each voxel's neighbourhood: for labels what the median is for images.

use crate::Result;
use crate::buffer;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// Each voxel gets the label that most voxels of the box of `radius` voxels to each side have; the border voxel is
/// repeated beyond the image. Among equally frequent labels the voxel's own stays, else the lowest is taken.
///
/// Of a mask this is the [`crate::median`]; the median of label values could give a label between two others.
///
/// # Errors
/// [`crate::Error::BadOption`] when the box has more than 4096 voxels.
///
/// ```
/// use vesalius_filters::majority;
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 1, 5, 1, 1, 1])?;
/// assert_eq!(majority(&labels, [1, 0, 0])?.data(), [1, 1, 1, 1, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn majority<T: Label>(input: &LabelMap<T>, radius: [usize; 3]) -> Result<LabelMap<T>> {
    majorities(input, radius, &Work::unwatched())
}

/// As [`majority`], cancelled and followed through a control, in the stage `majority`.
///
/// # Errors
/// As [`majority`]; [`crate::Error::Cancelled`].
pub fn majority_with<T: Label>(
    input: &LabelMap<T>,
    radius: [usize; 3],
    control: &Control,
) -> Result<LabelMap<T>> {
    let rows = input.data().len() / input.geometry().size()[0].max(1);
    majorities(input, radius, &Work::new(control, "majority", rows))
}

fn majorities<T: Label>(
    input: &LabelMap<T>,
    radius: [usize; 3],
    work: &Work,
) -> Result<LabelMap<T>> {
    super::median::check_radius(radius)?;
    let size = input.geometry().size();
    let mut out = buffer::copy(input.data());
    if out.is_empty() {
        return Ok(input.clone());
    }
    out.par_chunks_mut(size[0]).enumerate().for_each_init(
        Vec::new,
        |votes: &mut Vec<(T, usize)>, (line, target)| {
            if !work.goes_on() {
                return;
            }
            let (y, z) = (line % size[1], line / size[1]);
            let rows = rows(input, [y, z], [radius[1], radius[2]]);
            // Most neighbourhoods hold one label; where the columns of a window agree, the vote is the same.
            let columns: Vec<Option<T>> = (0..size[0]).map(|x| common(&rows, x)).collect();
            for (x, value) in target.iter_mut().enumerate() {
                let window = window(x, radius[0], size[0]);
                let first = columns[x];
                if first.is_some() && window.clone().all(|x| columns[x] == first) {
                    continue;
                }
                votes.clear();
                for x in window {
                    rows.iter().for_each(|row| vote(votes, row[x]));
                }
                *value = winner(votes, *value);
            }
            work.advance(1);
        },
    );
    work.check()?;
    Ok(LabelMap::new(*input.geometry(), out)?)
}

/// The places of a window along one axis; those beyond the border are the border again.
fn window(centre: usize, radius: usize, length: usize) -> impl Iterator<Item = usize> + Clone {
    (0..=2 * radius).map(move |step| (centre + step).saturating_sub(radius).min(length - 1))
}

/// The rows of a window across x.
fn rows<T: Label>(input: &LabelMap<T>, [y, z]: [usize; 2], radius: [usize; 2]) -> Vec<&[T]> {
    let [nx, ny, nz] = input.geometry().size();
    let across = window(z, radius[1], nz)
        .flat_map(|z| window(y, radius[0], ny).map(move |y| (z * ny + y) * nx));
    across
        .map(|start| &input.data()[start..start + nx])
        .collect()
}

/// The label that all rows have at a place.
fn common<T: Label>(rows: &[&[T]], x: usize) -> Option<T> {
    let first = rows[0][x];
    rows.iter().all(|row| row[x] == first).then_some(first)
}

fn vote<T: Label>(votes: &mut Vec<(T, usize)>, label: T) {
    match votes.iter_mut().find(|(known, _)| *known == label) {
        Some((_, count)) => *count += 1,
        None => votes.push((label, 1)),
    }
}

fn winner<T: Label>(votes: &[(T, usize)], own: T) -> T {
    let most = votes.iter().map(|vote| vote.1).max().unwrap_or(0);
    let tied = || {
        votes
            .iter()
            .filter(|vote| vote.1 == most)
            .map(|vote| vote.0)
    };
    match tied().any(|label| label == own) {
        true => own,
        false => tied().min().unwrap_or(own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::median;
    use vesalius_volume::{Geometry, Volume};

    fn noise(labels: u64, seed: u64) -> LabelMap<u8> {
        let grid = Geometry::axis_aligned([23, 9, 6], [1.0; 3]).unwrap();
        let mut state = seed;
        LabelMap::from_fn(grid, |_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((state >> 33) % labels) as u8
        })
    }

    #[test]
    fn of_a_mask_it_is_the_median() {
        for radius in [[1, 1, 1], [2, 0, 1], [0; 3]] {
            let mask = noise(2, 5);
            let image = Volume::new(*mask.geometry(), 1, mask.map(u16::from).into_data());
            let median = median(&image.unwrap().map(f32::from), radius).unwrap();
            let ours = majority(&mask, radius).unwrap();
            let ours: Vec<f32> = ours.data().iter().map(|&v| f32::from(v)).collect();
            assert_eq!(ours, median.data());
        }
    }

    #[test]
    fn no_label_comes_from_between_two_others() {
        let grid = Geometry::axis_aligned([7, 1, 1], [1.0; 3]).unwrap();
        // The median at voxel 2 would be 2, which only one voxel has.
        let map = LabelMap::new(grid, vec![0u16, 0, 2, 4, 4, 0, 0]).unwrap();
        let smooth = majority(&map, [2, 0, 0]).unwrap();
        assert_eq!(smooth.data(), [0, 0, 0, 4, 4, 0, 0]);
        // A tie keeps the present label; without it the lowest is taken.
        let tie = LabelMap::new(grid, vec![7u16, 7, 9, 3, 3, 3, 3]).unwrap();
        assert_eq!(majority(&tie, [1, 0, 0]).unwrap().get([2, 0, 0]), 9);
        assert_eq!(majority(&tie, [2, 0, 0]).unwrap().get([2, 0, 0]), 3);
        assert!(majority(&map, [4097, 0, 0]).is_err());
        let empty = LabelMap::<u16>::background(grid);
        assert_eq!(majority(&empty, [1; 3]).unwrap(), empty);
    }
}
