//! Numbers on a grid: one contiguous buffer, channels outermost, x fastest.

use crate::{Error, Geometry, Result, Warning, check_memory};
use ndarray::{ArrayView3, ArrayView4, ArrayViewMut3};

/// A number that a voxel may hold.
pub trait Voxel: Copy + Default + PartialOrd + Send + Sync + std::fmt::Debug + 'static {}

impl Voxel for u8 {}
impl Voxel for i8 {}
impl Voxel for u16 {}
impl Voxel for i16 {}
impl Voxel for u32 {}
impl Voxel for i32 {}
impl Voxel for u64 {}
impl Voxel for i64 {}
impl Voxel for f32 {}
impl Voxel for f64 {}

/// An image: one or more channels of numbers that may be interpolated, on one [`Geometry`].
///
/// The buffer is `[channel][z][y][x]`, so its memory is that of a `[C, Z, Y, X]` tensor.
///
/// ```
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([3, 2, 2], [1.0, 1.0, 2.0])?;
/// let volume = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as f32);
/// assert_eq!(volume.get(0, [2, 1, 1]), 112.0);
/// assert_eq!(volume.data()[..6], [0.0, 1.0, 2.0, 10.0, 11.0, 12.0], "x is fastest");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Volume<T = f32> {
    geometry: Geometry,
    channels: usize,
    data: Vec<T>,
    warnings: Vec<Warning>,
}

/// Grid and values; what was decided on reading is not compared.
impl<T: PartialEq> PartialEq for Volume<T> {
    fn eq(&self, other: &Self) -> bool {
        self.geometry == other.geometry
            && self.channels == other.channels
            && self.data == other.data
    }
}

impl<T: Voxel> Volume<T> {
    /// A volume over a buffer of `channels` × voxels values, x fastest, channels outermost.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when the buffer has another length, or no channel.
    ///
    /// ```
    /// use vesalius_volume::{Error, Geometry, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 2, 1], [1.0; 3])?;
    /// let volume = Volume::new(grid, 2, vec![1, 2, 3, 4, 5, 6, 7, 8_i16])?;
    /// assert_eq!(volume.channel(1), [5, 6, 7, 8]);
    /// assert!(matches!(Volume::new(grid, 2, vec![0_i16; 4]), Err(Error::WrongLength { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(geometry: Geometry, channels: usize, data: Vec<T>) -> Result<Self> {
        let expected = geometry.voxel_count().checked_mul(channels);
        if channels == 0 || expected != Some(data.len()) {
            return Err(Error::WrongLength {
                size: geometry.size(),
                channels,
                expected: expected.unwrap_or(usize::MAX),
                found: data.len(),
            });
        }
        Ok(Self {
            geometry,
            channels,
            data,
            warnings: Vec::new(),
        })
    }

    /// A one-channel volume with the same value everywhere. The memory is not checked first: for a grid
    /// that a user chooses, call [`crate::check_memory`] before.
    pub fn filled(geometry: Geometry, value: T) -> Self {
        Self {
            geometry,
            channels: 1,
            data: vec![value; geometry.voxel_count()],
            warnings: Vec::new(),
        }
    }

    /// A one-channel volume from a function of the voxel index `[x, y, z]`.
    pub fn from_fn(geometry: Geometry, mut value: impl FnMut([usize; 3]) -> T) -> Self {
        let data = (0..geometry.voxel_count())
            .map(|i| value(geometry.index(i)))
            .collect();
        Self {
            geometry,
            channels: 1,
            data,
            warnings: Vec::new(),
        }
    }

    /// Several volumes of one grid as the channels of one.
    ///
    /// # Errors
    /// [`Error::GeometryMismatch`] when a grid differs from the first, [`Error::WrongLength`] when
    /// there is none, [`Error::OutOfMemory`] when the machine cannot hold them and the result.
    ///
    /// ```
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3])?;
    /// let (t1, t2) = (Volume::filled(grid, 1.0_f32), Volume::filled(grid, 2.0));
    /// let both = Volume::stack(&[t1, t2])?;
    /// assert_eq!(both.channels(), 2);
    /// assert_eq!(both.get(1, [0, 0, 0]), 2.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stack(parts: &[Self]) -> Result<Self> {
        let Some(first) = parts.first() else {
            return Err(Error::WrongLength {
                size: [0; 3],
                channels: 0,
                expected: 1,
                found: 0,
            });
        };
        for (i, part) in parts.iter().enumerate().skip(1) {
            first
                .geometry
                .check_same(&part.geometry, &format!("channel 0 and channel {i}"))?;
        }
        let channels = parts.iter().map(|part| part.channels).sum();
        let size = first.geometry.size();
        check_memory(
            "the image of all channels",
            size,
            channels,
            size_of::<T>(),
            None,
        )?;
        let mut data = Vec::with_capacity(first.geometry.voxel_count() * channels);
        for part in parts {
            data.extend_from_slice(&part.data);
        }
        let mut warnings: Vec<Warning> = Vec::new();
        for warning in parts.iter().flat_map(|part| &part.warnings) {
            // Channels of one scanner often have equal warnings.
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
        Ok(Self::new(first.geometry, channels, data)?.with_warnings(warnings))
    }

    /// Where the voxels lie.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Number of channels, at least one.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The whole buffer, `[channel][z][y][x]`.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// The whole buffer, to change values in place.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The buffer itself.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// The voxels of one channel, x fastest.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn channel(&self, channel: usize) -> &[T] {
        let n = self.geometry.voxel_count();
        &self.data[channel * n..(channel + 1) * n]
    }

    /// The voxels of one channel, to change in place.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn channel_mut(&mut self, channel: usize) -> &mut [T] {
        let n = self.geometry.voxel_count();
        &mut self.data[channel * n..(channel + 1) * n]
    }

    /// The value of channel `channel` at voxel `[x, y, z]`.
    ///
    /// # Panics
    /// When the index lies outside.
    pub fn get(&self, channel: usize, index: [usize; 3]) -> T {
        self.channel(channel)[self.geometry.offset(index)]
    }

    /// One channel as a C-order array indexed `[z, y, x]`, without a copy.
    ///
    /// # Panics
    /// When there is no such channel.
    ///
    /// ```
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3])?;
    /// let volume = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let view = volume.view_zyx(0);
    /// assert_eq!(view.shape(), [2, 3, 4]);
    /// assert_eq!(view[[1, 2, 3]], 3.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn view_zyx(&self, channel: usize) -> ArrayView3<'_, T> {
        let [x, y, z] = self.geometry.size();
        // The constructor made the buffer channels × voxels long.
        ArrayView3::from_shape((z, y, x), self.channel(channel)).expect("length is z·y·x")
    }

    /// One channel as a mutable C-order array indexed `[z, y, x]`.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn view_zyx_mut(&mut self, channel: usize) -> ArrayViewMut3<'_, T> {
        let [x, y, z] = self.geometry.size();
        // The constructor made the buffer channels × voxels long.
        ArrayViewMut3::from_shape((z, y, x), self.channel_mut(channel)).expect("length is z·y·x")
    }

    /// All channels as a C-order array indexed `[channel, z, y, x]`, without a copy.
    pub fn view_czyx(&self) -> ArrayView4<'_, T> {
        let [x, y, z] = self.geometry.size();
        // The constructor made the buffer channels × voxels long.
        ArrayView4::from_shape((self.channels, z, y, x), &self.data).expect("length is c·z·y·x")
    }

    /// The same grid with every value replaced.
    ///
    /// ```
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let stored = Volume::new(grid, 1, vec![0_i16, 1024])?;
    /// assert_eq!(stored.map(|value| f32::from(value) - 1024.0).data(), [-1024.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<U: Voxel>(&self, value: impl FnMut(T) -> U) -> Volume<U> {
        Volume {
            geometry: self.geometry,
            channels: self.channels,
            data: self.data.iter().copied().map(value).collect(),
            warnings: self.warnings.clone(),
        }
    }

    /// The same values on another grid of the same size: for what changes the position alone.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when the size differs.
    pub fn with_geometry(self, geometry: Geometry) -> Result<Self> {
        let warnings = self.warnings;
        Ok(Self::new(geometry, self.channels, self.data)?.with_warnings(warnings))
    }

    /// What was decided where the file was ambiguous or wrong, in the order in which it was found.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The same volume with these warnings added.
    #[must_use]
    pub fn with_warnings(mut self, warnings: impl IntoIterator<Item = Warning>) -> Self {
        self.warnings.extend(warnings);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_share_the_memory_of_the_buffer() {
        let g = Geometry::axis_aligned([3, 2, 4], [1.0; 3]).unwrap();
        let v = Volume::from_fn(g, |[x, y, z]| (100 * z + 10 * y + x) as f32);
        assert_eq!(v.view_zyx(0)[[3, 1, 2]], 312.0);
        assert_eq!(v.get(0, [2, 1, 3]), 312.0);
        let two = Volume::stack(&[v.clone(), v.map(|a| -a)]).unwrap();
        assert_eq!(two.view_czyx()[[1, 0, 1, 1]], -11.0);
    }

    #[test]
    fn a_buffer_of_another_length_is_refused() {
        let g = Geometry::axis_aligned([3, 2, 4], [1.0; 3]).unwrap();
        let message = Volume::new(g, 2, vec![0u8; 47]).unwrap_err().to_string();
        assert!(
            message.contains("48") && message.contains("47"),
            "{message}"
        );
        assert!(Volume::<u8>::new(g, 0, vec![]).is_err());
    }
}
