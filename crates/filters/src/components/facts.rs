//! Facts about each component: label, size, place.

use super::{ComponentOptions, RunComponents, joined};
use crate::Result;
use crate::grid::Bounds;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// Facts about one component.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ComponentStatistics {
    /// Its label in the input, or 1 where all foreground is one mask.
    pub label: u32,
    /// Number of voxels.
    pub voxels: usize,
    /// Volume in mm³.
    pub volume: f64,
    /// The smallest box around it.
    pub bounds: Bounds,
    /// Mean voxel index, `[x, y, z]`.
    pub centroid_index: [f64; 3],
    /// Mean position in the world, RAS+ mm.
    pub centroid: [f64; 3],
}

/// Facts about each component of the foreground, in the order of [`crate::connected_components`].
///
/// # Errors
/// As [`crate::connected_components`].
///
/// ```
/// use vesalius_filters::{ComponentOptions, component_statistics};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [2.0, 1.0, 1.0])?.with_origin([10.0, 0.0, 0.0])?;
/// let labels = LabelMap::<u16>::new(grid, vec![0, 3, 3, 3, 0, 3])?;
/// let facts = component_statistics(&labels, &ComponentOptions::default())?;
/// assert_eq!(facts.len(), 2);
/// assert_eq!((facts[0].label, facts[0].voxels, facts[0].volume), (3, 3, 6.0));
/// assert_eq!(facts[0].centroid, [14.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn component_statistics<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
) -> Result<Vec<ComponentStatistics>> {
    statistics(input, options, &Work::unwatched())
}

/// As [`component_statistics`], cancelled and followed through a control, in the stage `components`.
///
/// # Errors
/// As [`component_statistics`]; [`crate::Error::Cancelled`].
pub fn component_statistics_with<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    control: &Control,
) -> Result<Vec<ComponentStatistics>> {
    let total = RunComponents::parts(input.geometry().size());
    statistics(input, options, &Work::new(control, "components", total))
}

fn statistics<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    work: &Work,
) -> Result<Vec<ComponentStatistics>> {
    let joined = joined(input, options, work)?;
    let mut sums = vec![([0u64; 3], [usize::MAX; 3], [0usize; 3], 0u32); joined.sizes.len()];
    for (y, z, run, component) in joined.iter() {
        let (sum, low, high, label) = &mut sums[component as usize];
        let (start, end) = (run.start as usize, run.end as usize);
        let length = end - start;
        sum[0] += ((start + end - 1) * length / 2) as u64;
        sum[1] += (y * length) as u64;
        sum[2] += (z * length) as u64;
        for (axis, (first, last)) in [(start, end), (y, y + 1), (z, z + 1)]
            .into_iter()
            .enumerate()
        {
            low[axis] = low[axis].min(first);
            high[axis] = high[axis].max(last);
        }
        *label = run.class;
    }
    work.finish()?;
    let grid = input.geometry();
    Ok(sums
        .par_iter()
        .zip(&joined.sizes)
        .map(|(&(sum, low, high, label), &voxels)| {
            let centroid_index = sum.map(|s| s as f64 / voxels as f64);
            ComponentStatistics {
                label,
                voxels,
                volume: voxels as f64 * grid.voxel_volume(),
                bounds: Bounds {
                    start: low,
                    size: std::array::from_fn(|axis| high[axis] - low[axis]),
                },
                centroid_index,
                centroid: grid.index_to_world(centroid_index),
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::super::made::{three, together};
    use super::*;

    #[test]
    fn facts_are_those_of_the_voxels() {
        let facts = component_statistics(&three(), &together()).unwrap();
        assert_eq!(facts.len(), 3);
        assert_eq!((facts[0].voxels, facts[0].volume), (3, 9.0));
        assert_eq!(facts[0].bounds.end(), [2, 2, 1]);
        let third = 1.0 / 3.0;
        assert_eq!(facts[0].centroid_index, [third, third, 0.0]);
        assert!((facts[0].centroid[1] - 2.0 * third).abs() < 1e-12);
        let apart = ComponentOptions::default();
        let labels: Vec<u32> = component_statistics(&three(), &apart)
            .unwrap()
            .iter()
            .map(|f| f.label)
            .collect();
        assert_eq!(labels, [5, 1, 2, 3, 4]);
    }
}
