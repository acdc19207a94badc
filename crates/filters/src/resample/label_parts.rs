//! Slices of a label map on another grid from the box of the source that they depend on.

use super::axis::Axis;
use super::between::{Between, lengths};
use super::kernel::Nearest;
use super::labels::{check, label_points, outside_label};
use super::parts::Parts;
use super::separable::separable_nearest;
use super::window::Window;
use super::{IndexBox, LabelInterpolation, LabelResampleOptions};
use crate::Result;
use crate::buffer;
use crate::work::Work;
use std::ops::Range;
use vesalius_volume::{Geometry, Label};

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
