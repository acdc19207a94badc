//! Where windows are cut from: an image in memory, or one that was laid aside in a scratch file.

use crate::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
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

/// An image in a nameless file, gone with this value.
pub(crate) struct ScratchImage {
    file: File,
    size: [usize; 3],
    channels: usize,
}

fn failed(error: std::io::Error) -> Error {
    Error::Scratch {
        reason: error.to_string(),
    }
}

impl ScratchImage {
    /// Lays an image aside in a folder.
    pub fn new(image: &Volume<f32>, folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder).map_err(failed)?;
        let mut writer = BufWriter::with_capacity(1 << 20, &file);
        let mut bytes = Vec::new();
        for values in image.data().chunks(1 << 16) {
            bytes.clear();
            bytes.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
            writer.write_all(&bytes).map_err(failed)?;
        }
        writer.flush().map_err(failed)?;
        drop(writer);
        Ok(Self {
            file,
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
        let mut bytes = vec![0; 4 * target.len()];
        read_at(
            &self.file,
            &mut bytes,
            4 * (channel * voxels + offset) as u64,
        )
        .map_err(failed)?;
        let values = bytes.as_chunks::<4>().0.iter();
        let pairs = target.iter_mut().zip(values);
        pairs.for_each(|(value, &bytes)| *value = f32::from_ne_bytes(bytes));
        Ok(())
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> std::io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        use std::os::windows::fs::FileExt;
        match file.seek_read(&mut bytes[done..], at + done as u64)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => done += count,
        }
    }
    Ok(())
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
