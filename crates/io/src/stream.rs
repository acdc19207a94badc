//! Images in memory and in streams, in and out: the same formats, checks, warnings and errors as for files,
//! with `<memory>` or a given name in place of the path. Formats of several files are read and written by path.

use crate::encode::Source;
use crate::format::{self, Target};
use crate::image::open_place;
use crate::label_values::labels_at;
use crate::picture::{picture_at, picture_into};
use crate::place::{BESIDE, Place};
use crate::read::{image_at, info_at};
use crate::sink::Sink;
use crate::write::{labels_into, write_values};
use crate::{
    Error, FileVoxel, Format, ImageFile, ImageInfo, NiftiVersion, PictureKind, ReadOptions, Result,
    WriteOptions, custom, neighbours,
};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use vesalius_volume::{Geometry, Label, LabelMap, Volume, check_memory};

/// The name in errors in place of a file.
const MEMORY: &str = "<memory>";

/// The bytes of one image file: NIfTI (`.nii`, `.nii.gz`), MetaImage (`.mha`), NRRD (`.nrrd`), DICOM, or a
/// picture. Their content decides the format.
///
/// ```
/// use vesalius_io::{Format, ImageBytes, ReadOptions, WriteOptions, to_bytes};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [1.0, 1.0, 2.5])?;
/// let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z) as i16);
/// let bytes = to_bytes(&image, Format::Nrrd, &WriteOptions::default())?;
/// let file = ImageBytes::new(bytes).named("upload.nrrd");
/// let options = ReadOptions::default();
/// assert_eq!(file.probe(&options)?.format, Format::Nrrd);
/// assert_eq!(file.read_as::<i16>(&options)?, image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageBytes {
    place: Place,
    format: Option<Format>,
}

impl ImageBytes {
    /// Bytes in memory; a `Vec<u8>` is taken as it is, a slice is copied.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            place: Place::in_memory(MEMORY, bytes.into()),
            format: None,
        }
    }

    /// All bytes of a stream from its position to its end.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a stream that is longer than `options.max_bytes` and a header;
    /// [`Error::Volume`] for one that does not fit into memory; [`Error::Read`].
    pub fn from_reader(mut reader: impl Read + Seek, options: &ReadOptions) -> Result<Self> {
        let path = Path::new(MEMORY);
        let mut length = || {
            let start = reader.stream_position()?;
            let end = reader.seek(SeekFrom::End(0))?;
            reader.seek(SeekFrom::Start(start))?;
            Ok(end.saturating_sub(start))
        };
        let length = length().map_err(|source| Error::read(path, source))?;
        let limit = options.max_bytes.saturating_add(BESIDE);
        if length > limit {
            return Err(Error::TooLarge {
                path: path.to_owned(),
                needed: length,
                limit,
            });
        }
        // A length beyond what an address holds does not fit either.
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        check_memory("the stream", [size, 1, 1], 1, 1, None)
            .map_err(|source| Error::volume(path, source))?;
        let mut bytes = Vec::with_capacity(size);
        let read = reader.take(length).read_to_end(&mut bytes);
        read.map_err(|source| Error::read(path, source))?;
        Ok(Self::new(bytes))
    }

    /// A name for errors, warnings and [`ImageInfo::path`] in place of `<memory>`.
    #[must_use]
    pub fn named(mut self, name: impl Into<PathBuf>) -> Self {
        self.place = self.place.named(name);
        self
    }

    /// The format that the bytes must have; without it they may have any. Either version means both
    /// versions of NIfTI.
    ///
    /// ```
    /// use vesalius_io::{Error, Format, ImageBytes, ReadOptions, WriteOptions, to_bytes};
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let image = Volume::filled(Geometry::axis_aligned([2, 2, 2], [1.0; 3])?, 0_u8);
    /// let bytes = to_bytes(&image, Format::MetaImage, &WriteOptions::default())?;
    /// // A service that takes NIfTI only.
    /// let upload = ImageBytes::new(bytes).format(Format::Nifti1);
    /// assert!(matches!(upload.read(&ReadOptions::default()), Err(Error::Header { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Reads the header, to read the voxels whole or in part; not for DICOM.
    ///
    /// # Errors
    /// As [`crate::open_with`]; [`Error::Header`] for bytes of another format than required;
    /// [`Error::Unsupported`] for a header whose voxels are in a separate file (`.hdr`, `.mhd`, `.nhdr`).
    pub fn open(&self, options: &ReadOptions) -> Result<ImageFile> {
        open_place(self.checked(options)?, options)
    }

    /// The header's content.
    ///
    /// # Errors
    /// As [`ImageBytes::open`].
    pub fn probe(&self, options: &ReadOptions) -> Result<ImageInfo> {
        info_at(self.checked(options)?, options)
    }

    /// The image as real numbers.
    ///
    /// # Errors
    /// As [`crate::read_as_with`] and [`ImageBytes::open`].
    pub fn read(&self, options: &ReadOptions) -> Result<Volume<f32>> {
        self.read_as(options)
    }

    /// The image as numbers of type `T`.
    ///
    /// # Errors
    /// As [`ImageBytes::read`].
    pub fn read_as<T: FileVoxel>(&self, options: &ReadOptions) -> Result<Volume<T>> {
        image_at(self.checked(options)?, options)
    }

    /// The label map.
    ///
    /// # Errors
    /// As [`crate::read_labels_with`] and [`ImageBytes::open`].
    pub fn read_labels<T: Label + FileVoxel>(&self, options: &ReadOptions) -> Result<LabelMap<T>> {
        labels_at(self.checked(options)?, options)
    }

    /// The picture, as [`crate::read_picture`]; the slices of a stack lie 1 mm apart, as there is no second file
    /// with the spacing.
    ///
    /// # Errors
    /// As [`crate::read_picture_with`].
    pub fn read_picture(&self, options: &ReadOptions) -> Result<Volume<f32>> {
        picture_at(&self.place, options)
    }

    /// The place, after a check of the required format.
    fn checked(&self, options: &ReadOptions) -> Result<&Place> {
        let Some(expected) = self.format else {
            return Ok(&self.place);
        };
        let own = custom::of_content(&self.place, &options.registry)?;
        if own.is_some() && expected == Format::Custom {
            return Ok(&self.place);
        }
        let head = format::head(&self.place)?;
        let found = format::detect(&head.bytes);
        let both = |format| matches!(format, Format::Nifti1 | Format::Nifti2);
        match found {
            Some(found) if found == expected || both(found) && both(expected) => Ok(&self.place),
            _ => Err(Error::header(
                self.place.path(),
                "the format",
                found.map_or_else(|| neighbours::nature(&head), |format| format.to_string()),
                format!("{expected}, which was asked for"),
            )),
        }
    }
}

/// Reads an image from the bytes of its file as real numbers; the content decides the format. The bytes are
/// copied once: [`ImageBytes`] takes them over.
///
/// # Errors
/// As [`ImageBytes::read`].
///
/// ```
/// use vesalius_io::{Format, ReadOptions, WriteOptions, read_bytes, to_bytes};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, ..]| x as f32);
/// let bytes = to_bytes(&image, Format::Nifti1, &WriteOptions::default())?;
/// assert_eq!(read_bytes(&bytes, &ReadOptions::default())?, image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Volume<f32>> {
    ImageBytes::new(bytes).read(options)
}

/// As [`read_bytes`], a label map.
///
/// # Errors
/// As [`ImageBytes::read_labels`].
///
/// ```
/// use vesalius_io::{Format, ReadOptions, WriteOptions, labels_to_bytes, read_labels_bytes};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let labels = LabelMap::<u16>::new(Geometry::axis_aligned([3, 1, 1], [1.0; 3])?, vec![0, 1, 2])?;
/// let bytes = labels_to_bytes(&labels, Format::Nifti1, &WriteOptions::default())?;
/// assert_eq!(read_labels_bytes(&bytes, &ReadOptions::default())?, labels);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_labels_bytes(bytes: &[u8], options: &ReadOptions) -> Result<LabelMap> {
    ImageBytes::new(bytes).read_labels(options)
}

/// Reads an image from a stream, from its position to its end, as real numbers.
///
/// # Errors
/// As [`ImageBytes::from_reader`] and [`ImageBytes::read`].
///
/// ```
/// use std::io::Cursor;
/// use vesalius_io::{Format, ReadOptions, WriteOptions, read_from, write_to};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, ..]| x as f32);
/// let mut stream = Cursor::new(Vec::new());
/// write_to(&image, Format::MetaImage, &mut stream, &WriteOptions::default())?;
/// stream.set_position(0);
/// assert_eq!(read_from(&mut stream, &ReadOptions::default())?, image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_from(reader: impl Read + Seek, options: &ReadOptions) -> Result<Volume<f32>> {
    ImageBytes::from_reader(reader, options)?.read(options)
}

/// As [`read_from`], a label map.
///
/// # Errors
/// As [`ImageBytes::from_reader`] and [`ImageBytes::read_labels`].
pub fn read_labels_from(reader: impl Read + Seek, options: &ReadOptions) -> Result<LabelMap> {
    ImageBytes::from_reader(reader, options)?.read_labels(options)
}

/// Writes an image into a stream, as one file of the format: NIfTI and NRRD with gzip and MetaImage with zlib
/// where [`WriteOptions::compress`] is set. A stream that fails has taken a part of the file.
///
/// # Errors
/// As [`crate::write_with`]; [`Error::Unsupported`] for DICOM, which is not written.
pub fn write_to<T: FileVoxel>(
    volume: &Volume<T>,
    format: Format,
    mut writer: impl Write,
    options: &WriteOptions,
) -> Result<()> {
    let (target, options) = target(format, options)?;
    let grid = (volume.geometry(), volume.channels());
    let source = Source::Memory(volume.data());
    write_values(&mut sink(&mut writer), Some(target), grid, source, &options)
}

/// As [`write_to`], a label map in the smallest unsigned type that holds its labels.
///
/// # Errors
/// As [`write_to`].
pub fn write_labels_to<T: Label + FileVoxel>(
    labels: &LabelMap<T>,
    format: Format,
    mut writer: impl Write,
    options: &WriteOptions,
) -> Result<()> {
    let (target, options) = target(format, options)?;
    labels_into(&mut sink(&mut writer), Some(target), labels, &options)
}

/// The bytes of the file that [`write_to`] writes.
///
/// # Errors
/// As [`write_to`].
pub fn to_bytes<T: FileVoxel>(
    volume: &Volume<T>,
    format: Format,
    options: &WriteOptions,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_to(volume, format, &mut bytes, options)?;
    Ok(bytes)
}

/// The bytes of the file that [`write_labels_to`] writes.
///
/// # Errors
/// As [`write_labels_to`].
pub fn labels_to_bytes<T: Label + FileVoxel>(
    labels: &LabelMap<T>,
    format: Format,
    options: &WriteOptions,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_labels_to(labels, format, &mut bytes, options)?;
    Ok(bytes)
}

/// Writes labels as a grey picture into a stream, as [`crate::write_picture`].
///
/// # Errors
/// As [`crate::write_picture`]; [`Error::Unsupported`] for several slices that do not lie 1 mm apart, as the
/// spacing of a stack is in a separate file.
pub fn write_picture_to(
    grid: &Geometry,
    labels: &[u16],
    kind: PictureKind,
    mut writer: impl Write,
) -> Result<()> {
    if grid.size()[2] > 1 && grid.spacing() != [1.0; 3] {
        return Err(Error::unsupported(
            Path::new(MEMORY),
            format!(
                "a stack of pictures with spacing {:?} mm in one stream",
                grid.spacing()
            ),
            "write it by `write_picture`, which puts the spacing into a file beside it, or as NIfTI",
        ));
    }
    picture_into(&mut sink(&mut writer), kind, grid, labels)
}

/// The bytes of the file that [`write_picture_to`] writes.
///
/// # Errors
/// As [`write_picture_to`].
///
/// ```
/// use vesalius_io::{ImageBytes, PictureKind, ReadOptions, picture_to_bytes};
/// use vesalius_volume::Geometry;
///
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// let bytes = picture_to_bytes(&grid, &[0, 1, 2], PictureKind::Png)?;
/// assert_eq!(bytes[..4], *b"\x89PNG");
/// let picture = ImageBytes::new(bytes).read_picture(&ReadOptions::default())?;
/// assert_eq!(picture.data(), [0.0, 1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn picture_to_bytes(grid: &Geometry, labels: &[u16], kind: PictureKind) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_picture_to(grid, labels, kind, &mut bytes)?;
    Ok(bytes)
}

fn sink(writer: &mut dyn Write) -> Sink<'_> {
    Sink::Stream {
        name: Path::new(MEMORY),
        writer,
    }
}

/// The kind of file for a format and the options.
fn target(format: Format, options: &WriteOptions) -> Result<(Target, WriteOptions)> {
    let mut options = options.clone();
    let target = match format {
        Format::Nifti1 | Format::Nifti2 => {
            options.nifti_version = match format {
                Format::Nifti1 => NiftiVersion::One,
                _ => NiftiVersion::Two,
            };
            Target::Nifti {
                gzip: options.compress,
            }
        }
        Format::MetaImage => Target::MetaImage { detached: false },
        Format::Nrrd => Target::Nrrd { detached: false },
        Format::Mgh => Target::Mgh {
            gzip: options.compress,
        },
        Format::Custom => Target::Custom(custom::only(Path::new(MEMORY), &options.registry)?),
        Format::Dicom | Format::Analyze | Format::Numpy => {
            return Err(Error::unsupported(
                Path::new(MEMORY),
                format!("writing {format}"),
                "choose `Format::Nifti1`, `Format::Nifti2`, `Format::MetaImage`, `Format::Nrrd` or `Format::Mgh`",
            ));
        }
    };
    Ok((target, options))
}
