//! Which option would make a refused file readable or writable, for programs that explain it in their
//! own words.

use crate::label_values::ROUND_LABELS;
use crate::{Error, SliceProblem};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A decision that the caller may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// State the spacing: [`crate::ReadOptions::assume_spacing`].
    AssumeSpacing,
    /// Take the fourth axis as channels: [`crate::FourthAxis::Channels`].
    FourthAxisAsChannels,
    /// Take the other position of a NIfTI file: [`crate::ReadOptions::form`].
    ChooseForm,
    /// Choose what becomes of colours: [`crate::ReadOptions::color`].
    ChooseColor,
    /// Choose what becomes of complex numbers: [`crate::ReadOptions::complex`].
    ChooseComplex,
    /// Choose one channel of a label map: [`crate::ReadOptions::layer`], or combine them:
    /// [`crate::ReadOptions::label_channels`].
    ChooseLayer,
    /// Round the values of a label map: [`crate::ReadOptions::round`].
    RoundLabels,
    /// Allow more memory: [`crate::ReadOptions::max_bytes`].
    RaiseMemoryLimit {
        /// Bytes that the image needs.
        needed: u64,
    },
    /// Name a series: [`crate::ReadOptions::series`].
    NameSeries,
    /// Name an array of a `.npz`: [`crate::ReadOptions::array`].
    NameArray,
    /// Name a volume of a series that has several: [`crate::ReadOptions::volume`].
    NameVolume,
    /// Interpolate slices: [`crate::UnevenSlices::Interpolate`].
    InterpolateSlices,
    /// Keep the shear of a tilted gantry: [`crate::Tilt::KeepShear`].
    KeepShear,
    /// Round real values: [`crate::WriteOptions::round`], and [`crate::ReadOptions::round`] for those between slices.
    Round,
    /// Fill contours on the image on which they were drawn: [`crate::convert_structures`].
    FillContours,
    /// Read the numbers of the files: no [`crate::DicomOptions::suv`].
    NoUptakeValues,
}

/// A file that an option would make usable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedImage {
    /// The file or folder.
    pub path: PathBuf,
    /// The option.
    pub remedy: Remedy,
}

impl RefusedImage {
    /// The first image error with a remedy among an error and its causes.
    pub fn of(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let image = std::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref::<Error>())?;
        Some(Self {
            path: image.path().to_owned(),
            remedy: image.remedy()?,
        })
    }
}

impl Error {
    /// The option that would let the same call pass, where there is one.
    ///
    /// ```
    /// use vesalius_io::{Format, ReadOptions, Remedy, WriteOptions, read_bytes, to_bytes};
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let image = Volume::filled(Geometry::axis_aligned([4, 4, 4], [1.0; 3])?, 0_u8);
    /// let bytes = to_bytes(&image, Format::Nrrd, &WriteOptions::default())?;
    /// let mut options = ReadOptions { max_bytes: 10, ..ReadOptions::new() };
    /// let error = read_bytes(&bytes, &options).unwrap_err();
    /// let Some(Remedy::RaiseMemoryLimit { needed }) = error.remedy() else { unreachable!() };
    /// options.max_bytes = needed;
    /// assert!(read_bytes(&bytes, &options).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remedy(&self) -> Option<Remedy> {
        Some(match self {
            Self::NoGeometry { .. } => Remedy::AssumeSpacing,
            Self::FourthAxis { .. } => Remedy::FourthAxisAsChannels,
            Self::NoSuchForm { .. } => Remedy::ChooseForm,
            Self::Color { .. } => Remedy::ChooseColor,
            Self::Complex { .. } => Remedy::ChooseComplex,
            Self::LabelChannels { .. } => Remedy::ChooseLayer,
            Self::Value { expected, .. } if expected.ends_with(ROUND_LABELS) => Remedy::RoundLabels,
            Self::TooLarge { needed, .. } => Remedy::RaiseMemoryLimit { needed: *needed },
            Self::SeveralArrays { .. } => Remedy::NameArray,
            Self::SeveralSeries { .. } => Remedy::NameSeries,
            Self::SeveralVolumes { .. } => Remedy::NameVolume,
            Self::NotStorable { .. } | Self::Interpolated { .. } => Remedy::Round,
            Self::Contours { .. } => Remedy::FillContours,
            Self::Suv { .. } => Remedy::NoUptakeValues,
            Self::Slices { problem, .. } => match problem {
                SliceProblem::Missing { .. } | SliceProblem::VariableGap { .. } => {
                    Remedy::InterpolateSlices
                }
                SliceProblem::Tilted { .. } => Remedy::KeepShear,
                SliceProblem::NoGeometry { .. } | SliceProblem::NoThickness => {
                    Remedy::AssumeSpacing
                }
                SliceProblem::Duplicates { .. } | SliceProblem::SameInstance { .. } => {
                    return None;
                }
            },
            _ => return None,
        })
    }

    /// The file or folder that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Locked { folder: path, .. }
            | Self::Lock { path, .. }
            | Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Truncated { path, .. }
            | Self::Compression { path, .. }
            | Self::NotAnImage { path, .. }
            | Self::Contours { path }
            | Self::UnknownExtension { path }
            | Self::Header { path, .. }
            | Self::Unsupported { path, .. }
            | Self::NoGeometry { path, .. }
            | Self::NoSuchForm { path, .. }
            | Self::FourthAxis { path, .. }
            | Self::Color { path }
            | Self::Complex { path }
            | Self::LabelChannels { path, .. }
            | Self::Value { path, .. }
            | Self::Interpolated { path, .. }
            | Self::NotStorable { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Region { path, .. }
            | Self::Slices { path, .. }
            | Self::Suv { path, .. }
            | Self::SeveralSeries { path, .. }
            | Self::SeveralArrays { path, .. }
            | Self::SeveralVolumes { path, .. }
            | Self::NoSuchSeries { path, .. }
            | Self::NoSuchVolume { path, .. }
            | Self::Unreadable { path, .. }
            | Self::Warned { path, .. }
            | Self::Cancelled { path, .. }
            | Self::Custom { path, .. }
            | Self::Registry { path, .. }
            | Self::Volume { path, .. } => path,
        }
    }
}
