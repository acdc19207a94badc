//! Filling holes: background that the outside cannot reach becomes foreground.

use crate::buffer;
use crate::components::{Connectivity, RunComponents, Touch};
use crate::grid::permute;
use crate::{Error, Result};
use vesalius_volume::{Label, LabelMap};

/// Options of [`fill_holes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoleOptions {
    /// Through which neighbours the background hangs together.
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

/// The foreground (labels other than 0) as a mask, its holes filled: background that does not reach
/// the image's border (ITK `BinaryFillhole`, scipy `binary_fill_holes`).
///
/// # Errors
/// [`Error::BadOption`] when `slices` is not an axis.
pub fn fill_holes<T: Label>(input: &LabelMap<T>, options: &HoleOptions) -> Result<LabelMap<u8>> {
    match options.slices {
        None | Some(2) => fill(input, options),
        Some(axis @ (0 | 1)) => {
            let order = if axis == 0 { [2, 1, 0] } else { [0, 2, 1] };
            let filled = fill(&permute(input, order)?, options)?;
            permute(&filled, order)
        }
        Some(axis) => Err(Error::option("fill holes", "slices", axis, "0, 1 or 2")),
    }
}

fn fill<T: Label>(input: &LabelMap<T>, options: &HoleOptions) -> Result<LabelMap<u8>> {
    let [nx, ny, nz] = input.geometry().size();
    let across_slices = options.slices.is_none();
    let touch = Touch {
        connectivity: options.connectivity,
        across_slices,
    };
    let joined = RunComponents::of_mask(input.data(), [nx, ny, nz], touch, true)?;
    let mut outside = vec![false; joined.sizes.len()];
    for (y, z, run, component) in joined.iter() {
        outside[component as usize] |= run.start == 0
            || run.end as usize == nx
            || y == 0
            || y + 1 == ny
            || (across_slices && (z == 0 || z + 1 == nz));
    }
    let mut out = buffer::filled(1u8, input.data().len());
    joined.paint_over(&mut out, |component| {
        outside[component as usize].then_some(0)
    });
    Ok(LabelMap::new(*input.geometry(), out)?)
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
}
