//! Filling holes: background that is not connected to the border gets the label around it.

use crate::buffer;
use crate::components::{Connectivity, RunComponents, Touch};
use crate::each_label::{Foreground, cut, label_boxes};
use crate::grid::{Bounds, permute_within};
use crate::work::Work;
use crate::{Error, Result};
use std::collections::HashMap;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// Options of [`fill_holes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoleOptions {
    /// Which neighbours connect the background.
    pub connectivity: Connectivity,
    /// Fill each slice across this axis (0 x, 1 y, 2 z) on its own, as a 2-D image.
    pub slices: Option<usize>,
}

impl Default for HoleOptions {
    fn default() -> Self {
        Self {
            connectivity: Connectivity::Faces,
            slices: None,
        }
    }
}

/// Each label with its holes filled: background of the label that does not reach the image's border (of a
/// mask: ITK `BinaryFillhole`, scipy `binary_fill_holes`).
///
/// A voxel that has a label keeps it, so what lies within another label stays. Of several labels that
/// enclose a voxel of the background the innermost takes it: the one whose hole is smallest. A gap that
/// only two labels together enclose is a hole of neither; [`LabelMap::foreground`] has it filled.
///
/// # Errors
/// [`Error::BadOption`] when `slices` is not an axis.
///
/// ```
/// use vesalius_filters::{HoleOptions, fill_holes};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([5, 5, 5], [1.0; 3])?;
/// let shell = LabelMap::<u16>::from_fn(grid, |i| u16::from(i != [2, 2, 2] && i.iter().all(|&i| (1..4).contains(&i))));
/// assert_eq!(shell.counts()[&1], 26);
/// assert_eq!(fill_holes(&shell, &HoleOptions::default())?.counts()[&1], 27);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fill_holes<T: Label>(input: &LabelMap<T>, options: &HoleOptions) -> Result<LabelMap<T>> {
    filled(input, options, &Work::unwatched())
}

/// As [`fill_holes`], cancelled and followed through a control, in the stage `rows`.
///
/// # Errors
/// As [`fill_holes`]; [`Error::Cancelled`].
pub fn fill_holes_with<T: Label>(
    input: &LabelMap<T>,
    options: &HoleOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    filled(input, options, &Work::without_total(control, "rows"))
}

fn filled<T: Label>(
    input: &LabelMap<T>,
    options: &HoleOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    match options.slices {
        None | Some(2) => fill(input, options, work),
        Some(axis @ (0 | 1)) => {
            let order = if axis == 0 { [2, 1, 0] } else { [0, 2, 1] };
            let filled = fill(&permute_within(input, order, work)?, options, work)?;
            permute_within(&filled, order, work)
        }
        Some(axis) => Err(Error::option("fill holes", "slices", axis, "0, 1 or 2")),
    }
}

fn fill<T: Label>(input: &LabelMap<T>, options: &HoleOptions, work: &Work) -> Result<LabelMap<T>> {
    let values = match Foreground::of(input.data()) {
        Foreground::Nothing => {
            work.set_total(0);
            buffer::copy(input.data())
        }
        Foreground::One(label) => {
            let size = input.geometry().size();
            work.set_total(RunComponents::parts(size) + size[1] * size[2]);
            let gaps = Gaps::of(input.data(), size, options, work)?;
            let mut out = buffer::filled(label, input.data().len());
            let outside = |gap: u32| gaps.outside[gap as usize].then(T::default);
            gaps.joined.paint_over(&mut out, outside, work);
            out
        }
        Foreground::Several => several(input, options, work)?,
    };
    work.finish()?;
    Ok(LabelMap::new(*input.geometry(), values)?)
}

fn several<T: Label>(input: &LabelMap<T>, options: &HoleOptions, work: &Work) -> Result<Vec<T>> {
    let (size, background) = (input.geometry().size(), T::default());
    let mut out = buffer::copy(input.data());
    // The size of the hole that each filled voxel belongs to.
    let mut holes: HashMap<usize, usize> = HashMap::new();
    let boxes = label_boxes(input);
    let parts = |(_, bounds): &(T, Bounds)| RunComponents::parts(bounds.size);
    work.set_total(boxes.iter().map(parts).sum());
    for (label, bounds) in boxes {
        // Beyond the smallest box around a label all is outside of it, so the border of the box will do.
        let gaps = Gaps::of(&cut(input, bounds, label), bounds.size, options, work)?;
        for (y, z, run, gap) in gaps.joined.iter() {
            if gaps.outside[gap as usize] {
                continue;
            }
            let hole = gaps.joined.sizes[gap as usize];
            let [x0, y0, z0] = bounds.start;
            let row = ((z0 + z) * size[1] + y0 + y) * size[0] + x0;
            let voxels = row + run.start as usize..row + run.end as usize;
            for offset in voxels.filter(|&offset| input.data()[offset] == background) {
                let least = holes.entry(offset).or_insert(usize::MAX);
                if hole < *least {
                    (*least, out[offset]) = (hole, label);
                }
            }
        }
    }
    Ok(out)
}

/// The connected background of a mask, and which of it reaches the border.
struct Gaps {
    joined: RunComponents,
    outside: Vec<bool>,
}

impl Gaps {
    fn of<T: Label>(
        mask: &[T],
        [nx, ny, nz]: [usize; 3],
        options: &HoleOptions,
        work: &Work,
    ) -> Result<Self> {
        let across_slices = options.slices.is_none();
        let touch = Touch {
            connectivity: options.connectivity,
            across_slices,
        };
        let joined = RunComponents::of_mask(mask, [nx, ny, nz], touch, true, work)?;
        let mut outside = vec![false; joined.sizes.len()];
        for (y, z, run, component) in joined.iter() {
            outside[component as usize] |= run.start == 0
                || run.end as usize == nx
                || y == 0
                || y + 1 == ny
                || (across_slices && (z == 0 || z + 1 == nz));
        }
        Ok(Self { joined, outside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_tunnel_is_a_hole_in_its_slices_only() {
        let grid = Geometry::axis_aligned([5, 5, 4], [1.0; 3]).unwrap();
        let ring = |i: [usize; 3]| {
            u8::from((1..4).contains(&i[0]) && (1..4).contains(&i[1]) && i[..2] != [2, 2])
        };
        let tube = LabelMap::from_fn(grid, ring);
        assert_eq!(fill_holes(&tube, &HoleOptions::default()).unwrap(), tube);
        let sliced = |axis| HoleOptions {
            slices: Some(axis),
            ..Default::default()
        };
        assert_eq!(fill_holes(&tube, &sliced(2)).unwrap().counts()[&1], 36);
        assert_eq!(fill_holes(&tube, &sliced(0)).unwrap(), tube);
        assert!(fill_holes(&tube, &sliced(3)).is_err());
        let shell = LabelMap::from_fn(grid, |i| {
            u8::from(ring(i) == 1 || (i[..2] == [2, 2] && (i[2] == 0 || i[2] == 3)))
        });
        assert_eq!(
            fill_holes(&shell, &HoleOptions::default())
                .unwrap()
                .counts()[&1],
            36
        );
    }

    /// A shell of label 3 around one of label 8, both hollow, with a grain of 5 within the inner one.
    fn nested() -> LabelMap<u16> {
        let grid = Geometry::axis_aligned([11, 11, 11], [1.0; 3]).unwrap();
        LabelMap::from_fn(grid, |at| {
            let far = at.iter().map(|&v| v.abs_diff(5)).max().unwrap_or(0);
            match far {
                _ if at == [5, 5, 4] => 5,
                2 => 8,
                4 => 3,
                _ => 0,
            }
        })
    }

    #[test]
    fn each_label_fills_its_own_holes_and_takes_no_other_label() {
        let filled = fill_holes(&nested(), &HoleOptions::default()).unwrap();
        for (offset, &label) in filled.data().iter().enumerate() {
            let at = nested().geometry().index(offset);
            let far = at.iter().map(|&v| v.abs_diff(5)).max().unwrap();
            let expected = match far {
                _ if at == [5, 5, 4] => 5,
                0..=2 => 8,
                3 | 4 => 3,
                _ => 0,
            };
            assert_eq!(label, expected, "{at:?}");
        }
        // As one mask the whole block is filled.
        let block = fill_holes(&nested().foreground(), &HoleOptions::default()).unwrap();
        assert_eq!(block.counts(), [(0, 1331 - 729), (1, 729)].into());
    }

    #[test]
    fn a_gap_between_two_labels_is_a_hole_of_neither() {
        let grid = Geometry::axis_aligned([5, 5, 1], [1.0; 3]).unwrap();
        let ring = LabelMap::from_fn(grid, |[x, y, _]| match (x, y) {
            (2, 2) => 0u8,
            (1..=3, 1..=3) => {
                if x < 2 {
                    4
                } else {
                    2
                }
            }
            _ => 0,
        });
        let options = HoleOptions {
            slices: Some(2),
            ..Default::default()
        };
        assert_eq!(fill_holes(&ring, &options).unwrap(), ring);
        let whole = fill_holes(&ring.foreground(), &options).unwrap();
        assert_eq!(whole.get([2, 2, 0]), 1);
    }
}
