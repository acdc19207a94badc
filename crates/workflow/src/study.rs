//! Several images of one patient on one grid: T1, FLAIR and T2 of a study become the channels of a subject, each
//! resampled to the grid of the first. Nothing is registered: images with different frames of reference are
//! refused.

use std::path::PathBuf;
use vesalius_filters::{ResampleOptions, resample};
use vesalius_io::{ReadOptions, probe_with, read_with};
use vesalius_volume::{ErrorKind, Geometry, Subject, Volume};

/// Where one channel comes from.
#[derive(Debug, Clone)]
pub struct ChannelSource {
    /// An image file, or a file, folder or DICOMDIR of DICOM.
    pub path: PathBuf,
    /// How to read it; [`ReadOptions::series`] names a series where there are several.
    pub options: ReadOptions,
}

impl ChannelSource {
    /// A modality that is read with the usual options.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            options: ReadOptions::default(),
        }
    }

    /// A series of a study, by its UID, number or description.
    pub fn series(study: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        Self {
            path: study.into(),
            options: ReadOptions {
                series: Some(name.into()),
                ..ReadOptions::default()
            },
        }
    }

    fn name(&self) -> String {
        match &self.options.series {
            Some(series) => format!("series {series} of {}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }
}

/// Why images cannot be one subject.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The list of images is empty.
    #[error("no image was named; name at least one")]
    NoImage,
    /// Two images whose files name different frames of reference.
    #[error(
        "{second} has the frame of reference {second_frame}, {first} has {first_frame}: their positions cannot be compared; register the images first"
    )]
    OtherWorld {
        /// The first image.
        first: String,
        /// Its FrameOfReferenceUID.
        first_frame: String,
        /// The image that differs.
        second: String,
        /// Its FrameOfReferenceUID.
        second_frame: String,
    },
    /// Two images that do not overlap in space.
    #[error(
        "{second} and {first} have no place in common; are they of one patient and registered?"
    )]
    Apart {
        /// The first image.
        first: String,
        /// The image that does not overlap it.
        second: String,
    },
    /// A file that cannot be read.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// An image that cannot be resampled.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
    /// Channels that do not fit together.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoImage | Self::OtherWorld { .. } | Self::Apart { .. } => ErrorKind::BadInput,
            Self::Io(error) => error.kind(),
            Self::Filter(error) => error.kind(),
            Self::Volume(error) => error.kind(),
        }
    }
}

/// Reads the modalities as the channels of one image on the grid of the first; an image on that grid
/// already is taken as it is, others are interpolated linearly, with 0 where they have no voxels.
///
/// # Errors
/// [`Error`]: a file that cannot be read, images of different frames of reference, or images that
/// have no place in common.
pub fn read_channels(modalities: &[ChannelSource]) -> Result<Volume<f32>, Error> {
    let Some(first) = modalities.first() else {
        return Err(Error::NoImage);
    };
    let frame = frame_of_reference(first)?;
    let mut channels = vec![read_with(&first.path, &first.options)?];
    let mut warnings = channels[0].warnings().to_vec();
    let grid = *channels[0].geometry();
    for other in &modalities[1..] {
        if let (Some(first_frame), Some(second_frame)) = (&frame, frame_of_reference(other)?)
            && *first_frame != second_frame
        {
            return Err(Error::OtherWorld {
                first: first.name(),
                first_frame: first_frame.clone(),
                second: other.name(),
                second_frame,
            });
        }
        let image = read_with(&other.path, &other.options)?;
        warnings.extend_from_slice(image.warnings());
        if !overlap(&grid, image.geometry()) {
            return Err(Error::Apart {
                first: first.name(),
                second: other.name(),
            });
        }
        channels.push(if image.geometry().is_same(&grid) {
            image
        } else {
            resample(&image, &grid, &ResampleOptions::default())?
        });
    }
    Ok(Volume::stack(&channels)?.with_warnings(warnings))
}

/// As [`read_channels`], as a subject without labels.
///
/// # Errors
/// As [`read_channels`].
pub fn read_subject(
    name: impl Into<String>,
    modalities: &[ChannelSource],
) -> Result<Subject, Error> {
    Ok(Subject::new(name, read_channels(modalities)?, None)?)
}

/// DICOM's frame of reference, where the file has one.
fn frame_of_reference(modality: &ChannelSource) -> Result<Option<String>, Error> {
    let mut info = probe_with(&modality.path, &modality.options)?;
    Ok(info.metadata.remove("FrameOfReferenceUID"))
}

/// Whether the box around one grid, seen from the other, touches it.
fn overlap(grid: &Geometry, other: &Geometry) -> bool {
    let corners = other.corners().map(|corner| grid.world_to_index(corner));
    (0..3).all(|axis| {
        let along = corners.iter().map(|corner| corner[axis]);
        let (low, high) = along.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        high >= -0.5 && low <= grid.size()[axis] as f64 - 0.5
    })
}
