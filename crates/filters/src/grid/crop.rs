//! Crops, pads and bounding boxes: regions of a grid, which may reach outside of it.

use super::OnGrid;
use crate::buffer;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_volume::Voxel;

/// The values outside of the image when a region reaches there.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PadMode<T> {
    /// This value.
    Constant(T),
    /// The nearest voxel of the image.
    Edge,
    /// The image mirrored about its border voxels, which are not repeated (numpy's `reflect`).
    Reflect,
    /// The image mirrored at its outer edges, so that border voxels are repeated (numpy's `symmetric`).
    Symmetric,
    /// The image again (numpy's `wrap`).
    Circular,
}

/// A box of voxels: its first voxel and its size, `[x, y, z]`.
///
/// ```
/// use vesalius_filters::Bounds;
///
/// let bounds = Bounds { start: [4, 4, 1], size: [3, 3, 2] };
/// assert_eq!(bounds.end(), [7, 7, 3]);
/// // The margin ends at the border of the grid.
/// let grown = bounds.grown([2, 2, 2], [8, 8, 8]);
/// assert_eq!(grown, Bounds { start: [2, 2, 0], size: [6, 6, 5] });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first voxel inside.
    pub start: [usize; 3],
    /// Number of voxels along each axis, at least one.
    pub size: [usize; 3],
}

impl Bounds {
    /// One past the last voxel inside, along each axis.
    pub fn end(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.start[axis] + self.size[axis])
    }

    /// The box grown by `margin` voxels on each side, kept within a grid of `size`.
    pub fn grown(&self, margin: [usize; 3], size: [usize; 3]) -> Self {
        let start: [usize; 3] =
            std::array::from_fn(|axis| self.start[axis].saturating_sub(margin[axis]));
        let end = self.end();
        Self {
            start,
            size: std::array::from_fn(|axis| {
                end[axis].saturating_add(margin[axis]).min(size[axis]) - start[axis]
            }),
        }
    }
}

/// How far from the image a region may start, in voxels.
const FURTHEST: u64 = 1 << 48;

/// The region of `size` voxels that starts at voxel `start`, which may be negative; what lies
/// outside of the image is padded.
///
/// # Errors
/// [`Error::NoVoxels`] when an empty image is to be padded with its own voxels;
/// [`Error::Volume`] when the size overflows.
///
/// ```
/// use vesalius_filters::{PadMode, crop_or_pad};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([3, 1, 1], [2.0, 1.0, 1.0])?;
/// let image = Volume::new(grid, 1, vec![1.0_f32, 2.0, 3.0])?;
/// let padded = crop_or_pad(&image, [-1, 0, 0], [5, 1, 1], PadMode::Constant(0.0))?;
/// assert_eq!(padded.data(), [0.0, 1.0, 2.0, 3.0, 0.0]);
/// // Every voxel keeps its place in the world: the first one is now 2 mm further left.
/// assert_eq!(padded.geometry().origin(), [-2.0, 0.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn crop_or_pad<G: OnGrid>(
    input: &G,
    start: [i64; 3],
    size: [usize; 3],
    mode: PadMode<G::Value>,
) -> Result<G> {
    let source_size = input.grid().size();
    if start.iter().any(|start| start.unsigned_abs() > FURTHEST) {
        return Err(Error::option(
            "crop or pad",
            "start",
            format!("{start:?}"),
            "places within 2^48 voxels",
        ));
    }
    let grid = input.grid().region(start, size)?;
    if source_size.contains(&0) && !matches!(mode, PadMode::Constant(_)) {
        return Err(Error::NoVoxels {
            filter: "pad",
            size: source_size,
        });
    }
    let fill = match mode {
        PadMode::Constant(value) => value,
        _ => G::Value::default(),
    };
    buffer::check::<G::Value>(&grid, input.channel_count(), 0)?;
    let mut out = buffer::filled(fill, grid.voxel_count() * input.channel_count());
    if !out.is_empty() && !input.values().is_empty() {
        let lookup: [Vec<Option<usize>>; 3] = std::array::from_fn(|axis| {
            (0..size[axis])
                .map(|i| source_index(start[axis] + i as i64, source_size[axis], &mode))
                .collect()
        });
        // What lies inside is one range of each row, copied as a block.
        let from = start[0].saturating_neg().clamp(0, size[0] as i64) as usize;
        let until = (source_size[0] as i64 - start[0]).clamp(from as i64, size[0] as i64) as usize;
        let run = from..until;
        let rows = size[1] * size[2];
        out.par_chunks_mut(size[0])
            .enumerate()
            .for_each(|(row, target)| {
                let (channel, y, z) = (row / rows, row % size[1], row % rows / size[1]);
                if let (Some(y), Some(z)) = (lookup[1][y], lookup[2][z]) {
                    let begin =
                        ((channel * source_size[2] + z) * source_size[1] + y) * source_size[0];
                    let source = &input.values()[begin..begin + source_size[0]];
                    copy_row(source, target, &lookup[0], run.clone());
                }
            });
    }
    Ok(input.rebuild(grid, out)?)
}

/// The image's index for an index of the result, when it has one.
fn source_index<T>(index: i64, length: usize, mode: &PadMode<T>) -> Option<usize> {
    let n = length as i64;
    match mode {
        _ if (0..n).contains(&index) => Some(index as usize),
        PadMode::Constant(_) => None,
        PadMode::Edge => Some(index.clamp(0, n - 1) as usize),
        PadMode::Reflect if n == 1 => Some(0),
        PadMode::Reflect => {
            let folded = index.rem_euclid(2 * (n - 1));
            Some(folded.min(2 * (n - 1) - folded) as usize)
        }
        PadMode::Symmetric => {
            let folded = index.rem_euclid(2 * n);
            Some(folded.min(2 * n - 1 - folded) as usize)
        }
        PadMode::Circular => Some(index.rem_euclid(n) as usize),
    }
}

fn copy_row<T: Voxel>(
    source: &[T],
    target: &mut [T],
    lookup: &[Option<usize>],
    run: std::ops::Range<usize>,
) {
    for i in (0..run.start).chain(run.end..target.len()) {
        if let Some(from) = lookup[i] {
            target[i] = source[from];
        }
    }
    if let Some(from) = lookup.get(run.start).copied().flatten()
        && !run.is_empty()
    {
        target[run.clone()].copy_from_slice(&source[from..from + run.len()]);
    }
}

/// The part of an image within a box.
///
/// # Errors
/// [`Error::BadOption`] when the box reaches outside.
///
/// ```
/// use vesalius_filters::{Bounds, crop};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0, 1.0, 3.0])?;
/// let image = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as f32);
/// let part = crop(&image, Bounds { start: [2, 3, 4], size: [2, 2, 2] })?;
/// assert_eq!(part.get(0, [0, 0, 0]), 432.0);
/// assert_eq!(part.geometry().origin(), [2.0, 3.0, 12.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn crop<G: OnGrid>(input: &G, bounds: Bounds) -> Result<G> {
    let size = input.grid().size();
    if (0..3).any(|axis| bounds.start[axis] + bounds.size[axis] > size[axis]) {
        return Err(Error::option(
            "crop",
            "bounds",
            bounds,
            "a box within the image; use `crop_or_pad` to reach outside",
        ));
    }
    crop_or_pad(
        input,
        bounds.start.map(|v| v as i64),
        bounds.size,
        PadMode::Constant(G::Value::default()),
    )
}

/// The smallest box around every voxel that is not zero in any channel; `None` when all are zero.
///
/// ```
/// use vesalius_filters::{Bounds, bounding_box, crop};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, y, z]| u16::from(x == 5 && y > 2 && z < 4));
/// let bounds = bounding_box(&labels).expect("there is foreground");
/// assert_eq!(bounds, Bounds { start: [5, 3, 0], size: [1, 5, 4] });
/// assert_eq!(crop(&labels, bounds)?.data(), [1; 20]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bounding_box<G: OnGrid>(input: &G) -> Option<Bounds> {
    let zero = G::Value::default();
    bounding_box_where(input, |value| value != zero)
}

/// The smallest box around every voxel that `inside` accepts in any channel.
///
/// ```
/// use vesalius_filters::bounding_box_where;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
/// let ct = Volume::new(grid, 1, vec![-1000_i16, -300, 40, 60, -1000])?;
/// let body = bounding_box_where(&ct, |hu| hu > -500).unwrap();
/// assert_eq!((body.start, body.size), ([1, 0, 0], [3, 1, 1]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn bounding_box_where<G: OnGrid>(
    input: &G,
    inside: impl Fn(G::Value) -> bool + Sync,
) -> Option<Bounds> {
    let [nx, ny, nz] = input.grid().size();
    if input.values().is_empty() {
        return None;
    }
    let values = input.values();
    let none = ([usize::MAX; 3], [0usize; 3]);
    let slices = values.len() / (nx * ny);
    let (start, end) = (0..slices)
        .into_par_iter()
        .map(|slice| {
            let (mut start, mut end) = none;
            for (y, row) in values[slice * nx * ny..][..nx * ny].chunks(nx).enumerate() {
                let Some(first) = row.iter().position(|&v| inside(v)) else {
                    continue;
                };
                let last = row.iter().rposition(|&v| inside(v)).unwrap_or(first);
                for (axis, (low, high)) in [(first, last), (y, y), (slice % nz, slice % nz)]
                    .into_iter()
                    .enumerate()
                {
                    start[axis] = start[axis].min(low);
                    end[axis] = end[axis].max(high + 1);
                }
            }
            (start, end)
        })
        .reduce(
            || none,
            |a, b| {
                (
                    std::array::from_fn(|i| a.0[i].min(b.0[i])),
                    std::array::from_fn(|i| a.1[i].max(b.1[i])),
                )
            },
        );
    (end[0] > 0).then(|| Bounds {
        start,
        size: std::array::from_fn(|axis| end[axis] - start[axis]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vesalius_volume::{Geometry, LabelMap, Volume};

    fn ramp(size: [usize; 3]) -> Volume<i32> {
        let grid = Geometry::axis_aligned(size, [0.5, 1.0, 2.0]).unwrap();
        Volume::from_fn(grid, |[x, y, z]| (x + 100 * y + 10_000 * z) as i32 + 1)
    }

    #[test]
    fn modes_fill_as_numpy_pad_does() {
        let v = ramp([3, 1, 1]);
        let row = |mode| {
            crop_or_pad(&v, [-4, 0, 0], [10, 1, 1], mode)
                .unwrap()
                .into_data()
        };
        assert_eq!(row(PadMode::Constant(9)), [9, 9, 9, 9, 1, 2, 3, 9, 9, 9]);
        assert_eq!(row(PadMode::Edge), [1, 1, 1, 1, 1, 2, 3, 3, 3, 3]);
        assert_eq!(row(PadMode::Reflect), [1, 2, 3, 2, 1, 2, 3, 2, 1, 2]);
        assert_eq!(row(PadMode::Symmetric), [3, 3, 2, 1, 1, 2, 3, 3, 2, 1]);
        assert_eq!(row(PadMode::Circular), [3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
    }

    #[test]
    fn a_box_around_labels_is_found_and_cropped() {
        let grid = Geometry::axis_aligned([9, 8, 7], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(grid, |i| u16::from(i == [2, 3, 6] || i == [5, 1, 4]));
        let bounds = bounding_box(&labels).unwrap();
        assert_eq!((bounds.start, bounds.end()), ([2, 1, 4], [6, 4, 7]));
        assert_eq!(crop(&labels, bounds).unwrap().counts()[&1], 2);
        assert!(bounding_box(&LabelMap::<u16>::background(grid)).is_none());
        let grown = bounds.grown([3, 1, 1], grid.size());
        assert_eq!((grown.start, grown.end()), ([0, 0, 3], [9, 5, 7]));
        let outside = Bounds {
            start: [5, 0, 0],
            size: [5, 1, 1],
        };
        assert!(crop(&labels, outside).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_voxel_comes_from_its_place(
            size in prop::array::uniform3(1usize..6),
            start in prop::array::uniform3(-7i64..8),
            to in prop::array::uniform3(1usize..9),
        ) {
            let v = ramp(size);
            let out = crop_or_pad(&v, start, to, PadMode::Constant(0)).unwrap();
            for offset in 0..out.data().len() {
                let index = out.geometry().index(offset);
                let source: [i64; 3] = std::array::from_fn(|a| index[a] as i64 + start[a]);
                let inside = (0..3).all(|a| (0..size[a] as i64).contains(&source[a]));
                let expected = if inside { v.get(0, source.map(|a| a as usize)) } else { 0 };
                prop_assert_eq!(out.data()[offset], expected);
            }
            let edge = crop_or_pad(&v, start, to, PadMode::Edge).unwrap();
            for offset in 0..edge.data().len() {
                let index = edge.geometry().index(offset);
                let source = std::array::from_fn(|a| (index[a] as i64 + start[a]).clamp(0, size[a] as i64 - 1) as usize);
                prop_assert_eq!(edge.data()[offset], v.get(0, source));
            }
        }
    }
}
