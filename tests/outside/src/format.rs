//! An image format: `CUBE`, the number of voxels along each axis in one byte, and as many bytes of voxels of 1 mm.

use serde::Deserialize;
use std::io::{Read, Write};
use std::path::Path;
use vesalius::io::{FormatError, FormatImage, FormatSource, ImageFormat};
use vesalius::prelude::*;

/// The format.
#[derive(Deserialize)]
pub struct Cube;

impl ImageFormat for Cube {
    fn name(&self) -> &str {
        "Cube"
    }

    fn endings(&self) -> &[&str] {
        &[".cube"]
    }

    fn recognises(&self, head: &[u8], _: &Path) -> bool {
        head.starts_with(b"CUBE")
    }

    fn read(&self, source: &FormatSource) -> Result<FormatImage, FormatError> {
        let mut file = source.open()?;
        let mut head = [0; 5];
        file.read_exact(&mut head)?;
        let size = [usize::from(head[4]); 3];
        source.admit::<u8>(size, 1)?;
        let mut voxels = vec![0; size.iter().product()];
        file.read_exact(&mut voxels)?;
        let grid = Geometry::axis_aligned(size, [1.0; 3])?;
        Ok(FormatImage::new(&Volume::new(grid, 1, voxels)?))
    }

    fn write(&self, image: &FormatImage, writer: &mut dyn Write) -> Result<(), FormatError> {
        let side = u8::try_from(image.geometry().size()[0])?;
        writer.write_all(b"CUBE")?;
        writer.write_all(&[side])?;
        writer.write_all(image.volume::<u8>()?.data())?;
        Ok(())
    }
}
