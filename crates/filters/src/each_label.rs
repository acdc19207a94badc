//! Which labels a map holds and where each lies, for operations of masks that go label by label.

use crate::grid::Bounds;
use crate::simd::vectorised;
use rayon::prelude::*;
use std::collections::BTreeMap;
use vesalius_volume::{Label, LabelMap};

/// Voxels per block.
const BLOCK: usize = 64;
/// Voxels a thread takes at least.
const PART: usize = 1 << 16;

/// The labels other than 0 in a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreground<T> {
    /// There is none.
    Nothing,
    /// One: the map is a mask.
    One(T),
    /// Two or more.
    Several,
}

impl<T: Label> Foreground<T> {
    pub fn of(values: &[T]) -> Self {
        let background = T::default();
        let parts = values.par_chunks(PART);
        let highest = parts.clone().map(largest).max().unwrap_or(background);
        if highest == background {
            Self::Nothing
        } else if parts.into_par_iter().all(|part| only(part, highest)) {
            Self::One(highest)
        } else {
            Self::Several
        }
    }
}

vectorised! {
    fn largest<T: Label>(values: &[T]) -> T {
        values.iter().fold(T::default(), |high, &v| if v > high { v } else { high })
    }
}

vectorised! {
    fn only<T: Label>(values: &[T], label: T) -> bool {
        let background = T::default();
        // Without an early exit, the comparison is one vector instruction.
        values.chunks(BLOCK).all(|block| {
            block.iter().fold(true, |same, &v| same & ((v == background) | (v == label)))
        })
    }
}

/// The smallest box around each label other than 0, labels rising.
pub(crate) fn label_boxes<T: Label>(input: &LabelMap<T>) -> Vec<(T, Bounds)> {
    let [nx, ny, _] = input.geometry().size();
    if input.data().is_empty() {
        return Vec::new();
    }
    let slices = input.data().par_chunks(nx * ny).enumerate();
    let ends = slices
        .map(|(z, slice)| {
            let mut found = BTreeMap::new();
            for (y, row) in slice.chunks(nx).enumerate() {
                runs(row, |label, first, last| {
                    join(&mut found, label, [first, y, z], [last, y, z]);
                });
            }
            found
        })
        .reduce(BTreeMap::new, |mut all, part| {
            for (label, (low, high)) in part {
                join(&mut all, label, low, high);
            }
            all
        });
    let boxed = |(label, (low, high)): (T, Ends)| {
        let size = std::array::from_fn(|axis| high[axis] + 1 - low[axis]);
        (label, Bounds { start: low, size })
    };
    ends.into_iter().map(boxed).collect()
}

/// The first and the last voxel of a box.
type Ends = ([usize; 3], [usize; 3]);

fn join<T: Label>(boxes: &mut BTreeMap<T, Ends>, label: T, low: [usize; 3], high: [usize; 3]) {
    let ends = boxes.entry(label).or_insert((low, high));
    for axis in 0..3 {
        ends.0[axis] = ends.0[axis].min(low[axis]);
        ends.1[axis] = ends.1[axis].max(high[axis]);
    }
}

/// Calls with the label, the first and the last place of each run of a label other than 0.
fn runs<T: Label>(row: &[T], mut visit: impl FnMut(T, usize, usize)) {
    let background = T::default();
    let mut at = 0;
    for run in row.chunk_by(|a, b| a == b) {
        if run[0] != background {
            visit(run[0], at, at + run.len() - 1);
        }
        at += run.len();
    }
}

/// One label within a box: 1 where it is, 0 elsewhere.
pub(crate) fn cut<T: Label>(input: &LabelMap<T>, bounds: Bounds, label: T) -> Vec<u8> {
    let mut out = Vec::with_capacity(bounds.size.iter().product());
    for row in rows(input.geometry().size(), bounds) {
        let values = &input.data()[row];
        out.extend(values.iter().map(|&v| u8::from(v == label)));
    }
    out
}

/// The rows of a box as ranges of offsets in an image of `size`.
pub(crate) fn rows(
    size: [usize; 3],
    bounds: Bounds,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let [x, y, z] = bounds.start;
    let [nx, ny, nz] = bounds.size;
    (0..ny * nz).map(move |row| {
        let start = ((z + row / ny) * size[1] + y + row % ny) * size[0] + x;
        start..start + nx
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn masks_are_told_from_label_maps() {
        let mut values = vec![0u16; 200_000];
        assert_eq!(Foreground::of(&values), Foreground::Nothing);
        assert_eq!(Foreground::<u16>::of(&[]), Foreground::Nothing);
        values[70_000] = 300;
        values[199_999] = 300;
        assert_eq!(Foreground::of(&values), Foreground::One(300));
        values[3] = 2;
        assert_eq!(Foreground::of(&values), Foreground::Several);
    }

    #[test]
    fn boxes_are_tight_and_cut_out_one_label() {
        let grid = Geometry::axis_aligned([9, 5, 4], [1.0; 3]).unwrap();
        let map = LabelMap::from_fn(grid, |at| match at {
            [2..=6, 1 | 3, 2] => 7u32,
            [3, 2, 1] => 70_000,
            _ => 0,
        });
        let boxes = label_boxes(&map);
        let bounds = |start, size| Bounds { start, size };
        assert_eq!(boxes[0], (7, bounds([2, 1, 2], [5, 3, 1])));
        assert_eq!(boxes[1], (70_000, bounds([3, 2, 1], [1, 1, 1])));
        let part = cut(&map, bounds([2, 1, 1], [2, 2, 2]), 7);
        assert_eq!(part, [0, 0, 0, 0, 1, 1, 0, 0]);
    }
}
