//! Selection of components: the largest, those above a volume, those that contain a seed.

use super::{ComponentOptions, RunComponents, joined, painted};
use crate::work::Work;
use crate::{Error, Result};
use vesalius_control::Control;
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
    largest(input, options, &Work::unwatched())
}

/// As [`keep_largest`], cancelled and followed through a control, in the stage `components`.
///
/// # Errors
/// As [`keep_largest`]; [`Error::Cancelled`].
pub fn keep_largest_with<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    largest(input, options, &painted(control, input))
}

fn largest<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    let joined = joined(input, options, work)?;
    let largest = joined.largest_of_each();
    keep(
        input,
        &joined,
        |component| largest[component as usize],
        work,
    )
}

/// As [`keep_largest`] where `by_label` is off, with every component that is as large: what nnU-Net keeps.
///
/// # Errors
/// As [`crate::connected_components`].
pub fn keep_largest_and_equals<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
) -> Result<LabelMap<T>> {
    largest_and_equals(input, options, &Work::unwatched())
}

/// As [`keep_largest_and_equals`], cancelled and followed through a control, in the stage `components`.
///
/// # Errors
/// As [`keep_largest_and_equals`]; [`Error::Cancelled`].
pub fn keep_largest_and_equals_with<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    largest_and_equals(input, options, &painted(control, input))
}

fn largest_and_equals<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    let together = ComponentOptions {
        by_label: false,
        ..*options
    };
    let joined = joined(input, &together, work)?;
    let most = joined.sizes.iter().copied().max();
    let kept = |component: u32| Some(joined.sizes[component as usize]) == most;
    keep(input, &joined, kept, work)
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
    larger_than(input, volume, options, &Work::unwatched())
}

/// As [`keep_larger_than`], cancelled and followed through a control, in the stage `components`.
///
/// # Errors
/// As [`keep_larger_than`]; [`Error::Cancelled`].
pub fn keep_larger_than_with<T: Label>(
    input: &LabelMap<T>,
    volume: f64,
    options: &ComponentOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    larger_than(input, volume, options, &painted(control, input))
}

fn larger_than<T: Label>(
    input: &LabelMap<T>,
    volume: f64,
    options: &ComponentOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    if !volume.is_finite() {
        return Err(Error::option(
            "components",
            "volume",
            volume,
            "a number of mm³",
        ));
    }
    let joined = joined(input, options, work)?;
    let voxel = input.geometry().voxel_volume();
    let enough =
        |component: u32| limits::at_least(joined.sizes[component as usize] as f64 * voxel, volume);
    keep(input, &joined, enough, work)
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
    touching(input, seeds, options, &Work::unwatched())
}

/// As [`keep_touching`], cancelled and followed through a control, in the stage `components`.
///
/// # Errors
/// As [`keep_touching`]; [`Error::Cancelled`].
pub fn keep_touching_with<T: Label>(
    input: &LabelMap<T>,
    seeds: &[[usize; 3]],
    options: &ComponentOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    touching(input, seeds, options, &painted(control, input))
}

fn touching<T: Label>(
    input: &LabelMap<T>,
    seeds: &[[usize; 3]],
    options: &ComponentOptions,
    work: &Work,
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
    let joined = joined(input, options, work)?;
    let mut touched = vec![false; joined.sizes.len()];
    for component in seeds.iter().filter_map(|&seed| joined.at(seed)) {
        touched[component as usize] = true;
    }
    keep(
        input,
        &joined,
        |component| touched[component as usize],
        work,
    )
}

fn keep<T: Label>(
    input: &LabelMap<T>,
    joined: &RunComponents,
    kept: impl Fn(u32) -> bool + Sync,
    work: &Work,
) -> Result<LabelMap<T>> {
    let mut out = input.data().to_vec();
    let over = |component| (!kept(component)).then(T::default);
    joined.paint_over(&mut out, over, work);
    work.finish()?;
    Ok(LabelMap::new(*input.geometry(), out)?)
}

#[cfg(test)]
mod tests {
    use super::super::made::{three, together};
    use super::*;
    use vesalius_volume::Geometry;

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
}
