//! Slices of a result from the box of the source that they depend on, with the same numbers as the whole.

use super::axis::Axis;
use super::between::{Between, lengths};
use super::engine::outside_value;
use super::kernel::{Linear, Nearest};
use super::separable::{separable, separable_nearest};
use super::window::Window;
use super::{IndexBox, Interpolation, ResampleOptions, points};
use crate::buffer;
use crate::scalar::Sample;
use crate::work::Work;
use crate::{Error, Result};
use std::ops::Range;
use vesalius_volume::{Geometry, Voxel};

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

/// The voxels of a box with its axes in another order.
pub(crate) fn turned<T: Voxel>(values: Vec<T>, size: [usize; 3], order: [usize; 3]) -> Vec<T> {
    match order {
        [0, 1, 2] => values,
        _ => crate::grid::permuted(&values, size, order, &Work::unwatched()),
    }
}
