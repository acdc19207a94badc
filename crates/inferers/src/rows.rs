//! Where windows are cut from: an image in memory, or one in a scratch file.

use crate::Result;
use crate::store::Store;
use std::borrow::Cow;
use std::path::Path;
use vesalius_volume::Volume;

/// An image whose rows can be copied from any thread.
pub(crate) trait ImageRows: Sync {
    /// Its size `[x, y, z]`.
    fn size(&self) -> [usize; 3];

    /// Its channels.
    fn channels(&self) -> usize;

    /// Copies voxels of a channel from an offset on.
    fn row(&self, channel: usize, offset: usize, target: &mut [f32]) -> Result<()>;
}

impl ImageRows for Volume<f32> {
    fn size(&self) -> [usize; 3] {
        self.geometry().size()
    }

    fn channels(&self) -> usize {
        self.channels()
    }

    fn row(&self, channel: usize, offset: usize, target: &mut [f32]) -> Result<()> {
        target.copy_from_slice(&self.channel(channel)[offset..offset + target.len()]);
        Ok(())
    }
}

impl ImageRows for Cow<'_, Volume<f32>> {
    fn size(&self) -> [usize; 3] {
        ImageRows::size(&**self)
    }

    fn channels(&self) -> usize {
        ImageRows::channels(&**self)
    }

    fn row(&self, channel: usize, offset: usize, target: &mut [f32]) -> Result<()> {
        ImageRows::row(&**self, channel, offset, target)
    }
}

/// An image in a scratch file.
pub(crate) struct ScratchImage {
    values: Store<f32>,
    size: [usize; 3],
    channels: usize,
}

impl ScratchImage {
    /// Writes an image to a scratch file in a folder.
    pub fn new(image: &Volume<f32>, folder: &Path) -> Result<Self> {
        let mut values = Store::new(image.data().len(), Some(folder))?;
        values.write(0, image.data())?;
        Ok(Self {
            values,
            size: image.geometry().size(),
            channels: image.channels(),
        })
    }
}

impl ImageRows for ScratchImage {
    fn size(&self) -> [usize; 3] {
        self.size
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn row(&self, channel: usize, offset: usize, target: &mut [f32]) -> Result<()> {
        let voxels: usize = self.size.iter().product();
        self.values.read(channel * voxels + offset, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_scratch_file_holds_what_memory_held() {
        let grid = Geometry::axis_aligned([7, 5, 3], [1.0; 3]).unwrap();
        let values = (0..210).map(|i| i as f32 * 0.37).collect();
        let image = Volume::new(grid, 2, values).unwrap();
        let scratch = ScratchImage::new(&image, &std::env::temp_dir()).unwrap();
        assert_eq!((scratch.size(), scratch.channels()), ([7, 5, 3], 2));
        let (mut a, mut b) = ([0.0; 9], [0.0; 9]);
        for (channel, offset) in [(0, 0), (1, 96), (1, 13)] {
            image.row(channel, offset, &mut a).unwrap();
            scratch.row(channel, offset, &mut b).unwrap();
            assert_eq!(a, b);
        }
        let gone = Path::new("/no/such/folder");
        assert!(ScratchImage::new(&image, gone).is_err());
    }
}
