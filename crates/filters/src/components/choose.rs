//! Selection of components: the largest, those above a volume, those that contain a seed; and facts
//! about each.

use super::{ComponentOptions, joined};
use crate::grid::Bounds;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_volume::{Label, LabelMap, limits};

/// The largest component of each label; everything else becomes background. Where `by_label` is off, the
/// labels of the largest component of all foreground. Of equally large ones the first in memory stays.
///
/// # Errors
/// As [`crate::connected_components`].
///
/// ```
/// use vesalius_filters::{ComponentOptions, keep_largest};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([7, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 0, 1, 1, 0, 2, 0])?;
/// // Each label keeps its own largest component.
/// let kept = keep_largest(&labels, &ComponentOptions::default())?;
/// assert_eq!(kept.data(), [0, 0, 1, 1, 0, 2, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn keep_largest<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
) -> Result<LabelMap<T>> {
    let joined = joined(input, options, &Work::unwatched())?;
    let largest = joined.largest_of_each();
    keep(input, &joined, |component| largest[component as usize])
}

/// As [`keep_largest`] where `by_label` is off, with every component that is as large: what nnU-Net keeps.
///
/// # Errors
/// As [`crate::connected_components`].
pub fn keep_largest_and_equals<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
) -> Result<LabelMap<T>> {
    let together = ComponentOptions {
        by_label: false,
        ..*options
    };
    let joined = joined(input, &together, &Work::unwatched())?;
    let most = joined.sizes.iter().copied().max();
    keep(input, &joined, |component| {
        Some(joined.sizes[component as usize]) == most
    })
}

/// The labels of the components of at least `volume` mm³; smaller ones become background. A component of
/// exactly the volume stays.
///
/// # Errors
/// As [`crate::connected_components`]; [`Error::BadOption`] when the volume is not a number.
///
/// ```
/// use vesalius_filters::{ComponentOptions, keep_larger_than};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // Voxels of 2 mm³: three of them are 6 mm³.
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0, 1.0, 2.0])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 1, 1, 0, 1, 1])?;
/// let kept = keep_larger_than(&labels, 6.0, &ComponentOptions::default())?;
/// assert_eq!(kept.data(), [1, 1, 1, 0, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn keep_larger_than<T: Label>(
    input: &LabelMap<T>,
    volume: f64,
    options: &ComponentOptions,
) -> Result<LabelMap<T>> {
    if !volume.is_finite() {
        return Err(Error::option(
            "components",
            "volume",
            volume,
            "a number of mm³",
        ));
    }
    let joined = joined(input, options, &Work::unwatched())?;
    let voxel = input.geometry().voxel_volume();
    let enough =
        |component: u32| limits::at_least(joined.sizes[component as usize] as f64 * voxel, volume);
    keep(input, &joined, enough)
}

/// The labels of the components that hold at least one of the seeds, voxel indices `[x, y, z]`.
///
/// # Errors
/// As [`crate::connected_components`]; [`Error::BadOption`] when a seed lies outside of the image.
///
/// ```
/// use vesalius_filters::{ComponentOptions, Error, keep_touching};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 1, 0, 1, 1])?;
/// let kept = keep_touching(&labels, &[[4, 0, 0]], &ComponentOptions::default())?;
/// assert_eq!(kept.data(), [0, 0, 0, 1, 1]);
///
/// let outside = keep_touching(&labels, &[[5, 0, 0]], &ComponentOptions::default());
/// assert!(matches!(outside, Err(Error::BadOption { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn keep_touching<T: Label>(
    input: &LabelMap<T>,
    seeds: &[[usize; 3]],
    options: &ComponentOptions,
) -> Result<LabelMap<T>> {
    let size = input.geometry().size();
    if let Some(seed) = seeds.iter().find(|s| (0..3).any(|a| s[a] >= size[a])) {
        return Err(Error::option(
            "components",
            "seeds",
            seed,
            "voxels of the image",
        ));
    }
    let joined = joined(input, options, &Work::unwatched())?;
    let mut touched = vec![false; joined.sizes.len()];
    for (y, z, run, component) in joined.iter() {
        let within = |s: &&[usize; 3]| {
            s[1] == y && s[2] == z && (run.start as usize..run.end as usize).contains(&s[0])
        };
        if seeds.iter().any(|s| within(&s)) {
            touched[component as usize] = true;
        }
    }
    keep(input, &joined, |component| touched[component as usize])
}

fn keep<T: Label>(
    input: &LabelMap<T>,
    joined: &super::RunComponents,
    kept: impl Fn(u32) -> bool + Sync,
) -> Result<LabelMap<T>> {
    let mut out = input.data().to_vec();
    joined.paint_over(&mut out, |component| (!kept(component)).then(T::default));
    Ok(LabelMap::new(*input.geometry(), out)?)
}

/// Facts about one component.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    let joined = joined(input, options, &Work::unwatched())?;
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
    use super::*;
    use vesalius_volume::Geometry;

    fn three() -> LabelMap<u16> {
        let grid = Geometry::axis_aligned([8, 2, 1], [0.5, 2.0, 3.0]).unwrap();
        let rows = [5, 5, 0, 1, 2, 3, 0, 4, 5, 0, 0, 0, 0, 0, 0, 0];
        LabelMap::new(grid, rows.to_vec()).unwrap()
    }

    fn together() -> ComponentOptions {
        ComponentOptions {
            by_label: false,
            ..Default::default()
        }
    }

    #[test]
    fn a_component_of_exactly_the_volume_stays_whatever_the_file_makes_of_the_spacing() {
        // 100 voxels of 1 mm³ as an oblique affine in single precision has them, and one more.
        let row = [0.999_999_97f64, 1.000_000_03, 0.999_999_98];
        for spacing in [[1.0; 3], row, [0.6f32 as f64; 3], [0.6; 3]] {
            let grid = Geometry::axis_aligned([203, 1, 1], spacing).unwrap();
            let map = LabelMap::from_fn(grid, |[x, _, _]| match x {
                0..=99 => 1u8,
                101..=201 => 2,
                _ => 0,
            });
            let voxel = if spacing[0] > 0.9 { 1.0 } else { 0.216 };
            let options = ComponentOptions::default();
            let kept = |volume: f64| keep_larger_than(&map, volume, &options).unwrap();
            assert_eq!(kept(100.0 * voxel), map, "{spacing:?}");
            assert_eq!(kept(100.5 * voxel).counts(), [(0, 102), (2, 101)].into());
            assert_eq!(kept(101.0 * voxel).counts(), [(0, 102), (2, 101)].into());
            assert_eq!(kept(101.5 * voxel).counts(), [(0, 203)].into());
        }
    }

    #[test]
    fn components_are_chosen_by_volume_and_by_seed() {
        let options = together();
        // Each voxel is 3 mm³: components of 3, 3 and 1 voxels.
        let large = keep_larger_than(&three(), 9.0, &options).unwrap();
        assert_eq!(large.data()[..8], [5, 5, 0, 1, 2, 3, 0, 0]);
        let each = keep_larger_than(&three(), 9.0, &ComponentOptions::default()).unwrap();
        assert_eq!(each.data()[..8], [5, 5, 0, 0, 0, 0, 0, 0]);
        let largest = keep_largest(&three(), &options).unwrap();
        assert_eq!(
            largest.data(),
            [5, 5, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]
        );
        let touched = keep_touching(&three(), &[[7, 0, 0], [2, 1, 0]], &options).unwrap();
        assert_eq!(touched.counts(), [(0, 15), (4, 1)].into());
        assert!(keep_touching(&three(), &[[8, 0, 0]], &options).is_err());
        assert!(keep_larger_than(&three(), f64::NAN, &options).is_err());
    }

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
