//! An opened image: its header read, its voxels still in the file, to be read whole or in part.

use crate::decode::decode;
use crate::layout::{Packing, Parsed};
use crate::{
    Error, Extension, FileVoxel, Format, FourthAxis, ImageInfo, Layout, ReadOptions, Result,
    format, gzip, nifti,
};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use vesalius_volume::Volume;

/// An image file whose header has been read.
#[derive(Debug, Clone)]
pub struct ImageFile {
    parsed: Parsed,
    options: ReadOptions,
}

/// Opens an image of any readable format, by its content.
///
/// # Errors
/// [`Error::Read`], [`Error::NotAnImage`] and what the format's header may have wrong.
pub fn open(path: impl AsRef<Path>) -> Result<ImageFile> {
    open_with(path, &ReadOptions::default())
}

/// As [`open`], with options.
///
/// # Errors
/// As [`open`].
pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<ImageFile> {
    Ok(ImageFile {
        parsed: parse(path.as_ref(), options)?,
        options: options.clone(),
    })
}

fn parse(path: &Path, options: &ReadOptions) -> Result<Parsed> {
    let head = format::head(path)?;
    match format::detect(&head.bytes) {
        Some(Format::Nifti1 | Format::Nifti2) => nifti::parse(path, head.gzip, options),
        _ => match nifti::header_beside(path) {
            Some((header, gzip)) => nifti::parse(&header, gzip, options),
            None => Err(Error::NotAnImage {
                path: path.to_owned(),
                found: format::nature(&head),
            }),
        },
    }
}

impl ImageFile {
    /// What the header says.
    pub fn info(&self) -> &ImageInfo {
        &self.parsed.info
    }

    /// NIfTI's header extensions; give them to [`crate::WriteOptions::extensions`] to keep them.
    pub fn extensions(&self) -> &[Extension] {
        &self.parsed.extensions
    }

    /// All voxels, scaled as the header says, exact in `T` (floating types take the nearest).
    ///
    /// # Errors
    /// [`Error::FourthAxis`], [`Error::TooLarge`], [`Error::Truncated`], [`Error::Compression`], and
    /// [`Error::Value`] when `T` is an integer type that a value does not fit.
    pub fn read<T: FileVoxel>(&self) -> Result<Volume<T>> {
        self.refuse_fourth_axis()?;
        let (path, layout) = (self.path(), &self.parsed.layout);
        layout.check_memory::<T>(path, self.options.max_bytes)?;
        let data = match layout.packing {
            Packing::Raw => decode(path, &read_bytes(layout)?, layout)?,
            Packing::Gzip => {
                let bytes = gzip::inflate_file(&layout.file, layout.skip + layout.bytes())?;
                // The stream begins with `skip` bytes of header.
                decode(path, &bytes[layout.skip as usize..], layout)?
            }
        };
        Volume::new(self.parsed.info.geometry, layout.channels, data)
            .map_err(|source| Error::volume(path, source))
    }

    fn path(&self) -> &Path {
        &self.parsed.info.path
    }

    fn refuse_fourth_axis(&self) -> Result<()> {
        match (&self.parsed.fourth_axis, self.options.fourth_axis) {
            (Some(axes), FourthAxis::Refuse) => Err(Error::FourthAxis {
                path: self.path().to_owned(),
                axes: axes.clone(),
                extent: self.parsed.extent.clone(),
            }),
            _ => Ok(()),
        }
    }
}

fn read_bytes(layout: &Layout) -> Result<Vec<u8>> {
    use std::io::{Seek, SeekFrom};
    let fail = |source| Error::read(&layout.file, source);
    let mut file = File::open(&layout.file).map_err(fail)?;
    file.seek(SeekFrom::Start(layout.start)).map_err(fail)?;
    let mut bytes = Vec::with_capacity(layout.bytes() as usize);
    file.take(layout.bytes())
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if (bytes.len() as u64) < layout.bytes() {
        return Err(Error::Truncated {
            path: layout.file.clone(),
            what: "header and voxels".to_owned(),
            expected: layout.start + layout.bytes(),
            offset: layout.start + bytes.len() as u64,
        });
    }
    Ok(bytes)
}
