//! Watershed from markers: basins grow uphill from their markers until they touch.
//!
//! S. Beucher and F. Meyer, "The morphological approach to segmentation: the watershed
//! transformation", 1993, with a queue for each level, in ITK's order.

use crate::components::Connectivity;
use crate::morphology::neighbours;
use crate::scalar::Real;
use crate::work::{Counted, Work};
use crate::{Error, Result};
use rayon::prelude::*;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume};

/// Options of [`watershed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatershedOptions {
    /// Which neighbours a basin grows into.
    pub connectivity: Connectivity,
    /// Leave a line of background between basins.
    pub line: bool,
}

impl Default for WatershedOptions {
    fn default() -> Self {
        Self {
            connectivity: Connectivity::Faces,
            line: true,
        }
    }
}

/// A voxel waiting for the water: lowest level first, then first come.
#[derive(PartialEq)]
struct Waiting {
    level: f64,
    turn: u64,
    offset: usize,
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.level
            .total_cmp(&other.level)
            .then(self.turn.cmp(&other.turn))
    }
}

#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Reverse<Waiting>>,
    turn: u64,
}

impl Queue {
    fn push(&mut self, level: f64, offset: usize) {
        let turn = self.turn;
        self.turn += 1;
        self.heap.push(Reverse(Waiting {
            level,
            turn,
            offset,
        }));
    }

    fn pop(&mut self) -> Option<(f64, usize)> {
        self.heap.pop().map(|Reverse(w)| (w.level, w.offset))
    }
}

/// Grows each marker's label over the relief (the first channel), lowest values first, until every
/// reachable voxel has one (ITK `MorphologicalWatershedFromMarkers`).
///
/// # Errors
/// [`Error::Volume`] when the two do not share a grid; [`Error::BadOption`] when a value of the
/// relief is not a number.
///
/// ```
/// use vesalius_filters::{WatershedOptions, watershed};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// // Two valleys with a ridge at index 3.
/// let grid = Geometry::axis_aligned([7, 1, 1], [1.0; 3])?;
/// let relief = Volume::new(grid, 1, vec![2.0_f32, 1.0, 2.0, 9.0, 2.0, 1.0, 2.0])?;
/// let markers = LabelMap::<u16>::new(grid, vec![0, 1, 0, 0, 0, 2, 0])?;
/// let basins = watershed(&relief, &markers, &WatershedOptions::default())?;
/// assert_eq!(basins.data(), [1, 1, 1, 0, 2, 2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn watershed<R: Real, T: Label>(
    relief: &Volume<R>,
    markers: &LabelMap<T>,
    options: &WatershedOptions,
) -> Result<LabelMap<T>> {
    basins(relief, markers, options, &Work::unwatched())
}

/// As [`watershed`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`watershed`]; [`Error::Cancelled`].
pub fn watershed_with<R: Real, T: Label>(
    relief: &Volume<R>,
    markers: &LabelMap<T>,
    options: &WatershedOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    // Each is looked at for the queue, and taken from it at most once.
    let voxels = 2 * markers.data().len();
    basins(
        relief,
        markers,
        options,
        &Work::new(control, "voxels", voxels),
    )
}

fn basins<R: Real, T: Label>(
    relief: &Volume<R>,
    markers: &LabelMap<T>,
    options: &WatershedOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    relief
        .geometry()
        .check_same(markers.geometry(), "relief and markers")?;
    work.check()?;
    let values = relief.channel(0).par_iter().map(|v| v.to_f64());
    let values: Vec<f64> = values.collect();
    work.check()?;
    if values.par_iter().any(|v| v.is_nan()) {
        return Err(Error::option("watershed", "relief", f64::NAN, "numbers"));
    }
    let (size, steps) = (relief.geometry().size(), options.connectivity.steps());
    let mut labels = markers.data().to_vec();
    if options.line {
        flood_with_line(&values, &mut labels, size, &steps, work);
    } else {
        flood(&values, &mut labels, size, &steps, work);
    }
    work.finish()?;
    Ok(LabelMap::new(*markers.geometry(), labels)?)
}

fn flood<T: Label>(
    values: &[f64],
    labels: &mut [T],
    size: [usize; 3],
    steps: &[[isize; 3]],
    work: &Work,
) {
    let background = T::default();
    let mut queue = Queue::default();
    let mut taken = work.steps(Counted::Yes);
    for offset in 0..labels.len() {
        if !taken.goes_on() {
            return;
        }
        let mut open = false;
        neighbours(offset, size, steps, |n| open |= labels[n] == background);
        if labels[offset] != background && open {
            queue.push(values[offset], offset);
        }
    }
    while let Some((level, offset)) = queue.pop() {
        if !taken.goes_on() {
            return;
        }
        let label = labels[offset];
        neighbours(offset, size, steps, |n| {
            if labels[n] == background {
                labels[n] = label;
                queue.push(values[n].max(level), n);
            }
        });
    }
}

fn flood_with_line<T: Label>(
    values: &[f64],
    labels: &mut [T],
    size: [usize; 3],
    steps: &[[isize; 3]],
    work: &Work,
) {
    let background = T::default();
    let mut seen: Vec<bool> = labels.iter().map(|&l| l != background).collect();
    let mut queue = Queue::default();
    let mut taken = work.steps(Counted::Yes);
    for (offset, &label) in labels.iter().enumerate() {
        if !taken.goes_on() {
            return;
        }
        if label != background {
            neighbours(offset, size, steps, |n| {
                if !seen[n] {
                    seen[n] = true;
                    queue.push(values[n], n);
                }
            });
        }
    }
    while let Some((level, offset)) = queue.pop() {
        if !taken.goes_on() {
            return;
        }
        let mut label = background;
        let mut meets = false;
        neighbours(offset, size, steps, |n| {
            if labels[n] != background {
                meets |= label != background && labels[n] != label;
                label = labels[n];
            }
        });
        // Where two basins touch, the line stays background and ends the growth.
        if meets {
            continue;
        }
        labels[offset] = label;
        neighbours(offset, size, steps, |n| {
            if !seen[n] {
                seen[n] = true;
                queue.push(values[n].max(level), n);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn basins_meet_on_the_ridge() {
        let grid = Geometry::axis_aligned([7, 1, 1], [1.0; 3]).unwrap();
        let relief = Volume::new(grid, 1, vec![0.0f32, 1.0, 2.0, 5.0, 1.0, 1.0, 0.0]).unwrap();
        let markers = LabelMap::new(grid, vec![1u8, 0, 0, 0, 0, 0, 2]).unwrap();
        let line = watershed(&relief, &markers, &WatershedOptions::default()).unwrap();
        assert_eq!(line.data(), [1, 1, 1, 0, 2, 2, 2]);
        let options = WatershedOptions {
            line: false,
            ..Default::default()
        };
        let full = watershed(&relief, &markers, &options).unwrap();
        // The right slope is reached first, so the ridge is the right basin's.
        assert_eq!(full.data(), [1, 1, 1, 2, 2, 2, 2]);
    }
}
