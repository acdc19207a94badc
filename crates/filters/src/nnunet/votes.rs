//! Labels resized by votes: the loop that all ways to count them share.

use crate::Result;
use crate::buffer;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::{Geometry, Label, LabelMap};

/// The labels of the eight source voxels around a place, `[z][y][x]`.
pub(super) type Neighbours<T> = [[[T; 2]; 2]; 2];

/// Labels on a grid of at least one voxel over the same extent. `taps` are the two source indices of each target
/// index along x, y and z; where their labels agree that is the label, and elsewhere the one that `elect` returns for
/// the voxel `[x, y, z]`. Counts the rows of the result.
///
/// # Errors
/// A grid that the machine cannot hold; [`crate::Error::Cancelled`].
pub(super) fn resize_by_votes<T: Label>(
    input: &LabelMap<T>,
    target: Geometry,
    taps: &[Vec<[usize; 2]>; 3],
    elect: impl Fn(Neighbours<T>, [usize; 3]) -> T + Sync,
    work: &Work,
) -> Result<LabelMap<T>> {
    let (from, size) = (input.geometry().size(), target.size());
    buffer::check::<T>(&target, 1, 0)?;
    let mut out = buffer::filled(T::default(), target.voxel_count());
    let line = |y: usize, z: usize| &input.data()[(z * from[1] + y) * from[0]..][..from[0]];
    out.par_chunks_mut(size[0]).enumerate().for_each_init(
        || vec![false; from[0]],
        |same, (number, row)| {
            if !work.goes_on() {
                return;
            }
            work.advance(1);
            let (y, z) = (number % size[1], number / size[1]);
            let [ys, zs] = [taps[1][y], taps[2][z]];
            let lines = zs.map(|z| ys.map(|y| line(y, z)));
            agreement(lines, same);
            let first = lines[0][0];
            for ((x, value), [low, high]) in row.iter_mut().enumerate().zip(&taps[0]) {
                *value = if same[*low] && same[*high] && first[*low] == first[*high] {
                    first[*low]
                } else {
                    let labels = |line: &[T]| [line[*low], line[*high]];
                    elect(lines.map(|lines| lines.map(labels)), [x, y, z])
                };
            }
        },
    );
    work.check()?;
    Ok(LabelMap::new(target, out)?)
}

/// Where the four lines between which a row lies have one label.
fn agreement<T: Label>(lines: [[&[T]; 2]; 2], same: &mut [bool]) {
    let [[a, b], [c, d]] = lines;
    for (x, same) in same.iter_mut().enumerate() {
        *same = (b[x] == a[x]) & (c[x] == a[x]) & (d[x] == a[x]);
    }
}
