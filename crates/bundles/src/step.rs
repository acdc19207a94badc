//! The steps before the network, one variant each, with every setting given.

use crate::description::Padding;
use serde::{Deserialize, Serialize};

/// A step before the network. Vectors with one entry hold for every axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// `LoadImaged`: reads the file, or the files that are the channels of one image, in 32-bit floating point.
    Load {
        /// The library whose array and affine are meant.
        reader: Reader,
    },
    /// `EnsureChannelFirstd`: makes the channels the first axis.
    ChannelFirst {
        /// Where they are in the file.
        channels: ChannelAxis,
    },
    /// `Orientationd`: axes flipped and exchanged until they point to these directions, such as `RAS`.
    Orient {
        /// A letter for each axis.
        to: String,
    },
    /// `Spacingd`: resampled to a spacing.
    Spacing(Spacing),
    /// `ScaleIntensityRanged`: `from` onto `to`, straight.
    ScaleRange {
        /// Values before.
        from: [f64; 2],
        /// Values after; none maps to 0 to 1 without a second scaling, so that an end that is `null` is not applied.
        to: [Option<f64>; 2],
        /// Whether what is outside `to` becomes its nearer end.
        clip: bool,
    },
    /// `ScaleIntensityd` with `minv` and `maxv`: the image's least value to `to[0]`, its greatest to `to[1]`.
    ScaleMinMax {
        /// Values after.
        to: [f64; 2],
        /// Each channel by itself.
        channel_wise: bool,
    },
    /// `ScaleIntensityd` with a factor: times 1 + the factor.
    ScaleFactor {
        /// The factor.
        factor: f64,
    },
    /// `NormalizeIntensityd`: less the mean, divided by the standard deviation of the population.
    Normalize {
        /// Only voxels that are not zero are measured and changed.
        nonzero: bool,
        /// Each channel by itself.
        channel_wise: bool,
        /// In place of the mean: one value, or one for each channel.
        subtrahend: Option<Vec<f64>>,
        /// In place of the standard deviation: one value, or one for each channel.
        divisor: Option<Vec<f64>>,
    },
    /// `CropForegroundd`: cut to the box around voxels above 0.
    CropForeground(CropForeground),
    /// `SpatialPadd`: padded to at least a size.
    Pad {
        /// Voxels along each axis; 0 or less leaves an axis.
        size: Vec<i64>,
        /// Both sides, the odd voxel at the end; otherwise the end alone.
        is_symmetric: bool,
        /// What stands there.
        mode: Padding,
        /// The value with [`Padding::Constant`].
        value: f64,
    },
    /// `DivisiblePadd`: padded to multiples.
    PadToMultiple {
        /// The multiples; 0 or less leaves an axis.
        of: Vec<i64>,
        /// Both sides, the odd voxel at the end; otherwise the end alone.
        is_symmetric: bool,
        /// What stands there.
        mode: Padding,
        /// The value with [`Padding::Constant`].
        value: f64,
    },
    /// `CenterSpatialCropd`: the middle.
    CropCentre {
        /// Voxels along each axis; 0 or less leaves an axis.
        size: Vec<i64>,
    },
    /// `Resized`: resampled to a size.
    Resize {
        /// Voxels along each axis, -1 leaves one; or of the longest axis alone.
        size: Vec<i64>,
        /// The size is that of the longest axis; the others keep their proportion, rounded half to even.
        is_of_longest: bool,
        /// The interpolation.
        mode: ResizeMode,
        /// Corners of the first and last voxels stay where they are, or their centres.
        align_corners: bool,
    },
    /// `EnsureTyped` or `CastToTyped` with a type other than 32-bit floating point.
    Cast {
        /// The type.
        to: Dtype,
    },
    /// `ConcatItemsd`, or `ConcatImages` of the CECT bundle: the channels of several inputs, one after the other.
    Concatenate {
        /// Their keys.
        inputs: Vec<String>,
    },
    /// The transforms of DeepEdit: a channel for each label with a Gaussian at its clicks, zeros without clicks.
    Clicks {
        /// The labels' names, in the order of their channels.
        labels: Vec<String>,
        /// The Gaussian's standard deviation in voxels; each channel is scaled to 0 to 1.
        sigma: f64,
        /// The image's channels, which come first.
        image_channels: usize,
    },
}

impl Step {
    /// Whether the step moves voxels, so that [`crate::PostStep::Invert`] has something to undo.
    pub fn is_spatial(&self) -> bool {
        matches!(
            self,
            Self::Orient { .. }
                | Self::Spacing(_)
                | Self::CropForeground(_)
                | Self::Pad { .. }
                | Self::PadToMultiple { .. }
                | Self::CropCentre { .. }
                | Self::Resize { .. }
        )
    }

    /// Whether values between voxels are computed, so that labels taken back the same way would be fractions.
    pub fn interpolates(&self) -> bool {
        match self {
            Self::Spacing(spacing) => spacing.mode != Interpolation::Nearest,
            Self::Resize { mode, .. } => {
                !matches!(mode, ResizeMode::Nearest | ResizeMode::NearestExact)
            }
            _ => false,
        }
    }
}

/// The library that reads an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reader {
    /// MONAI's choice by the file's ending; NIfTI by nibabel.
    Default,
    /// ITK.
    Itk,
    /// nibabel.
    Nibabel,
}

/// Where an image's channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChannelAxis {
    /// By the file: none where the array has no more axes than the image, otherwise the last.
    ByFile,
    /// There are none; one is put first.
    None,
    /// On this axis of the array; from the end where it is negative.
    At(i64),
}

/// `Spacingd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spacing {
    /// Millimetres along each axis; 0 or less keeps an axis; a shorter list repeats its last.
    pub to: Vec<f64>,
    /// The new axes are the world's, or the image's own.
    pub diagonal: bool,
    /// The interpolation.
    pub mode: Interpolation,
    /// What stands beyond the border.
    pub padding: Padding,
    /// MONAI's `align_corners`.
    pub align_corners: bool,
    /// The extent is kept from edge to edge of the outer voxels, or from centre to centre.
    pub scale_extent: bool,
    /// The affine is computed from the sizes.
    pub recompute_affine: bool,
    /// Axes whose spacing is between these are kept.
    pub keep_from: Option<Vec<f64>>,
    /// See `keep_from`.
    pub keep_to: Option<Vec<f64>>,
}

/// How values between voxels are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest voxel.
    Nearest,
    /// Linear along each axis.
    Linear,
    /// A spline of this order.
    Spline(u8),
}

/// How `Resized` computes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResizeMode {
    /// torch's `nearest`, which rounds down.
    Nearest,
    /// The nearest voxel.
    NearestExact,
    /// Linear along each axis.
    Linear,
    /// The mean of the voxels that a new one covers.
    Area,
}

/// `CropForegroundd`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CropForeground {
    /// Voxels around the box along each axis.
    pub margin: Vec<i64>,
    /// The box is kept inside the image; otherwise what is outside is padded.
    pub allow_smaller: bool,
    /// The box grows to multiples of this along each axis.
    pub divisible_by: Vec<i64>,
    /// What stands outside the image.
    pub mode: Padding,
    /// The channels that are looked at; none means all.
    pub channels: Option<Vec<i64>>,
}

/// A type of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Dtype {
    Bool,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Int8,
    Int16,
    Int32,
    Int64,
    Float16,
    Float32,
    Float64,
}
