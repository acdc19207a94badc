//! Pictures: PNG, BMP and TIFF, which hold pixels without a position in the world. They are read only by code
//! with rules for their pixels, as nnU-Net's readers `NaturalImage2DIO` and `Tiff3DIO` do; [`crate::read()`]
//! refuses them.

mod bmp;
mod png;
mod tiff;

use crate::place::Place;
use crate::sink::Sink;
use crate::watch::Watch;
use crate::{Error, ReadOptions, Result};
use std::path::Path;
use vesalius_volume::{Geometry, Volume};

/// The most bytes of pixels that a picture may have.
const MOST: u64 = 4 << 30;
/// Spacing across the one slice of a picture, as nnU-Net has it: farther than any pixel.
const ACROSS: f64 = 999.0;

/// A picture, or a stack of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Columns, rows, slices.
    pub size: [usize; 3],
    /// 1, or 3 or 4 of a colour picture.
    pub channels: usize,
    /// `[channel][z][y][x]`.
    pub values: Vec<f32>,
}

impl Picture {
    /// A picture whose channels are interleaved.
    fn interleaved(size: [usize; 3], channels: usize, pixels: Vec<f32>) -> Self {
        let values = match channels {
            1 => pixels,
            _ => (0..channels)
                .flat_map(|c| {
                    pixels[c.min(pixels.len())..]
                        .iter()
                        .step_by(channels)
                        .copied()
                })
                .collect(),
        };
        Self {
            size,
            channels,
            values,
        }
    }
}

/// Whether the name is that of a picture (`.png`, `.bmp`, `.tif`, `.tiff`); hidden files are not.
///
/// ```
/// use vesalius_io::is_picture;
///
/// assert!(is_picture("slides/a.tif") && is_picture("b.png"));
/// assert!(!is_picture("a.nii.gz"));
/// ```
pub fn is_picture(path: impl AsRef<Path>) -> bool {
    PictureKind::of(path.as_ref()).is_some()
}

/// A file format of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureKind {
    /// PNG, `.png`.
    Png,
    /// BMP, `.bmp`.
    Bmp,
    /// TIFF, `.tif` or `.tiff`; the only one with several slices.
    Tiff,
}

impl PictureKind {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let known = [
            (".png", Self::Png),
            (".bmp", Self::Bmp),
            (".tif", Self::Tiff),
            (".tiff", Self::Tiff),
        ];
        let mut known = known.into_iter();
        let found = known.find(|(ending, _)| name.len() > ending.len() && name.ends_with(ending));
        found
            .filter(|_| !name.starts_with('.'))
            .map(|(_, kind)| kind)
    }
}

/// Reads a picture as nnU-Net does: grey, or red, green, blue (and alpha) as channels; pixels lie 1 mm
/// apart and slices 999 mm, but those of a TIFF of several pages 1 mm, or the spacing of `NAME.json` next to
/// `NAME_0000.tif` (key `spacing`, z, y, x). The grid is axis-aligned RAS with its first pixel at 0.
///
/// # Errors
/// [`Error::Read`], [`Error::Header`] and [`Error::Unsupported`] for a file that is none of these, is cut
/// short, or has pixels of another kind; [`Error::TooLarge`].
///
/// ```
/// use vesalius_io::{read_picture, write_picture};
/// use vesalius_volume::Geometry;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels.png");
/// // 3 columns, 2 rows.
/// let grid = Geometry::axis_aligned([3, 2, 1], [1.0; 3])?;
/// write_picture(&path, &grid, &[0, 1, 2, 0, 1, 2])?;
/// let picture = read_picture(&path)?;
/// assert_eq!(picture.geometry().size(), [3, 2, 1]);
/// assert_eq!(picture.data(), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_picture(path: impl AsRef<Path>) -> Result<Volume<f32>> {
    read_picture_with(path, &ReadOptions::default())
}

/// As [`read_picture`], with options; of these only the memory and the control count.
///
/// # Errors
/// As [`read_picture`]; [`Error::Cancelled`] between two strips or tiles of a TIFF.
pub fn read_picture_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Volume<f32>> {
    picture_at(&Place::on_disk(path.as_ref()), options)
}

/// The picture at a place; one in memory has no second file with its spacing.
pub(crate) fn picture_at(place: &Place, options: &ReadOptions) -> Result<Volume<f32>> {
    let path = place.path();
    let budget = Budget {
        limit: options.max_bytes.min(MOST),
        watch: options.watch(path),
    };
    budget.watch.check()?;
    let bytes = place.bytes()?;
    let picture = match bytes.get(..4) {
        Some(b"\x89PNG") => png::read(path, &bytes, budget),
        Some(b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+") => tiff::read(path, &bytes, budget),
        Some([b'B', b'M', ..]) => bmp::read(path, &bytes, budget),
        _ => Err(Error::unsupported(
            path,
            "a file that is no PNG, BMP or TIFF",
            "give a picture, or an image file of another ending",
        )),
    }?;
    let spacing = match picture.size[2] {
        1 => [1.0, 1.0, ACROSS],
        _ if place.is_in_memory() => [1.0; 3],
        _ => tiff::spacing(path)?,
    };
    Geometry::axis_aligned(picture.size, spacing)
        .and_then(|grid| Volume::new(grid, picture.channels, picture.values))
        .map_err(|source| Error::volume(path, source))
}

/// Writes labels as a grey picture of the kind of its name, in 8 bits where all are below 255, else
/// 16, as nnU-Net does; several slices become the pages of a TIFF, with a `NAME.json` that holds the spacing.
///
/// # Errors
/// [`Error::Write`]; [`Error::Unsupported`] for several slices or 16 bits where the format has no place for
/// them.
pub fn write_picture(path: impl AsRef<Path>, grid: &Geometry, labels: &[u16]) -> Result<()> {
    let path = path.as_ref();
    let Some(kind) = PictureKind::of(path) else {
        return Err(Error::UnknownExtension {
            path: path.to_owned(),
        });
    };
    picture_into(&mut Sink::File(path), kind, grid, labels)?;
    match grid.size()[2] {
        1 => Ok(()),
        _ => tiff::write_spacing(path, grid.spacing()),
    }
}

/// Writes labels as a grey picture, without the spacing of several slices.
pub(crate) fn picture_into(
    sink: &mut Sink,
    kind: PictureKind,
    grid: &Geometry,
    labels: &[u16],
) -> Result<()> {
    let path = sink.path().to_owned();
    let size = grid.size();
    let wide = labels.iter().any(|&label| label >= 255);
    let bad = |what: &str, remedy: &str| Err(Error::unsupported(&path, what, remedy));
    let bytes = match kind {
        PictureKind::Tiff => tiff::bytes(size, labels, wide),
        _ if size[2] != 1 => {
            return bad("a picture of several slices", "write it as TIFF (.tif)");
        }
        PictureKind::Png => png::bytes(size, labels, wide),
        PictureKind::Bmp if wide => {
            return bad(
                "a BMP of labels above 254",
                "write it as PNG (.png) or TIFF (.tif)",
            );
        }
        PictureKind::Bmp => Ok(bmp::bytes(size, labels)),
    };
    let bytes = bytes.map_err(|source| Error::Write { path, source })?;
    sink.put(|writer| writer.write_all(&bytes))
}

/// How many bytes the pixels may take, and what cancels the reading.
#[derive(Clone, Copy)]
struct Budget<'a> {
    limit: u64,
    watch: Watch<'a>,
}

impl Budget<'_> {
    /// The number of values, when it is one that a picture may have.
    fn admit(&self, path: &Path, dimensions: &[usize]) -> Result<usize> {
        let product = dimensions
            .iter()
            .try_fold(4u64, |all, &n| all.checked_mul(n as u64));
        match product {
            Some(0) => Err(Error::header(
                path,
                "the size of the picture",
                format!("{dimensions:?}"),
                "positive numbers",
            )),
            Some(product) if product <= self.limit => Ok((product / 4) as usize),
            _ => Err(Error::TooLarge {
                path: path.to_owned(),
                needed: product.unwrap_or(u64::MAX),
                limit: self.limit,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back_from_every_kind() {
        let folder = tempfile::tempdir().unwrap();
        let grid = Geometry::axis_aligned([5, 3, 1], [1.0, 1.0, ACROSS]).unwrap();
        let labels: Vec<u16> = (0..15).map(|i| i % 4).collect();
        for name in ["a.png", "a.bmp", "a.tif"] {
            let path = folder.path().join(name);
            write_picture(&path, &grid, &labels).unwrap();
            let read = read_picture(&path).unwrap();
            assert_eq!(read.geometry(), &grid, "{name}");
            let values: Vec<u16> = read.data().iter().map(|&v| v as u16).collect();
            assert_eq!(values, labels, "{name}");
            assert!(is_picture(&path) && !crate::is_image(&path));
            // Reading as an image is refused: the pixels have no position.
            assert!(crate::read(&path).is_err());
            // A file that is cut short is an error, not black.
            let bytes = std::fs::read(&path).unwrap();
            for end in [3, 20, bytes.len() - 9] {
                std::fs::write(&path, &bytes[..end]).unwrap();
                let message = read_picture(&path).unwrap_err().to_string();
                assert!(message.contains(name), "{message}");
            }
        }
        let wide: Vec<u16> = labels.iter().map(|label| label * 1000).collect();
        let path = folder.path().join("wide.png");
        write_picture(&path, &grid, &wide).unwrap();
        assert_eq!(read_picture(&path).unwrap().data()[3], 3000.0);
        let refused = write_picture(folder.path().join("w.bmp"), &grid, &wide).unwrap_err();
        assert!(refused.to_string().contains("(.png) or TIFF"));
    }

    #[test]
    fn a_stack_keeps_its_spacing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let grid = Geometry::axis_aligned([4, 3, 2], [0.5, 0.7, 2.0]).unwrap();
        let labels: Vec<u16> = (0..24).collect();
        let path = folder.path().join("stack.tif");
        write_picture(&path, &grid, &labels).unwrap();
        let beside = std::fs::read_to_string(folder.path().join("stack.json")).unwrap();
        assert!(beside.contains("2") && beside.contains("0.7"), "{beside}");
        // An image's file carries the number of its channel, its spacing's does not.
        let image = folder.path().join("stack_0000.tif");
        std::fs::rename(&path, &image).unwrap();
        let read = read_picture(&image).unwrap();
        assert_eq!(read.geometry(), &grid);
        assert_eq!(read.data()[23], 23.0);
        std::fs::write(folder.path().join("stack.json"), r#"{"spacing": [1, 2]}"#).unwrap();
        let message = read_picture(&image).unwrap_err().to_string();
        assert!(
            message.contains("stack.json") && message.contains("three"),
            "{message}"
        );
        std::fs::remove_file(folder.path().join("stack.json")).unwrap();
        assert_eq!(read_picture(&image).unwrap().geometry().spacing(), [1.0; 3]);
    }
}
