//! Reconstruction: a marker spreads under (or over) a mask until nothing changes.
//!
//! L. Vincent, "Morphological grayscale reconstruction in image analysis", 1993: one pass in each
//! direction, then a queue for what is left.

use crate::buffer;
use crate::components::Connectivity;
use crate::scalar::Real;
use crate::work::{Counted, Work};
use crate::{Error, Result};
use rayon::prelude::*;
use std::collections::VecDeque;
use vesalius_control::Control;
use vesalius_volume::Volume;

/// Which way a marker spreads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Reconstruction {
    /// The marker grows, under the mask (ITK `ReconstructionByDilation`).
    #[default]
    ByDilation,
    /// The marker shrinks, over the mask (ITK `ReconstructionByErosion`).
    ByErosion,
}

/// The marker spread within the mask. The marker is first cut to the mask, so it may exceed it.
///
/// # Errors
/// [`Error::Volume`] when the two do not share a grid; [`Error::BadOption`] when they do not have
/// the same number of channels.
///
/// ```
/// use vesalius_filters::{Connectivity, Reconstruction, reconstruct};
/// use vesalius_volume::{Geometry, Volume};
///
/// // Of two hills, the one with a marker stays.
/// let grid = Geometry::axis_aligned([7, 1, 1], [1.0; 3])?;
/// let mask = Volume::new(grid, 1, vec![0.0_f32, 5.0, 3.0, 0.0, 4.0, 4.0, 0.0])?;
/// let marker = Volume::new(grid, 1, vec![0.0_f32, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0])?;
/// let result = reconstruct(&marker, &mask, Reconstruction::ByDilation, Connectivity::Faces)?;
/// assert_eq!(result.data(), [0.0, 5.0, 3.0, 0.0, 0.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reconstruct<R: Real>(
    marker: &Volume<R>,
    mask: &Volume<R>,
    way: Reconstruction,
    connectivity: Connectivity,
) -> Result<Volume<R>> {
    reconstructed(marker, mask, way, connectivity, &Work::unwatched())
}

/// As [`reconstruct`], cancelled and followed through a control, in the stage `slices`.
///
/// # Errors
/// As [`reconstruct`]; [`Error::Cancelled`].
pub fn reconstruct_with<R: Real>(
    marker: &Volume<R>,
    mask: &Volume<R>,
    way: Reconstruction,
    connectivity: Connectivity,
    control: &Control,
) -> Result<Volume<R>> {
    // One pass in each direction; what remains for the queue is as long as one of them, or much longer.
    let slices = 3 * mask.geometry().size()[2] * mask.channels();
    let work = Work::new(control, "slices", slices);
    reconstructed(marker, mask, way, connectivity, &work)
}

fn reconstructed<R: Real>(
    marker: &Volume<R>,
    mask: &Volume<R>,
    way: Reconstruction,
    connectivity: Connectivity,
    work: &Work,
) -> Result<Volume<R>> {
    marker
        .geometry()
        .check_same(mask.geometry(), "marker and mask")?;
    if marker.channels() != mask.channels() {
        let found = marker.channels();
        return Err(Error::option(
            "reconstruct",
            "channels",
            found,
            "as many as the mask has",
        ));
    }
    // Erosion is dilation of the negative.
    let sign = match way {
        Reconstruction::ByDilation => R::ONE,
        Reconstruction::ByErosion => -R::ONE,
    };
    let size = mask.geometry().size();
    work.check()?;
    let (grid, channels) = (*marker.geometry(), marker.channels());
    let mut out = Volume::new(grid, channels, buffer::copy(marker.data()))?;
    for channel in 0..channels {
        work.check()?;
        let limit = mask.channel(channel).par_iter().map(|&v| sign * v);
        let limit: Vec<R> = limit.collect();
        let values = out.channel_mut(channel);
        let cut = values.par_iter_mut().zip(&limit);
        cut.for_each(|(value, &limit)| *value = (sign * *value).min(limit));
        grow(values, &limit, size, connectivity, work);
        work.check()?;
        values.par_iter_mut().for_each(|v| *v = sign * *v);
    }
    work.finish()?;
    Ok(out)
}

fn grow<R: Real>(
    values: &mut [R],
    limit: &[R],
    size: [usize; 3],
    connectivity: Connectivity,
    work: &Work,
) {
    let (before, after) = halves(connectivity);
    let slice = |z: usize| z * size[0] * size[1]..(z + 1) * size[0] * size[1];
    for z in 0..size[2] {
        work.part(1, || {
            for offset in slice(z) {
                let mut best = values[offset];
                neighbours(offset, size, &before, |n| best = best.max(values[n]));
                values[offset] = best.min(limit[offset]);
            }
        });
    }
    let mut queue = VecDeque::new();
    for z in (0..size[2]).rev() {
        work.part(1, || {
            for offset in slice(z).rev() {
                let mut best = values[offset];
                neighbours(offset, size, &after, |n| best = best.max(values[n]));
                let here = best.min(limit[offset]);
                values[offset] = here;
                let mut open = false;
                neighbours(offset, size, &after, |n| {
                    open |= values[n] < here && values[n] < limit[n]
                });
                if open {
                    queue.push_back(offset);
                }
            }
        });
    }
    let mut steps = work.steps(Counted::No);
    let all: Vec<[isize; 3]> = before.into_iter().chain(after).collect();
    while let Some(offset) = queue.pop_front() {
        if !steps.goes_on() {
            return;
        }
        let here = values[offset];
        let mut raised = Vec::new();
        neighbours(offset, size, &all, |n| {
            if values[n] < here && values[n] != limit[n] {
                raised.push(n);
            }
        });
        for n in raised {
            values[n] = here.min(limit[n]);
            queue.push_back(n);
        }
    }
    // The queue is empty.
    work.part(size[2], || ());
}

/// The neighbours that come earlier in memory, and those that come later.
fn halves(connectivity: Connectivity) -> (Vec<[isize; 3]>, Vec<[isize; 3]>) {
    let steps = connectivity.steps();
    steps
        .into_iter()
        .partition(|d| (d[2], d[1], d[0]) < (0, 0, 0))
}

/// Calls with the offset of each neighbour that lies within the image.
#[inline(always)]
pub(crate) fn neighbours(
    offset: usize,
    size: [usize; 3],
    steps: &[[isize; 3]],
    mut visit: impl FnMut(usize),
) {
    let index = [
        offset % size[0],
        offset / size[0] % size[1],
        offset / (size[0] * size[1]),
    ];
    for step in steps {
        let to: [Option<usize>; 3] = std::array::from_fn(|a| {
            index[a]
                .checked_add_signed(step[a])
                .filter(|&v| v < size[a])
        });
        if let [Some(x), Some(y), Some(z)] = to {
            visit((z * size[1] + y) * size[0] + x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_marker_fills_its_own_hill_only() {
        let grid = Geometry::axis_aligned([7, 1, 1], [1.0; 3]).unwrap();
        let mask = Volume::new(grid, 1, vec![1.0f32, 5.0, 4.0, 1.0, 6.0, 3.0, 0.0]).unwrap();
        let marker = Volume::new(grid, 1, vec![0.0f32, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
        let out = reconstruct(
            &marker,
            &mask,
            Reconstruction::ByDilation,
            Connectivity::Faces,
        )
        .unwrap();
        assert_eq!(out.data(), [1.0, 5.0, 4.0, 1.0, 1.0, 1.0, 0.0]);
        let down = |v: &Volume<f32>| v.map(|a| -a);
        let eroded = reconstruct(
            &down(&marker),
            &down(&mask),
            Reconstruction::ByErosion,
            Connectivity::Faces,
        )
        .unwrap();
        assert_eq!(eroded, down(&out));
    }
}
