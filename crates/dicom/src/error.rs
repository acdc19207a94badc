//! What can be wrong with a source, with what is to be written, or with where it is written.

use std::path::PathBuf;
use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate. Every message says what was expected and what to do; no message quotes patient data.
///
/// ```
/// use vesalius_dicom::{Error, SegWriter};
/// use vesalius_io::list_series;
/// use vesalius_volume::{ErrorKind, LabelMap};
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let labels = LabelMap::<u16>::background(series.geometry.unwrap());
/// let error = SegWriter::new(series)?.write(&labels, folder.path().join("seg.dcm")).unwrap_err();
/// assert!(matches!(error, Error::Segments(_)), "no segments were given");
/// assert_eq!(error.kind(), ErrorKind::BadInput);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing a file failed.
    #[error(transparent)]
    Io(#[from] vesalius_io::Error),
    /// A stream did not take an object.
    #[error("cannot write the object to its stream: {0}; what it has taken is not whole")]
    Stream(#[source] std::io::Error),
    /// A grid or labels that cannot be.
    #[error(transparent)]
    Volume(#[from] vesalius_volume::Error),
    /// The work was cancelled through its `Control`.
    #[error("cancelled")]
    Cancelled,
    /// A file of the source cannot be what results are derived from.
    #[error("{path}: {problem}")]
    Source {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The files of the source do not belong together.
    #[error(
        "the files of the source differ in {attribute} ({first} and {other}): a result belongs to one patient, one study and one frame of reference; choose the files of one"
    )]
    MixedSource {
        /// The attribute in which they differ.
        attribute: String,
        /// A file.
        first: PathBuf,
        /// One that differs from it.
        other: PathBuf,
    },
    /// The source is a result of this library.
    #[error(
        "{path} was made by this library; choose the images of the scanner, or allow it by `SourceOptions::own_results`"
    )]
    OwnResult {
        /// The file.
        path: PathBuf,
    },
    /// The target exists.
    #[error("{path} exists; remove it, or choose another name")]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file that is no key, or not safe as one.
    #[error("{path} is no key that can be used: {problem}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Pixels that may show the patient's name.
    #[error(
        "{path}: its pixels may show text ({reason}); look at them, then leave such files out or keep them by `Deidentifier::pixels`"
    )]
    BurnedIn {
        /// The file.
        path: PathBuf,
        /// Why they may.
        reason: String,
    },
    /// An object that is text, which cannot be de-identified as an image can.
    #[error(
        "{path} is {what}, which cannot be de-identified; leave such files out by `Deidentifier::documents`"
    )]
    Document {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// A text that an attribute cannot hold.
    #[error("{attribute} cannot hold `{text}`: {reason}")]
    Text {
        /// The attribute.
        attribute: String,
        /// The text, which is the caller's, not the patient's.
        text: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The axes of a volume are not at right angles.
    #[error(
        "the axes of the volume are not at right angles ({degrees:.3}° off), which slices of DICOM cannot be; resample it to a grid with right angles first"
    )]
    Sheared {
        /// The largest deviation from a right angle, degrees.
        degrees: f64,
    },
    /// A volume of several channels.
    #[error(
        "the volume has {channels} channels, and an image series has one; choose one by `SeriesWriter::channel` and write a series for each"
    )]
    Channels {
        /// How many.
        channels: usize,
    },
    /// Voxels that are not finite.
    #[error(
        "{count} of {of} voxels are not finite (NaN or infinite), and integers of DICOM cannot hold them; give the value to write for them as `SeriesWriter::not_finite`"
    )]
    NotFinite {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
    },
    /// Values that no number of 16 characters can scale.
    #[error(
        "values from {smallest} to {largest} cannot be stored as scaled integers of 16 bits; scale them first"
    )]
    Range {
        /// The smallest value.
        smallest: f64,
        /// The largest value.
        largest: f64,
    },
    /// A volume that does not overlap with the source series.
    #[error(
        "the volume lies {distance:.1} mm away from the source series: it cannot be in its frame of reference; choose the series that it was made from"
    )]
    Elsewhere {
        /// The distance between the two boxes, mm.
        distance: f64,
    },
    /// Labels on a grid that is not that of the source's frames.
    #[error(
        "the labels are not on the grid of the source: {difference}; bring the probabilities back to the source's grid before labels are made of them, or allow the nearest label by `GridRule::Nearest`"
    )]
    OtherGrid {
        /// The largest distance of a pixel of the source from the nearest label's centre, mm.
        distance: f64,
        /// How they differ, with the distance.
        difference: String,
    },
    /// Voxels of labels that lie on no frame of the source.
    #[error(
        "{voxels} voxels of label {label} lie on no frame of the source: slices of the source are missing, or it is another series; choose the complete series, or leave them out by `GridRule::Nearest`"
    )]
    OffSource {
        /// The label.
        label: u32,
        /// How many voxels.
        voxels: u64,
    },
    /// A tolerance of contours that is none.
    #[error("the tolerance of the contours is {found} mm, expected a finite number from 0 on")]
    Tolerance {
        /// The number, mm.
        found: f64,
    },
    /// A picture that cannot be stored.
    #[error("{0}")]
    Picture(String),
    /// Labels and segments do not fit.
    #[error("{0}")]
    Segments(String),
    /// A file with descriptions of segments that cannot be used.
    #[error("{place}: {problem}")]
    Descriptions {
        /// The place in the file, such as `segmentAttributes[0][2].SegmentLabel`.
        place: String,
        /// What was expected there.
        problem: String,
    },
}

impl Error {
    /// The kind, for programs that decide by it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Stream(error) => ErrorKind::of_io(error),
            Self::Volume(error) => error.kind(),
            Self::Cancelled => ErrorKind::Cancelled,
            Self::NotFinite { .. } => ErrorKind::Corrupt,
            _ => ErrorKind::BadInput,
        }
    }

    pub(crate) fn key(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Key {
            path: path.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn read(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        Self::Io(vesalius_io::Error::Read { path, source })
    }

    pub(crate) fn write(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        Self::Io(vesalius_io::Error::Write { path, source })
    }

    pub(crate) fn source(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Source {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

impl From<Cancelled> for Error {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}
