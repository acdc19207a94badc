//! An image a few slices at a time.

use super::ImageFile;
use crate::label_values::as_label;
use crate::source::Source;
use crate::{Error, FileVoxel, Result};
use std::marker::PhantomData;
use vesalius_volume::{Volume, Warning};

/// Some slices of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Slab<T: FileVoxel> {
    /// The first channel of `volume`.
    pub channel: usize,
    /// The first slice of `volume` in the image.
    pub z: usize,
    /// The voxels, on their own geometry.
    pub volume: Volume<T>,
}

/// The slabs of an image, in file order.
pub struct Slabs<'a, T> {
    pub(super) image: &'a ImageFile,
    pub(super) source: Source,
    pub(super) thickness: usize,
    pub(super) channel: usize,
    pub(super) z: usize,
    /// Bytes after the voxels, once all slabs are read.
    pub(super) surplus: u64,
    pub(super) voxel: PhantomData<T>,
}

impl ImageFile {
    /// The same file, whose voxels are labels: real numbers are taken as [`read_labels_with`](crate::read_labels_with)
    /// does, and slabs say of a value that is no label that it is none. A file of several channels has no such labels.
    ///
    /// # Errors
    /// [`Error::LabelChannels`].
    ///
    /// ```
    /// use vesalius_io::{open, write};
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("labels.nii");
    /// let grid = Geometry::axis_aligned([4, 4, 10], [1.0; 3])?;
    /// // A label that was rescaled in single precision.
    /// write(&path, &Volume::from_fn(grid, |[_, _, z]| (z / 5) as f32 * 2.0000002))?;
    ///
    /// let file = open(&path)?.as_labels()?;
    /// let largest = file.slabs::<u16>(4)?.map(|slab| Ok(slab?.volume.data().iter().max().copied()));
    /// let largest: Vec<_> = largest.collect::<Result<_, vesalius_io::Error>>()?;
    /// assert_eq!(largest, [Some(0), Some(2), Some(2)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_labels(mut self) -> Result<Self> {
        let channels = self.parsed.info.channels;
        if channels > 1 {
            return Err(Error::LabelChannels {
                path: self.path().to_owned(),
                channels,
                layers: String::new(),
            });
        }
        self.take_as_whole();
        self.labels = true;
        Ok(self)
    }
}

impl<T: FileVoxel> Slabs<'_, T> {
    /// Reads what is left up to the check sum of a compressed file; the warnings that only reading
    /// finds, such as data after the voxels.
    ///
    /// # Errors
    /// [`Error::Truncated`](crate::Error::Truncated), [`Error::Compression`](crate::Error::Compression), and
    /// [`Error::Warned`](crate::Error::Warned) as the options require.
    pub fn finish(mut self) -> Result<Vec<Warning>> {
        let layout = &self.image.parsed.layout;
        if self.channel < layout.channels {
            self.surplus = self.source.finish(layout, self.image.watch())?;
        }
        let behind = layout.surplus(self.surplus);
        self.image
            .options
            .admit(self.image.path(), behind.as_slice())?;
        Ok(behind.into_iter().collect())
    }
}

impl<T: FileVoxel> Iterator for Slabs<'_, T> {
    type Item = Result<Slab<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        let layout = &self.image.parsed.layout;
        let [x, y, depth] = layout.size;
        let together = if layout.interleaved || self.image.combined().is_some() {
            layout.channels
        } else {
            1
        };
        if self.channel >= layout.channels {
            return None;
        }
        let (channel, z) = (self.channel, self.z);
        let thickness = self.thickness.min(depth - z);
        let channels = channel..channel + together;
        let mut volume =
            self.image
                .region(&mut self.source, channels, [0, 0, z], [x, y, thickness]);
        self.z += thickness;
        if self.z == depth && channel + together >= layout.channels && volume.is_ok() {
            match self.source.finish(layout, self.image.watch()) {
                Ok(surplus) => self.surplus = surplus,
                Err(error) => volume = Err(error),
            }
        }
        if volume.is_err() {
            // A stream that failed is not continued.
            self.channel = layout.channels;
        } else if self.z == depth {
            (self.channel, self.z) = (channel + together, 0);
        }
        if self.image.labels {
            volume = volume.map_err(as_label);
        }
        Some(volume.map(|volume| Slab { channel, z, volume }))
    }
}
