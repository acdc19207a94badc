//! Exact operations between grids: values are copied, never interpolated.
//!
//! They take a [`Volume`] or a [`LabelMap`] through [`OnGrid`]; interpolation is in `resample`.

mod crop;
mod reorder;

pub use crop::{Bounds, PadMode, bounding_box, bounding_box_where, crop, crop_or_pad};
pub use reorder::{flip, orient, permute};
pub(crate) use reorder::{permute_within, permuted};

use vesalius_volume::Volume;
use vesalius_volume::{Geometry, Label, LabelMap, Voxel};

/// Something with a value in each voxel of a grid: a [`Volume`] or a [`LabelMap`].
pub trait OnGrid: Sized + Sync {
    /// What a voxel holds.
    type Value: Voxel;
    /// Where the voxels lie.
    fn grid(&self) -> &Geometry;
    /// Number of channels; one for labels.
    fn channel_count(&self) -> usize;
    /// The whole buffer, channels outermost, x fastest.
    fn values(&self) -> &[Self::Value];
    /// A value of the same type with as many channels, on another grid.
    ///
    /// # Errors
    /// [`vesalius_volume::Error::WrongLength`] when the buffer does not fit the grid.
    fn rebuild(&self, grid: Geometry, values: Vec<Self::Value>) -> vesalius_volume::Result<Self>;
}

impl<T: Voxel> OnGrid for Volume<T> {
    type Value = T;
    fn grid(&self) -> &Geometry {
        self.geometry()
    }
    fn channel_count(&self) -> usize {
        self.channels()
    }
    fn values(&self) -> &[T] {
        self.data()
    }
    fn rebuild(&self, grid: Geometry, values: Vec<T>) -> vesalius_volume::Result<Self> {
        Volume::new(grid, self.channels(), values)
    }
}

impl<T: Label> OnGrid for LabelMap<T> {
    type Value = T;
    fn grid(&self) -> &Geometry {
        self.geometry()
    }
    fn channel_count(&self) -> usize {
        1
    }
    fn values(&self) -> &[T] {
        self.data()
    }
    fn rebuild(&self, grid: Geometry, values: Vec<T>) -> vesalius_volume::Result<Self> {
        LabelMap::new(grid, values)
    }
}
