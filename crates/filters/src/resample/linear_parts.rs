//! Linear resampling in parts: any box of the target from the box of the source that it depends on, with
//! the same numbers as the whole. For results of many channels that are never in memory as a whole.

use super::axis::Axis;
use super::engine::IndexMap;
use super::kernel::Linear;
use super::separable::separable;
use super::{Extrapolation, resized_grid};
use crate::nnunet::AxisRule;
use crate::work::Work;
use crate::{Error, Result};
use std::ops::Range;
use vesalius_volume::{Affine, Geometry, Volume};

/// A box of voxels: one range per axis, `[x, y, z]`.
pub type IndexBox = [Range<usize>; 3];

/// The weights of source voxels for each target voxel, for grids whose axes run the same way; beyond
/// the source its border voxels are repeated.
///
/// ```
/// use vesalius_filters::LinearParts;
/// use vesalius_volume::{Geometry, Volume};
///
/// let parts = LinearParts::nnunet([4, 4, 4], [8, 8, 8], None)?;
/// assert_eq!(parts.target_size(), [8, 8, 8]);
/// // The first two target slices need the first two source slices.
/// assert_eq!(parts.seen(2, 0..2), 0..2);
///
/// let source = Volume::filled(Geometry::axis_aligned([4, 4, 4], [2.0; 3])?, 5.0_f32);
/// assert_eq!(parts.whole(&source)?.get(0, [7, 7, 7]), 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LinearParts {
    axes: [Axis<f32, 2>; 3],
    from: [usize; 3],
    to: [usize; 3],
}

impl std::fmt::Debug for LinearParts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "LinearParts({:?} → {:?})", self.from, self.to)
    }
}

impl LinearParts {
    /// [`crate::resample_nnunet`] with linear interpolation from `from` to `to` voxels; along the
    /// `separate` axis the nearest slice is taken.
    ///
    /// # Errors
    /// [`Error::NoVoxels`] when a size is zero.
    pub fn nnunet(from: [usize; 3], to: [usize; 3], separate: Option<usize>) -> Result<Self> {
        Self::by_rules(from, to, AxisRule::linear_but(separate))
    }

    /// From `from` to `to` voxels over the same extent, with a rule for each axis.
    ///
    /// # Errors
    /// [`Error::NoVoxels`] when a size is zero.
    pub fn by_rules(from: [usize; 3], to: [usize; 3], rules: [AxisRule; 3]) -> Result<Self> {
        if let Some(size) = [from, to].into_iter().find(|size| size.contains(&0)) {
            return Err(Error::NoVoxels {
                filter: "nnU-Net resampling",
                size,
            });
        }
        let axes = std::array::from_fn(|axis| rules[axis].table(from[axis], to[axis]));
        Ok(Self { axes, from, to })
    }

    /// [`crate::resample`] with MONAI's options between two grids; `None` when their axes do not run
    /// along each other in the same order.
    ///
    /// # Errors
    /// [`Error::NoVoxels`] when the source is empty.
    pub fn between(source: &Geometry, target: &Geometry) -> Result<Option<Self>> {
        let map = IndexMap::new(source, target, &Affine::IDENTITY)?;
        if map.parallel_order() != Some([0, 1, 2]) {
            return Ok(None);
        }
        Ok(Some(Self {
            axes: map.axes::<f32, Linear, 2>(Extrapolation::Edge),
            from: source.size(),
            to: target.size(),
        }))
    }

    /// Size of the source.
    pub fn source_size(&self) -> [usize; 3] {
        self.from
    }

    /// Size of the target.
    pub fn target_size(&self) -> [usize; 3] {
        self.to
    }

    /// Whether every target voxel is the source voxel of the same index.
    pub fn is_identity(&self) -> bool {
        self.from == self.to && (0..3).all(|a| self.axes[a].copied_from() == Some(0))
    }

    /// The source indices along an axis, 0 to 2, that a range of target indices depends on; empty for an empty range, for
    /// target indices that are not there, and for another axis.
    pub fn seen(&self, axis: usize, target: Range<usize>) -> Range<usize> {
        let (Some(table), Some(&length)) = (self.axes.get(axis), self.to.get(axis)) else {
            return 0..0;
        };
        let target = target.start..target.end.min(length);
        let taps = || target.clone().flat_map(|i| table.mix(i).map(|tap| tap.0));
        taps().min().unwrap_or(0)..taps().max().map_or(0, |last| last + 1)
    }

    /// One channel's values in a box of the target, from the values in a box of the source that holds
    /// all that the target's box depends on.
    ///
    /// # Errors
    /// [`Error::BadOption`] when a box does not fit its buffer or the source's box is too small.
    pub fn part(
        &self,
        source: &[f32],
        source_box: &IndexBox,
        out: &mut [f32],
        target_box: &IndexBox,
    ) -> Result<()> {
        let size = |part: &IndexBox| -> [usize; 3] { std::array::from_fn(|a| part[a].len()) };
        let (from, to) = (size(source_box), size(target_box));
        let enough = (0..3).all(|a| {
            let seen = self.seen(a, target_box[a].clone());
            target_box[a].end <= self.to[a]
                && (seen.is_empty()
                    || (source_box[a].start <= seen.start && seen.end <= source_box[a].end))
        });
        let fills = |values: &[f32], size: [usize; 3]| {
            let product = size.iter().try_fold(1usize, |n, m| n.checked_mul(*m));
            product == Some(values.len())
        };
        let filled = fills(source, from) && fills(out, to);
        if !enough || !filled {
            return Err(Error::option(
                "resample",
                "box",
                format!("{source_box:?} for {target_box:?}"),
                "a box of the source with all that the target's box sees, and buffers of their sizes",
            ));
        }
        if out.is_empty() {
            return Ok(());
        }
        let axes = std::array::from_fn(|a| {
            self.axes[a].part(target_box[a].clone(), source_box[a].clone())
        });
        separable(source, from, &axes, out, to, &Work::unwatched());
        Ok(())
    }

    /// All channels of a volume on the whole target.
    ///
    /// # Errors
    /// [`Error::BadOption`] for a volume of another size than the source's.
    pub fn whole(&self, input: &Volume<f32>) -> Result<Volume<f32>> {
        let target = resized_grid(input.geometry(), self.to)?;
        let voxels = target.voxel_count();
        let mut out = crate::buffer::filled(0.0, voxels * input.channels());
        let (from, to) = (self.from.map(|n| 0..n), self.to.map(|n| 0..n));
        for (channel, out) in out.chunks_mut(voxels).enumerate() {
            self.part(input.channel(channel), &from, out, &to)?;
        }
        Ok(Volume::new(target, input.channels(), out)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Convention, NnUnetOptions, ResampleOptions, SeparateAxis};
    use crate::{Interpolation, resample, resample_nnunet, target_grid};

    fn image() -> Volume<f32> {
        let grid = Geometry::axis_aligned([11, 9, 13], [0.7, 1.1, 4.0]).unwrap();
        Volume::from_fn(grid, |[x, y, z]| ((x * 31 + y * 17 + z * 57) % 23) as f32)
    }

    /// The target from four boxes, each from the smallest source box that suffices.
    fn in_boxes(parts: &LinearParts, image: &Volume<f32>) -> Vec<f32> {
        let [nx, ny, nz] = parts.target_size();
        let mut joined = vec![0.0; nx * ny * nz];
        for (y, z) in [(0..3, 0..5), (3..ny, 0..5), (0..3, 5..nz), (3..ny, 5..nz)] {
            let target = [0..nx, y.clone(), z.clone()];
            let seen: IndexBox = std::array::from_fn(|a| parts.seen(a, target[a].clone()));
            let mut source = Vec::new();
            for k in seen[2].clone() {
                for j in seen[1].clone() {
                    source.extend(seen[0].clone().map(|i| image.get(0, [i, j, k])));
                }
            }
            let mut out = vec![0.0; nx * y.len() * z.len()];
            parts.part(&source, &seen, &mut out, &target).unwrap();
            let mut values = out.into_iter();
            for k in z {
                for j in y.clone() {
                    for i in 0..nx {
                        joined[(k * ny + j) * nx + i] = values.next().unwrap();
                    }
                }
            }
        }
        joined
    }

    #[test]
    fn parts_are_the_whole_to_the_bit() {
        let image = image();
        let target = target_grid(image.geometry(), [1.0, 0.8, 1.5], Convention::Monai).unwrap();
        let parts = LinearParts::between(image.geometry(), &target).unwrap();
        let whole = resample(&image, &target, &ResampleOptions::monai()).unwrap();
        assert_eq!(in_boxes(&parts.unwrap(), &image), whole.data());

        let size = [9, 12, 30];
        let options = NnUnetOptions {
            interpolation: Interpolation::Linear,
            separate: SeparateAxis::Never,
            ..NnUnetOptions::default()
        };
        let whole = resample_nnunet(&image, size, [1.0; 3], &options).unwrap();
        let parts = LinearParts::nnunet([11, 9, 13], size, None).unwrap();
        assert_eq!(in_boxes(&parts, &image), whole.data());
    }

    #[test]
    fn boxes_that_are_not_there_are_errors() {
        let parts = LinearParts::nnunet([4, 4, 4], [8, 8, 8], None).unwrap();
        assert_eq!(parts.seen(0, 6..20), 2..4);
        for (axis, target) in [(0, 8..9), (3, 0..1), (usize::MAX, 0..1), (1, 0..0)] {
            assert_eq!(parts.seen(axis, target), 0..0);
        }
        let (whole, source) = ([0..4, 0..4, 0..4], vec![1.0; 64]);
        let refused = |source_box: IndexBox, target: IndexBox, out: usize| {
            let result = parts.part(&source, &source_box, &mut vec![0.0; out], &target);
            assert!(result.is_err(), "{source_box:?} {target:?}");
        };
        refused(whole.clone(), [0..9, 0..1, 0..1], 9);
        refused(whole.clone(), [8..9, 0..1, 0..1], 1);
        refused(whole.clone(), [0..usize::MAX, 0..1, 0..1], 1);
        refused(whole.clone(), [0..1, 0..1, 0..1], 2);
        refused(whole.clone(), [0..usize::MAX, 0..usize::MAX, 0..2], 0);
        refused([0..2, 0..4, 0..8], [7..8, 0..1, 0..1], 1);
        refused([0..usize::MAX, 0..usize::MAX, 0..1], [0..1, 0..1, 0..1], 1);
        let nothing = [5..5, 0..1, 0..1];
        parts.part(&source, &whole, &mut [], &nothing).unwrap();

        let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
        let other = Geometry::axis_aligned([3, 4, 4], [1.0; 3]).unwrap();
        let empty = Geometry::axis_aligned([4, 4, 0], [1.0; 3]);
        assert!(parts.whole(&Volume::filled(other, 0.0)).is_err());
        if let Ok(empty) = empty
            && let Ok(Some(parts)) = LinearParts::between(&grid, &empty)
        {
            assert!(parts.whole(&Volume::filled(grid, 0.0)).is_err());
        }
    }

    #[test]
    fn a_thick_axis_takes_its_nearest_slice_whichever_it_is() {
        let image = image();
        let options = NnUnetOptions {
            interpolation: Interpolation::Linear,
            separate: SeparateAxis::Always,
            ..NnUnetOptions::default()
        };
        let whole = resample_nnunet(&image, [9, 12, 30], [1.0; 3], &options).unwrap();
        let parts = LinearParts::nnunet([11, 9, 13], [9, 12, 30], Some(2)).unwrap();
        assert_eq!(in_boxes(&parts, &image), whole.data());
        let turned = crate::permute(&image, [2, 0, 1]).unwrap();
        let whole = resample_nnunet(&turned, [30, 9, 12], [1.0; 3], &options).unwrap();
        let parts = LinearParts::nnunet([13, 11, 9], [30, 9, 12], Some(0)).unwrap();
        for (a, b) in in_boxes(&parts, &turned).iter().zip(whole.data()) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn sameness_and_boxes_that_see_too_little_are_known() {
        let grid = *image().geometry();
        let parts = LinearParts::between(&grid, &grid).unwrap().unwrap();
        assert!(parts.is_identity());
        let turned = grid.permuted([1, 0, 2]);
        assert!(LinearParts::between(&grid, &turned).unwrap().is_none());
        let parts = LinearParts::nnunet([4, 4, 4], [8, 8, 8], None).unwrap();
        assert!(!parts.is_identity());
        let refused = parts.part(
            &[0.0; 8],
            &[0..2, 0..2, 0..2],
            &mut [0.0; 512],
            &[0..8, 0..8, 0..8],
        );
        assert!(refused.is_err());
    }
}
