//! Why slices may not be one uniform stack, and the options for such series.

use serde::Serialize;

/// Why the slices of a series are not one uniform stack.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "problem")]
#[non_exhaustive]
pub enum SliceProblem {
    /// Slices are missing: some gaps are whole multiples of the others.
    #[error(
        "{count} slice(s) are missing: the usual gap is {gap} mm, but the first wide gap is {wide} mm, after slice {after}; get the whole series, or fill by interpolation (`UnevenSlices::Interpolate`)"
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
    /// The stack leans: a tilted gantry.
    #[error(
        "the stack leans by {degrees:.2}° (a tilted gantry), so its axes are not at right angles; keep the shear in the affine (`DicomOptions::keep_shear`) and resample afterwards"
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

/// How a series' slices become a volume when they are not uniform.
///
/// ```
/// use vesalius_io::{DicomOptions, ReadOptions, UnevenSlices};
///
/// // By default slices at unequal distances are an error; here they are interpolated.
/// let dicom = DicomOptions { uneven_slices: UnevenSlices::Interpolate, ..DicomOptions::default() };
/// let options = ReadOptions { dicom, ..ReadOptions::new() };
/// assert_eq!(options.dicom.uneven_slices, UnevenSlices::Interpolate);
/// assert!(!options.dicom.keep_shear);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DicomOptions {
    /// What to do with unequal gaps.
    pub uneven_slices: UnevenSlices,
    /// Whether a tilted gantry's shear is kept in the affine instead of being an error.
    pub keep_shear: bool,
}
