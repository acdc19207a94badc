//! Volumes and label maps from `ndarray` arrays and back, without a copy where the layout allows.
//!
//! The name gives the order of the indices: `zyx` as in tensors and SimpleITK's arrays, `xyz` as in nibabel.
//! In memory x is always fastest, so an array in C order goes in by `from_zyx`, and one in Fortran order by `from_xyz`,
//! without a copy.

use crate::{Error, Geometry, Label, LabelMap, Result, Volume, Voxel};
use ndarray::{Array, Array3, Array4, ArrayView3, Dimension};

impl<T: Voxel> Volume<T> {
    /// A volume of one channel from an array indexed `[z, y, x]`. The array's memory is taken over where it is in C
    /// order.
    ///
    /// ```
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let array = ndarray::Array3::from_shape_fn((4, 3, 2), |(z, y, x)| (100 * z + 10 * y + x) as f32);
    /// let geometry = Geometry::axis_aligned([2, 3, 4], [0.8, 0.8, 2.5])?.with_origin([-90.0, -120.0, 40.0])?;
    /// let volume = Volume::from_zyx(array, geometry)?;
    /// assert_eq!(volume.get(0, [1, 2, 3]), 321.0);
    /// assert_eq!(volume.view_zyx(0)[[3, 2, 1]], 321.0);
    /// # Ok::<(), vesalius_volume::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WrongShape`] for an array of another shape than the grid.
    pub fn from_zyx(array: Array3<T>, geometry: Geometry) -> Result<Self> {
        let [x, y, z] = geometry.size();
        check_shape("zyx", &[z, y, x], array.shape())?;
        Self::new(geometry, 1, c_order(array))
    }

    /// A volume of one channel from an array indexed `[x, y, z]`, as nibabel gives it. The array's memory is taken
    /// over where it is in Fortran order.
    ///
    /// # Errors
    /// As [`Volume::from_zyx`].
    ///
    /// ```
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let array = ndarray::Array3::from_shape_fn((2, 3, 4), |(x, y, z)| (100 * x + 10 * y + z) as i16);
    /// let volume = Volume::from_xyz(array, Geometry::axis_aligned([2, 3, 4], [1.0, 1.0, 3.0])?)?;
    /// assert_eq!(volume.get(0, [1, 2, 3]), 123);
    /// assert_eq!(volume.view_xyz(0)[[1, 2, 3]], 123);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_xyz(array: Array3<T>, geometry: Geometry) -> Result<Self> {
        check_shape("xyz", &geometry.size(), array.shape())?;
        Self::new(geometry, 1, c_order(array.reversed_axes()))
    }

    /// A volume from an array indexed `[channel, z, y, x]`. The array's memory is taken over where it is in C order.
    ///
    /// # Errors
    /// As [`Volume::from_zyx`]; [`Error::WrongLength`] for an array without a channel.
    ///
    /// ```
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// // Two channels, 4 slices, 3 rows, 2 columns.
    /// let array = ndarray::Array4::from_shape_fn((2, 4, 3, 2), |(c, _, _, x)| (10 * c + x) as f32);
    /// let volume = Volume::from_czyx(array, Geometry::axis_aligned([2, 3, 4], [1.0; 3])?)?;
    /// assert_eq!(volume.channels(), 2);
    /// assert_eq!(volume.get(1, [1, 0, 0]), 11.0);
    /// assert_eq!(volume.into_czyx().dim(), (2, 4, 3, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_czyx(array: Array4<T>, geometry: Geometry) -> Result<Self> {
        let [x, y, z] = geometry.size();
        let channels = array.shape()[0];
        check_shape("czyx", &[channels, z, y, x], array.shape())?;
        Self::new(geometry, channels, c_order(array))
    }

    /// One channel as an array indexed `[x, y, z]` (Fortran order), without a copy.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn view_xyz(&self, channel: usize) -> ArrayView3<'_, T> {
        self.view_zyx(channel).reversed_axes()
    }

    /// All channels as an array indexed `[channel, z, y, x]`, without a copy.
    pub fn into_czyx(self) -> Array4<T> {
        let ([x, y, z], channels) = (self.geometry().size(), self.channels());
        // The constructor made the buffer channels × voxels long.
        Array::from_shape_vec((channels, z, y, x), self.into_data()).expect("length is c·z·y·x")
    }
}

impl<T: Label> LabelMap<T> {
    /// A label map from an array indexed `[z, y, x]`. The array's memory is taken over where it is in C order.
    ///
    /// # Errors
    /// [`Error::WrongShape`] for an array of another shape than the grid.
    ///
    /// ```
    /// use vesalius_volume::{Error, Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([2, 3, 4], [1.0; 3])?;
    /// let labels = LabelMap::from_zyx(ndarray::Array3::<u16>::ones((4, 3, 2)), grid)?;
    /// assert_eq!(labels.counts()[&1], 24);
    ///
    /// // An array in nibabel's order has the shape (x, y, z).
    /// let refused = LabelMap::from_zyx(ndarray::Array3::<u16>::ones((2, 3, 4)), grid);
    /// assert!(matches!(refused, Err(Error::WrongShape { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_zyx(array: Array3<T>, geometry: Geometry) -> Result<Self> {
        let [x, y, z] = geometry.size();
        check_shape("zyx", &[z, y, x], array.shape())?;
        Self::new(geometry, c_order(array))
    }

    /// A label map from an array indexed `[x, y, z]`, as nibabel gives it. The array's memory is taken over where it
    /// is in Fortran order.
    ///
    /// # Errors
    /// As [`LabelMap::from_zyx`].
    pub fn from_xyz(array: Array3<T>, geometry: Geometry) -> Result<Self> {
        check_shape("xyz", &geometry.size(), array.shape())?;
        Self::new(geometry, c_order(array.reversed_axes()))
    }

    /// The labels as an array indexed `[x, y, z]` (Fortran order), without a copy.
    pub fn view_xyz(&self) -> ArrayView3<'_, T> {
        self.view_zyx().reversed_axes()
    }

    /// The labels as an array indexed `[z, y, x]`, without a copy.
    pub fn into_zyx(self) -> Array3<T> {
        let [x, y, z] = self.geometry().size();
        // The constructor made the buffer as long as there are voxels.
        Array::from_shape_vec((z, y, x), self.into_data()).expect("length is z·y·x")
    }
}

fn check_shape(order: &'static str, expected: &[usize], found: &[usize]) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::WrongShape {
        order,
        expected: expected.to_vec(),
        found: found.to_vec(),
    })
}

/// The values in C order: the array's own memory where it holds just these in that order, else a copy.
fn c_order<T: Copy, D: Dimension>(array: Array<T, D>) -> Vec<T> {
    if !array.is_standard_layout() {
        return array.iter().copied().collect();
    }
    let count = array.len();
    match array.into_raw_vec_and_offset() {
        (data, None | Some(0)) if data.len() == count => data,
        // A slice of a larger array.
        (data, offset) => data[offset.unwrap_or(0)..][..count].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, ShapeBuilder, Slice};

    fn grid() -> Geometry {
        Geometry::axis_aligned([2, 3, 4], [1.0; 3]).unwrap()
    }

    fn value(x: usize, y: usize, z: usize) -> u16 {
        (100 * z + 10 * y + x) as u16
    }

    #[test]
    fn both_orders_give_the_same_volume() {
        let zyx = Array3::from_shape_fn((4, 3, 2), |(z, y, x)| value(x, y, z));
        let xyz = Array3::from_shape_fn((2, 3, 4), |(x, y, z)| value(x, y, z));
        let fortran = Array3::from_shape_fn((2, 3, 4).f(), |(x, y, z)| value(x, y, z));
        let expected = Volume::from_fn(grid(), |[x, y, z]| value(x, y, z));
        let labels = LabelMap::from_fn(grid(), |[x, y, z]| value(x, y, z));
        assert_eq!(Volume::from_zyx(zyx.clone(), grid()).unwrap(), expected);
        assert_eq!(LabelMap::from_zyx(zyx.clone(), grid()).unwrap(), labels);
        for array in [xyz, fortran] {
            let volume = Volume::from_xyz(array.clone(), grid()).unwrap();
            assert_eq!(volume, expected);
            assert_eq!(volume.view_xyz(0), array);
            let read = LabelMap::from_xyz(array.clone(), grid()).unwrap();
            assert_eq!(read, labels);
            assert_eq!(read.view_xyz(), array);
        }
        assert_eq!(labels.into_zyx(), zyx);
        let four = zyx.insert_axis(Axis(0));
        let volume = Volume::from_czyx(four.clone(), grid()).unwrap();
        assert_eq!(volume, expected);
        assert_eq!(volume.into_czyx(), four);
    }

    #[test]
    fn memory_is_taken_over_where_the_layout_allows() {
        let c = Array3::<f32>::zeros((4, 3, 2));
        let at = c.as_ptr();
        assert_eq!(Volume::from_zyx(c, grid()).unwrap().data().as_ptr(), at);
        let fortran = Array3::<f32>::zeros((2, 3, 4).f());
        let at = fortran.as_ptr();
        let volume = Volume::from_xyz(fortran, grid()).unwrap();
        assert_eq!(volume.data().as_ptr(), at);
        assert_eq!(volume.into_czyx().as_ptr(), at);
    }

    #[test]
    fn a_part_of_a_larger_array_is_copied() {
        let mut part = Array3::from_shape_fn((6, 3, 2), |(z, y, x)| value(x, y, z));
        part.slice_axis_inplace(Axis(0), Slice::from(1..5));
        let volume = Volume::from_zyx(part, grid()).unwrap();
        assert_eq!(volume.get(0, [1, 2, 3]), value(1, 2, 4));
        assert_eq!(volume.data().len(), 24);
    }

    #[test]
    fn another_shape_is_refused_with_the_order_that_fits() {
        let xyz = Array3::<u8>::zeros((2, 3, 4));
        let message = Volume::from_zyx(xyz, grid()).unwrap_err().to_string();
        assert!(
            message.contains("[4, 3, 2]") && message.contains("from_xyz"),
            "{message}"
        );
        let zyx = Array3::<u8>::zeros((4, 3, 2));
        let message = LabelMap::from_xyz(zyx, grid()).unwrap_err().to_string();
        assert!(message.contains("from_zyx"), "{message}");
        let other = Array4::<u8>::zeros((0, 4, 3, 2));
        assert!(Volume::from_czyx(other, grid()).is_err());
    }
}
