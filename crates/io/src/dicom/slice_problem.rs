//! Why slices may not be one uniform stack, and the options for such series.

use super::Suv;
use serde::Serialize;
use std::path::PathBuf;

/// Why the slices of a series are not one uniform stack.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "problem")]
#[non_exhaustive]
pub enum SliceProblem {
    /// Slices are missing: some gaps are whole multiples of the others.
    #[error(
        "{count} missing: the usual gap is {gap} mm, but the first wide gap is {wide} mm, after slice {after}; get the whole series, or fill by interpolation (`UnevenSlices::Interpolate`)",
        count = match count {
            1 => "1 slice is".to_owned(),
            _ => format!("{count} slices are"),
        }
    )]
    Missing {
        /// How many slices fit into the gaps.
        count: usize,
        /// The usual gap, mm.
        gap: f64,
        /// The first wide gap, mm.
        wide: f64,
        /// The slice before it, counted from 0 along the normal.
        after: usize,
    },
    /// The gaps differ.
    #[error(
        "the gaps between slices vary from {smallest} to {largest} mm; resample by interpolation (`UnevenSlices::Interpolate`)"
    )]
    VariableGap {
        /// Smallest gap, mm.
        smallest: f64,
        /// Largest gap, mm.
        largest: f64,
    },
    /// Several frames lie at one place and no attribute distinguishes them.
    #[error(
        "{count} frames lie at places where another one lies already, and nothing in their headers tells them apart, neither orientation, echo, diffusion, type, kernel, acquisition and time nor their InstanceNumbers; put the files of each volume into a folder of its own"
    )]
    Duplicates {
        /// Frames too many.
        count: usize,
    },
    /// Two files say that they are the same instance and hold different bytes.
    #[error(
        "{} and {} have the same SOPInstanceUID and different content, so that one of them is not what it says; find out which is right and put the other one elsewhere",
        first.display(),
        second.display()
    )]
    SameInstance {
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The stack leans: a tilted gantry.
    #[error(
        "the stack leans by {degrees:.2}° (a tilted gantry), so its axes are not at right angles; resample its slices to right angles (`Tilt::Untilt` in `DicomOptions::tilt`), or keep the shear in the affine (`Tilt::KeepShear`), which few programs show rightly"
    )]
    Tilted {
        /// Angle between the stack's axis and the slice normal.
        degrees: f64,
    },
    /// A slice has no position, orientation or pixel spacing.
    #[error(
        "{missing} is missing, so nothing says where the image lies; if you know the spacing, give it as `ReadOptions::assume_spacing` [x, y, z] in mm"
    )]
    NoGeometry {
        /// The attribute that is missing.
        missing: &'static str,
    },
    /// A single slice without a thickness.
    #[error(
        "there is one slice, and neither SpacingBetweenSlices nor SliceThickness says how thick it is; give the spacing as `ReadOptions::assume_spacing` [x, y, z] in mm"
    )]
    NoThickness,
}

/// What to do with gaps between slices that are not equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnevenSlices {
    /// An error with the gaps.
    #[default]
    Refuse,
    /// Slices at equal gaps, interpolated linearly between their neighbours.
    Interpolate,
}

/// What to do with a stack that leans, because the gantry was tilted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Tilt {
    /// An error with the angle.
    #[default]
    Refuse,
    /// The shear is kept in the affine, whose axes then are not at right angles.
    KeepShear,
    /// Every slice is moved within its plane, linear between its voxels, so that the axes are at right angles. The
    /// volume is as much larger as all slices need; where no slice has a voxel, a CT in Hounsfield units has -1024 and
    /// another image its lowest value.
    Untilt,
}

/// How a series' slices become a volume when they are not uniform.
///
/// ```
/// use vesalius_io::{DicomOptions, ReadOptions, Tilt, UnevenSlices};
///
/// // By default slices at unequal distances are an error; here they are interpolated.
/// let dicom = DicomOptions { uneven_slices: UnevenSlices::Interpolate, ..DicomOptions::default() };
/// let options = ReadOptions { dicom, ..ReadOptions::new() };
/// assert_eq!(options.dicom.uneven_slices, UnevenSlices::Interpolate);
/// assert_eq!(options.dicom.tilt, Tilt::Refuse);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DicomOptions {
    /// What to do with unequal gaps.
    pub uneven_slices: UnevenSlices,
    /// What to do with a tilted gantry.
    pub tilt: Tilt,
    /// What activities of a PET series become: nothing else by default, the numbers of the files. Series of another
    /// modality, and those whose files do not say all that is needed, are [`Error::Suv`](crate::Error::Suv). The list
    /// of series does not depend on it.
    pub suv: Option<Suv>,
    /// Whether values of a MONOCHROME1 image, in which low values are bright, are turned about the middle of the stored
    /// range before they are scaled: 0 to 4095 of 12 bits becomes 4095 to 0. Otherwise they stay as stored.
    pub invert: bool,
}
