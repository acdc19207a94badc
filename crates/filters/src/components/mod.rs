//! Connected components: sets of foreground voxels that touch.
//!
//! A component's number is the order in which its first voxel comes, x fastest.

mod choose;
mod facts;
mod join;
#[cfg(test)]
mod made;
mod runs;

pub use choose::{
    keep_larger_than, keep_larger_than_with, keep_largest, keep_largest_and_equals,
    keep_largest_and_equals_with, keep_largest_with, keep_touching, keep_touching_with,
};
pub use facts::{ComponentStatistics, component_statistics, component_statistics_with};
pub(crate) use runs::{RunComponents, Touch};

use crate::Result;
use crate::each_label::Foreground;
use crate::work::Work;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap};

/// Which neighbours of a voxel touch it.
///
/// ```
/// use vesalius_filters::{ComponentOptions, Connectivity, connected_components};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // Two voxels that share an edge only.
/// let grid = Geometry::axis_aligned([2, 2, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 0, 0, 1])?;
/// let count = |connectivity| {
///     let options = ComponentOptions { connectivity, ..ComponentOptions::default() };
///     connected_components(&labels, &options).map(|found| found.count)
/// };
/// assert_eq!(count(Connectivity::Faces)?, 2);
/// assert_eq!(count(Connectivity::Edges)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connectivity {
    /// The 6 that share a face.
    Faces,
    /// The 18 that share a face or an edge.
    Edges,
    /// All 26.
    #[default]
    Corners,
}

impl Connectivity {
    /// The steps to all neighbours, in order of memory.
    pub(crate) fn steps(self) -> Vec<[isize; 3]> {
        let reach = match self {
            Self::Faces => 1,
            Self::Edges => 2,
            Self::Corners => 3,
        };
        let all = (0..27).map(|i| [i % 3 - 1, i / 3 % 3 - 1, i / 9 - 1]);
        all.filter(|d: &[isize; 3]| (1..=reach).contains(&d.iter().map(|v| v.abs()).sum::<isize>()))
            .collect()
    }

    /// Rows that come earlier in memory, as steps in y and z, and how far runs may miss each other
    /// along x and still touch.
    fn rows_before(self) -> &'static [(isize, usize, u32)] {
        match self {
            Self::Faces => &[(-1, 0, 0), (0, 1, 0)],
            Self::Edges => &[(-1, 0, 1), (0, 1, 1), (-1, 1, 0), (1, 1, 0)],
            Self::Corners => &[(-1, 0, 1), (0, 1, 1), (-1, 1, 1), (1, 1, 1)],
        }
    }
}

/// Options of [`connected_components`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentOptions {
    /// Which neighbours touch.
    pub connectivity: Connectivity,
    /// Voxels of different labels never touch (cc3d); otherwise all foreground is one mask (ITK). A map of
    /// one label is a mask either way.
    pub by_label: bool,
}

impl Default for ComponentOptions {
    /// Corners touch, and voxels of different labels do not.
    fn default() -> Self {
        Self {
            connectivity: Connectivity::default(),
            by_label: true,
        }
    }
}

/// A numbering of components.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Components {
    /// 0 in the background, 1 to [`Components::count`] in the components.
    pub labels: LabelMap<u32>,
    /// Number of components.
    pub count: usize,
    /// Voxels of each component, the first component first.
    pub sizes: Vec<usize>,
}

/// Numbers the connected components of the foreground (labels other than 0).
///
/// # Errors
/// [`crate::Error::BadOption`] when the grid has more rows or runs than `u32` counts.
///
/// ```
/// use vesalius_filters::{ComponentOptions, connected_components};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let labels = LabelMap::<u16>::new(grid, vec![1, 2, 0, 2, 2, 2])?;
/// let found = connected_components(&labels, &ComponentOptions::default())?;
/// assert_eq!(found.labels.data(), [1, 2, 0, 3, 3, 3]);
/// assert_eq!((found.count, found.sizes), (3, vec![1, 1, 3]));
///
/// // All foreground as one mask: labels 1 and 2 touch.
/// let options = ComponentOptions { by_label: false, ..ComponentOptions::default() };
/// assert_eq!(connected_components(&labels, &options)?.count, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connected_components<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
) -> Result<Components> {
    numbered(input, options, &Work::unwatched())
}

/// As [`connected_components`], cancelled and followed through a control, in the stage `components`.
///
/// # Errors
/// As [`connected_components`]; [`crate::Error::Cancelled`].
///
/// ```
/// use vesalius_control::Control;
/// use vesalius_filters::{ComponentOptions, Error, connected_components_with};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let labels = LabelMap::<u16>::background(Geometry::axis_aligned([8, 8, 8], [1.0; 3])?);
/// let control = Control::new();
/// control.cancel();
/// let result = connected_components_with(&labels, &ComponentOptions::default(), &control);
/// assert!(matches!(result, Err(Error::Cancelled(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connected_components_with<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    control: &Control,
) -> Result<Components> {
    numbered(input, options, &painted(control, input))
}

/// The work of joining components and painting them.
fn painted<'a, T: Label>(control: &'a Control, input: &LabelMap<T>) -> Work<'a> {
    let size = input.geometry().size();
    let painting = size[1] * size[2];
    Work::new(control, "components", RunComponents::parts(size) + painting)
}

fn numbered<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    work: &Work,
) -> Result<Components> {
    let joined = joined(input, options, work)?;
    let labels = joined.paint(|component| component + 1, work);
    work.finish()?;
    Ok(Components {
        labels: LabelMap::new(*input.geometry(), labels)?,
        count: joined.sizes.len(),
        sizes: joined.sizes,
    })
}

/// The runs of the foreground, joined.
fn joined<T: Label>(
    input: &LabelMap<T>,
    options: &ComponentOptions,
    work: &Work,
) -> Result<RunComponents> {
    let touch = Touch {
        connectivity: options.connectivity,
        across_slices: true,
    };
    let (values, size) = (input.data(), input.geometry().size());
    let mask = || RunComponents::of_mask(values, size, touch, false, work);
    if !options.by_label {
        return mask();
    }
    match Foreground::of(values) {
        Foreground::Nothing => mask(),
        Foreground::One(label) => Ok(mask()?.of_class(label.into())),
        Foreground::Several => RunComponents::of_labels(values, size, touch, work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vesalius_volume::Geometry;

    /// Flood fill, voxel by voxel.
    fn flood(labels: &LabelMap<u8>, options: &ComponentOptions) -> Vec<u32> {
        let size = labels.geometry().size().map(|n| n as i64);
        let reach = match options.connectivity {
            Connectivity::Faces => 1,
            Connectivity::Edges => 2,
            Connectivity::Corners => 3,
        };
        let mut out = vec![0; labels.data().len()];
        let mut count = 0;
        for seed in 0..out.len() {
            if labels.data()[seed] == 0 || out[seed] != 0 {
                continue;
            }
            count += 1;
            out[seed] = count;
            let mut stack = vec![seed];
            while let Some(at) = stack.pop() {
                let index = labels.geometry().index(at).map(|v| v as i64);
                for step in 0..27 {
                    let d = [step % 3 - 1, step / 3 % 3 - 1, step / 9 - 1];
                    let to: [i64; 3] = std::array::from_fn(|a| index[a] + d[a]);
                    if d.iter().map(|v| v.abs()).sum::<i64>() > reach
                        || (0..3).any(|a| to[a] < 0 || to[a] >= size[a])
                    {
                        continue;
                    }
                    let to = labels.geometry().offset(to.map(|v| v as usize));
                    let (here, there) = (labels.data()[at], labels.data()[to]);
                    if there != 0 && out[to] == 0 && (!options.by_label || here == there) {
                        out[to] = count;
                        stack.push(to);
                    }
                }
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn runs_agree_with_flood_fill(
            size in (1usize..140, 1usize..5, 1usize..5),
            seed in any::<u64>(),
            share in 1u64..100,
        ) {
            let grid = Geometry::axis_aligned([size.0, size.1, size.2], [1.0; 3]).unwrap();
            let mut state = seed | 1;
            let labels = LabelMap::from_fn(grid, |_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let draw = state >> 33;
                if draw % 100 < share { (1 + draw / 100 % 2) as u8 } else { 0 }
            });
            for connectivity in [Connectivity::Faces, Connectivity::Edges, Connectivity::Corners] {
                for by_label in [false, true] {
                    let options = ComponentOptions { connectivity, by_label };
                    let ours = connected_components(&labels, &options).unwrap();
                    prop_assert_eq!(ours.labels.data(), &flood(&labels, &options)[..]);
                    prop_assert_eq!(ours.sizes.len(), ours.count);
                    prop_assert_eq!(ours.sizes.iter().sum::<usize>(), labels.data().iter().filter(|&&v| v != 0).count());
                }
            }
        }
    }

    #[test]
    fn the_largest_stays_with_its_labels() {
        let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::new(grid, vec![5u16, 5, 0, 1, 2, 3, 0, 4]).unwrap();
        let faces = |by_label| ComponentOptions {
            connectivity: Connectivity::Faces,
            by_label,
        };
        let kept = keep_largest(&labels, &faces(false)).unwrap();
        assert_eq!(kept.data(), [0, 0, 0, 1, 2, 3, 0, 0]);
        let empty = LabelMap::<u16>::background(grid);
        assert_eq!(keep_largest(&empty, &faces(true)).unwrap(), empty);
        // Each label keeps its own, of equals the first.
        let grid = Geometry::axis_aligned([11, 1, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::new(grid, vec![5u16, 0, 5, 5, 2, 0, 2, 0, 5, 5, 9]).unwrap();
        let kept = keep_largest(&labels, &faces(true)).unwrap();
        assert_eq!(kept.data(), [0, 0, 5, 5, 2, 0, 0, 0, 0, 0, 9]);
    }
}
