//! Slices of a result from the box of the source that they depend on, with the same numbers as the whole.

use super::axis::Axis;
use super::engine::{IndexMap, outside_value};
use super::kernel::{Linear, Nearest};
use super::labels::{check, label_points, outside_label};
use super::separable::{separable, separable_nearest};
use super::window::Window;
use super::{IndexBox, Interpolation, LabelInterpolation, points};
use super::{LabelResampleOptions, ResampleOptions};
use crate::buffer;
use crate::scalar::Sample;
use crate::work::Work;
use crate::{Error, Result};
use std::ops::Range;
use vesalius_volume::{Affine, Geometry, Label, Voxel};

/// Voxels beside those that a position lies between, for the rounding of positions.
const BESIDE: f64 = 1.0;

/// A result whose slices are made some at a time.
pub(crate) trait Parts<T> {
    /// The map between the grids.
    fn between(&self) -> &Between;
    /// The box of the source, its axes in the map's order, that some slices of the result depend on; `None` where they
    /// find nothing of it.
    fn seen(&self, z: Range<usize>) -> Option<IndexBox>;
    /// The slices, from the voxels of that box.
    fn make(&self, source: &[T], seen: &IndexBox, z: Range<usize>, work: &Work) -> Vec<T>;
    /// As many slices of the value outside.
    fn nothing(&self, slices: usize) -> Vec<T>;
    /// Bytes that a voxel of the source's box takes at most, and one of the result.
    fn bytes(&self) -> [usize; 2];
}

/// Two grids, the axes of the source in the order of the target's where they run along each other.
pub(crate) struct Between {
    map: IndexMap,
    /// The source's axes, in the order in which boxes have them.
    pub order: [usize; 3],
    is_parallel: bool,
    /// Size of the source, in that order.
    source: [usize; 3],
    target: [usize; 3],
}

impl Between {
    fn new(source: &Geometry, target: &Geometry) -> Result<Self> {
        let mut turned = *source;
        let mut order = [0, 1, 2];
        loop {
            let map = IndexMap::new(&turned, target, &Affine::IDENTITY)?;
            let parallel = map.parallel_order();
            match parallel.filter(|&along| along != [0, 1, 2]) {
                Some(along) => {
                    turned = turned.permuted(along);
                    order = along.map(|axis| order[axis]);
                }
                None => {
                    return Ok(Self {
                        map,
                        order,
                        is_parallel: parallel.is_some(),
                        source: turned.size(),
                        target: target.size(),
                    });
                }
            }
        }
    }

    /// The size of some slices of the result.
    fn size(&self, z: &Range<usize>) -> [usize; 3] {
        [self.target[0], self.target[1], z.len()]
    }

    /// Where the voxels of slices from `first` on lie in the source.
    fn positions(&self, first: usize) -> impl Fn([usize; 3]) -> [f64; 3] + Sync + '_ {
        move |[x, y, z]| self.map.position([x, y, z + first])
    }

    /// The box around everything within a reach of the slices' voxels.
    fn around(&self, z: &Range<usize>, reach: [f64; 3]) -> IndexBox {
        let mut ends = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
        // The map is affine, so that everything lies between its values at the corners.
        for corner in 0..8 {
            let last = |axis: usize| self.target[axis] - 1;
            let pick = |axis: usize, low: usize, high: usize| match corner >> axis & 1 {
                0 => low,
                _ => high,
            };
            let index = [
                pick(0, 0, last(0)),
                pick(1, 0, last(1)),
                pick(2, z.start, z.end - 1),
            ];
            for (ends, at) in ends.iter_mut().zip(self.map.position(index)) {
                *ends = [ends[0].min(at), ends[1].max(at)];
            }
        }
        std::array::from_fn(|axis| {
            // Beyond the source its border is found.
            let last = self.source[axis] as f64 - 1.0;
            let [low, high] = ends[axis].map(|at| at.clamp(0.0, last));
            let beside = reach[axis] + BESIDE;
            let high = (high + beside).ceil().min(last) as usize;
            (low - beside).floor().max(0.0) as usize..high + 1
        })
    }

    /// The box that three tables need for some slices.
    fn used<R: crate::scalar::Real, const N: usize>(
        &self,
        axes: &[Axis<R, N>; 3],
        z: &Range<usize>,
    ) -> Option<IndexBox> {
        let used: IndexBox = std::array::from_fn(|axis| match axis {
            2 => axes[2].used_by(z.clone()),
            _ => axes[axis].used(),
        });
        used.iter().all(|range| !range.is_empty()).then_some(used)
    }

    /// The tables of some slices over a box.
    fn parts<R: crate::scalar::Real, const N: usize>(
        &self,
        axes: &[Axis<R, N>; 3],
        seen: &IndexBox,
        z: &Range<usize>,
    ) -> [Axis<R, N>; 3] {
        std::array::from_fn(|axis| {
            let target = match axis {
                2 => z.clone(),
                _ => 0..self.target[axis],
            };
            axes[axis].part(target, seen[axis].clone())
        })
    }
}

fn lengths(part: &IndexBox) -> [usize; 3] {
    std::array::from_fn(|axis| part[axis].len())
}

/// How the voxels of an image are found.
enum Way<R> {
    /// Axis by axis, each a copy of one voxel.
    Copied([Axis<f32, 1>; 3]),
    /// Axis by axis, between two voxels along each.
    Mixed([Axis<R, 2>; 3]),
    /// Point by point.
    Points,
}

/// An image, by its nearest voxels or linear between them.
pub(crate) struct ImageParts<T: Sample> {
    between: Between,
    way: Way<T::Work>,
    options: ResampleOptions,
}

impl<T: Sample> ImageParts<T> {
    /// # Errors
    /// [`Error::NoVoxels`]; [`Error::BadOption`] for an interpolation that depends on every slice.
    pub fn new(source: &Geometry, target: &Geometry, options: ResampleOptions) -> Result<Self> {
        let between = Between::new(source, target)?;
        let nearest = match options.interpolation {
            Interpolation::Nearest => true,
            Interpolation::Linear => false,
            other => {
                return Err(Error::option(
                    "resample by slabs",
                    "interpolation",
                    other,
                    "nearest or linear, or the whole image in memory, as every slice of a spline depends on all others",
                ));
            }
        };
        let map = &between.map;
        let way = match between.is_parallel {
            true if nearest || map.is_whole() => {
                Way::Copied(map.axes::<f32, Nearest, 1>(options.outside))
            }
            true => Way::Mixed(map.axes::<T::Work, Linear, 2>(options.outside)),
            false => Way::Points,
        };
        Ok(Self {
            between,
            way,
            options,
        })
    }

    fn is_nearest(&self) -> bool {
        self.options.interpolation == Interpolation::Nearest
    }
}

impl<T: Sample> Parts<T> for ImageParts<T> {
    fn between(&self) -> &Between {
        &self.between
    }

    fn seen(&self, z: Range<usize>) -> Option<IndexBox> {
        match &self.way {
            Way::Copied(axes) => self.between.used(axes, &z),
            Way::Mixed(axes) => self.between.used(axes, &z),
            Way::Points => Some(self.between.around(&z, [1.0; 3])),
        }
    }

    fn make(&self, source: &[T], seen: &IndexBox, z: Range<usize>, work: &Work) -> Vec<T> {
        let (size, outside) = (self.between.size(&z), self.options.outside);
        let voxels = size.iter().product();
        let position = self.between.positions(z.start);
        if let Way::Copied(axes) = &self.way {
            let axes = self.between.parts(axes, seen, &z);
            let mut out = self.nothing(z.len());
            separable_nearest(source, lengths(seen), &axes, &mut out, size, work);
            return out;
        }
        if self.is_nearest() {
            let mut out = self.nothing(z.len());
            let source = Window::of(source, self.between.source, seen);
            points::nearest(&source, &position, outside, &mut out, size, work);
            return out;
        }
        let converted;
        let source = match T::as_work(source) {
            Some(source) => source,
            None => {
                converted = source.iter().map(|v| v.to_work()).collect::<Vec<_>>();
                &converted[..]
            }
        };
        let mut out = buffer::filled(outside_value::<T::Work>(outside), voxels);
        if let Way::Mixed(axes) = &self.way {
            let axes = self.between.parts(axes, seen, &z);
            separable(source, lengths(seen), &axes, &mut out, size, work);
        } else {
            let source = Window::of(source, self.between.source, seen);
            points::interpolate::<T::Work, Linear, 2>(
                &source, &position, outside, &mut out, size, work,
            );
        }
        T::collect(out)
    }

    fn nothing(&self, slices: usize) -> Vec<T> {
        let [x, y, _] = self.between.target;
        buffer::filled(outside_value::<T>(self.options.outside), x * y * slices)
    }

    fn bytes(&self) -> [usize; 2] {
        let is_copied = self.is_nearest() || T::as_work(&[]).is_some();
        let beside = match is_copied {
            true => 0,
            false => size_of::<T::Work>(),
        };
        [size_of::<T>() + beside; 2]
    }
}

/// A label map.
pub(crate) struct LabelParts<T> {
    between: Between,
    axes: Option<[Axis<f32, 1>; 3]>,
    options: LabelResampleOptions,
    outside: T,
}

impl<T: Label> LabelParts<T> {
    /// # Errors
    /// As [`crate::resample_labels`].
    pub fn new(
        source: &Geometry,
        target: &Geometry,
        options: LabelResampleOptions,
    ) -> Result<Self> {
        let outside = outside_label::<T>(options.outside)?;
        check(&options)?;
        let between = Between::new(source, target)?;
        let mut options = options;
        if let LabelInterpolation::Gaussian { sigma, .. } = &mut options.interpolation {
            *sigma = between.order.map(|axis| sigma[axis]);
        }
        let copied = between.is_parallel && options.interpolation == LabelInterpolation::Nearest;
        let axes = copied.then(|| between.map.axes::<f32, Nearest, 1>(options.outside));
        Ok(Self {
            between,
            axes,
            options,
            outside,
        })
    }
}

impl<T: Label> Parts<T> for LabelParts<T> {
    fn between(&self) -> &Between {
        &self.between
    }

    fn seen(&self, z: Range<usize>) -> Option<IndexBox> {
        let reach = match self.options.interpolation {
            LabelInterpolation::Gaussian { sigma, alpha } => sigma.map(|s| s * alpha + 1.0),
            _ => [1.0; 3],
        };
        match &self.axes {
            Some(axes) => self.between.used(axes, &z),
            None => Some(self.between.around(&z, reach)),
        }
    }

    fn make(&self, source: &[T], seen: &IndexBox, z: Range<usize>, work: &Work) -> Vec<T> {
        let size = self.between.size(&z);
        let mut out = self.nothing(z.len());
        match &self.axes {
            Some(axes) => {
                let axes = self.between.parts(axes, seen, &z);
                separable_nearest(source, lengths(seen), &axes, &mut out, size, work);
            }
            None => {
                let position = self.between.positions(z.start);
                let source = Window::of(source, self.between.source, seen);
                label_points(&source, &position, &self.options, &mut out, size, work);
            }
        }
        out
    }

    fn nothing(&self, slices: usize) -> Vec<T> {
        let [x, y, _] = self.between.target;
        buffer::filled(self.outside, x * y * slices)
    }

    fn bytes(&self) -> [usize; 2] {
        [size_of::<T>(); 2]
    }
}

/// The voxels of a box with its axes in another order.
pub(crate) fn turned<T: Voxel>(values: Vec<T>, size: [usize; 3], order: [usize; 3]) -> Vec<T> {
    match order {
        [0, 1, 2] => values,
        _ => crate::grid::permuted(&values, size, order, &Work::unwatched()),
    }
}
