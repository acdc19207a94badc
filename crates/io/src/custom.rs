//! User-defined image formats: the trait, its registration, and the conversion to and from the same
//! [`crate::ImageFile`] and writers that the built-in formats use.

use crate::decode::decode;
use crate::encode::{Encoder, Source};
use crate::format::{HEAD, file_name};
use crate::layout::{Packing, Parsed, Whole};
use crate::place::{Place, Stream};
use crate::sink::Sink;
use crate::watch::{Watch, cancelled};
use crate::{
    Error, FileVoxel, Format, ImageInfo, LabelName, Layout, ReadOptions, Result, Scaling,
    VoxelType, WriteOptions,
};
use serde_json::Map;
use std::collections::BTreeMap;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;
use vesalius_control::{Cancelled, Control};
use vesalius_registry::Registry;
use vesalius_volume::{Geometry, Volume, Warning, check_memory};

/// The error of a format's own code; an [`enum@Error`], an [`std::io::Error`] and [`Cancelled`] keep their kind.
pub type FormatError = Box<dyn std::error::Error + Send + Sync>;

/// A user-defined image format, for [`ReadOptions::registry`] and [`WriteOptions::registry`].
///
/// ```
/// use std::io::{Read, Write};
/// use vesalius_io::{
///     FormatImage, FormatSource, ImageFormat, ReadOptions, RegisterImageFormat, WriteOptions,
///     read_with, write_with,
/// };
/// use vesalius_registry::Registry;
/// use vesalius_volume::{Geometry, Volume};
///
/// type Error = Box<dyn std::error::Error + Send + Sync>;
///
/// /// `CUBE`, the number of voxels along each axis, and as many bytes; voxels of 1 mm.
/// #[derive(serde::Deserialize)]
/// struct Cube;
///
/// impl ImageFormat for Cube {
///     fn name(&self) -> &str {
///         "Cube"
///     }
///     fn endings(&self) -> &[&str] {
///         &[".cube"]
///     }
///     fn recognises(&self, head: &[u8], _: &std::path::Path) -> bool {
///         head.starts_with(b"CUBE")
///     }
///     fn read(&self, source: &FormatSource) -> Result<FormatImage, Error> {
///         let mut file = source.open()?;
///         let mut head = [0; 5];
///         file.read_exact(&mut head)?;
///         let size = [usize::from(head[4]); 3];
///         source.admit::<u8>(size, 1)?;
///         let mut voxels = vec![0; size.iter().product()];
///         file.read_exact(&mut voxels)?;
///         let image = Volume::new(Geometry::axis_aligned(size, [1.0; 3])?, 1, voxels)?;
///         Ok(FormatImage::new(&image))
///     }
///     fn write(&self, image: &FormatImage, writer: &mut dyn Write) -> Result<(), Error> {
///         let side = u8::try_from(image.geometry().size()[0])?;
///         writer.write_all(b"CUBE")?;
///         writer.write_all(&[side])?;
///         writer.write_all(image.volume::<u8>()?.data())?;
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let mut registry = Registry::default();
/// registry.image_format::<Cube>("cube");
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.cube");
/// let image = Volume::from_fn(Geometry::axis_aligned([3; 3], [1.0; 3])?, |[x, ..]| x as u8);
/// write_with(&path, &image, &WriteOptions::new().registry(registry.clone()))?;
/// let read = read_with(&path, &ReadOptions::new().registry(registry))?;
/// assert_eq!(read, image.map(f32::from));
/// # Ok(())
/// # }
/// ```
pub trait ImageFormat: Send + Sync {
    /// Its name in errors and in the metadata of its images, under `format`.
    fn name(&self) -> &str;

    /// Endings of file names with their dot, in lower case: they decide what is written in this format and
    /// which files of a folder are images.
    fn endings(&self) -> &[&str];

    /// Whether a file that begins with `head` (up to 1024 bytes) and has this name is of the format. Formats of
    /// a registry are tried in the order of their names there, before the built-in ones.
    fn recognises(&self, head: &[u8], name: &Path) -> bool;

    /// Reads the image; headers alone are read by it as well.
    ///
    /// # Errors
    /// The fault of the file; the path and the format's name are added.
    fn read(&self, source: &FormatSource) -> std::result::Result<FormatImage, FormatError>;

    /// Writes an image as one file. Without an implementation the format is read only.
    ///
    /// # Errors
    /// Data that the format cannot hold, or an error of the writer; then no file is made.
    fn write(
        &self,
        image: &FormatImage,
        writer: &mut dyn Write,
    ) -> std::result::Result<(), FormatError> {
        let _ = (image, writer);
        let reason = "this format is not written; choose another ending";
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, reason).into())
    }

    /// Whether [`ImageFormat::write`] keeps [`FormatImage::labels`].
    fn keeps_labels(&self) -> bool {
        false
    }
}

vesalius_registry::registered! {
    /// Adds user-defined image formats to a [`Registry`].
    pub trait RegisterImageFormat {
        /// Registers this format for reading and writing; serde makes it without options.
        fn image_format => ImageFormat, "image format";
    }
}

/// A file, or bytes in memory, that a format reads.
pub struct FormatSource<'a> {
    place: &'a Place,
    options: &'a ReadOptions,
}

impl FormatSource<'_> {
    /// The file, or the name in place of one in memory.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// How many bytes there are.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn length(&self) -> Result<u64> {
        self.place.length()
    }

    /// The bytes from the first one on, buffered.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn open(&self) -> Result<impl Read + use<>> {
        let stream: Stream = self.place.open_at(0)?;
        Ok(BufReader::new(stream))
    }

    /// Refuses an image of so many voxels of type `T` that [`ReadOptions::max_bytes`] or the machine's memory
    /// does not allow; call it before anything is allocated for the size in a header.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Volume`].
    pub fn admit<T: FileVoxel>(&self, size: [usize; 3], channels: usize) -> Result<()> {
        let needed = size
            .iter()
            .chain([&channels])
            .try_fold(T::TYPE.bytes() as u64, |all, &n| all.checked_mul(n as u64));
        let limit = self.options.max_bytes;
        if needed.is_none_or(|needed| needed > limit) {
            return Err(Error::TooLarge {
                path: self.path().to_owned(),
                needed: needed.unwrap_or(u64::MAX),
                limit,
            });
        }
        check_memory("the image", size, channels, T::TYPE.bytes(), None)
            .map_err(|source| Error::volume(self.path(), source))
    }

    /// The handle that cancels and follows the work, for formats that take longer than a second.
    pub fn control(&self) -> Option<&Control> {
        self.options.control.as_ref()
    }

    /// The caller's options.
    pub fn options(&self) -> &ReadOptions {
        self.options
    }
}

/// An image of any number type, between a format and its file.
#[derive(Debug, Clone)]
pub struct FormatImage {
    geometry: Geometry,
    channels: usize,
    voxel_type: VoxelType,
    bytes: Vec<u8>,
    warnings: Vec<Warning>,
    /// Names and colours of labels.
    pub labels: Vec<LabelName>,
    /// Text fields of the header.
    pub metadata: BTreeMap<String, String>,
}

impl FormatImage {
    /// An image that is stored as what it is, with its warnings.
    pub fn new<T: FileVoxel>(volume: &Volume<T>) -> Self {
        let mut bytes = vec![0; std::mem::size_of_val(volume.data())];
        T::store(volume.data(), &mut bytes);
        Self {
            geometry: *volume.geometry(),
            channels: volume.channels(),
            voxel_type: T::TYPE,
            bytes,
            warnings: volume.warnings().to_vec(),
            labels: Vec::new(),
            metadata: BTreeMap::new(),
        }
    }

    /// Where the voxels lie.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The type of the stored values.
    pub fn voxel_type(&self) -> VoxelType {
        self.voxel_type
    }

    /// The stored values: little-endian, x fastest, channels outermost.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The voxels as numbers of type `T`.
    ///
    /// # Errors
    /// [`Error::Value`] where `T` is an integer type that a value does not fit.
    pub fn volume<T: FileVoxel>(&self) -> Result<Volume<T>> {
        let path = Path::new("<image>");
        let data = decode(
            path,
            &self.bytes,
            &self.layout(Vec::new()),
            Watch::new(path, None),
        )?;
        Volume::new(self.geometry, self.channels, data)
            .map_err(|source| Error::volume(path, source))
    }

    fn layout(&self, files: Vec<Place>) -> Layout {
        Layout {
            files,
            start: 0,
            packing: Packing::Raw,
            skip: 0,
            voxel_type: self.voxel_type,
            big_endian: false,
            scaling: Scaling::IDENTITY,
            size: self.geometry.size(),
            channels: self.channels,
            interleaved: false,
            order: None,
            open_end: false,
            whole: Whole::Exact,
        }
    }
}

/// The formats of a registry, in the order of their names.
fn formats(path: &Path, registry: &Registry) -> Result<Vec<Arc<dyn ImageFormat>>> {
    let names = registry.names::<dyn ImageFormat>().into_iter();
    let made = names.map(|name| registry.make::<dyn ImageFormat>(name, &Map::new()));
    let made = made.collect::<vesalius_registry::Result<_>>();
    made.map_err(|source| Error::Registry {
        path: path.to_owned(),
        source,
    })
}

/// The registered format that a file's content has.
pub(crate) fn of_content(
    place: &Place,
    registry: &Registry,
) -> Result<Option<Arc<dyn ImageFormat>>> {
    let formats = formats(place.path(), registry)?;
    if formats.is_empty() || place.is_folder() {
        return Ok(None);
    }
    let mut head = Vec::new();
    let read = place.open_at(0)?.take(HEAD).read_to_end(&mut head);
    read.map_err(|source| Error::read(place.path(), source))?;
    let mut formats = formats.into_iter();
    Ok(formats.find(|format| format.recognises(&head, place.path())))
}

/// The registered format of a file's name.
pub(crate) fn of_name(path: &Path, registry: &Registry) -> Result<Option<Arc<dyn ImageFormat>>> {
    let name = file_name(path).to_ascii_lowercase();
    let ends = |ending: &&str| name.len() > ending.len() && name.ends_with(*ending);
    let mut formats = formats(path, registry)?.into_iter();
    Ok(formats.find(|format| format.endings().iter().any(ends)))
}

/// The only registered format.
pub(crate) fn only(path: &Path, registry: &Registry) -> Result<Arc<dyn ImageFormat>> {
    let mut formats = formats(path, registry)?;
    match formats.len() {
        1 => Ok(formats.remove(0)),
        count => Err(Error::unsupported(
            path,
            format!("`Format::Custom` with {count} registered formats"),
            "register exactly one in `WriteOptions::registry`, or write to a path with its ending",
        )),
    }
}

/// Reads a file of a registered format; its voxels are in memory then.
pub(crate) fn parse(
    place: &Place,
    format: &dyn ImageFormat,
    options: &ReadOptions,
) -> Result<Parsed> {
    let path = place.path();
    options.watch(path).check()?;
    let source = FormatSource { place, options };
    let mut image = format
        .read(&source)
        .map_err(|error| refused(path, format, error))?;
    let voxels = Place::in_memory(path, std::mem::take(&mut image.bytes));
    let layout = image.layout(vec![voxels]);
    let channels = image.channels;
    let [x, y, z] = layout.size.map(|n| n as u64);
    let mut metadata = image.metadata;
    metadata.insert("format".to_owned(), format.name().to_owned());
    Ok(Parsed {
        info: ImageInfo {
            path: path.to_owned(),
            format: Format::Custom,
            geometry: image.geometry,
            channels,
            voxel_type: image.voxel_type,
            scaling: Scaling::IDENTITY,
            compressed: false,
            labels: image.labels,
            nifti: None,
            metadata,
            warnings: image.warnings,
        },
        layout,
        extent: vec![x, y, z, channels as u64],
        fourth_axis: None,
        composite: None,
        extensions: Vec::new(),
    })
}

/// Writes values in a registered format.
pub(crate) fn write<T: FileVoxel>(
    sink: &mut Sink,
    format: &dyn ImageFormat,
    (geometry, channels): (&Geometry, usize),
    source: Source<T>,
    options: &WriteOptions,
) -> Result<()> {
    let path = sink.path().to_owned();
    let encoder = Encoder::new(&path, source, (geometry, channels), options);
    let mut bytes = vec![0; encoder.bytes()];
    encoder.encode(0, &mut bytes)?;
    let image = FormatImage {
        geometry: *geometry,
        channels,
        voxel_type: encoder.voxel_type,
        bytes,
        warnings: Vec::new(),
        labels: options.labels.clone(),
        metadata: BTreeMap::new(),
    };
    let mut failure = None;
    let written = sink.put(|writer| {
        format.write(&image, writer).map_err(|error| {
            failure = Some(refused(&path, format, error));
            std::io::Error::other("the format refused the image")
        })
    });
    match failure {
        Some(error) => Err(error),
        None => written,
    }
}

/// The error of a format, with its file.
fn refused(path: &Path, format: &dyn ImageFormat, error: FormatError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(source) if source.is::<Cancelled>() => cancelled(path),
        Err(source) => Error::Custom {
            path: path.to_owned(),
            format: format.name().to_owned(),
            source,
        },
    }
}
