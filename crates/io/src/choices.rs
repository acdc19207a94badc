//! What becomes of content that may be read in several ways: colours, complex numbers, channels of labels, the axes of
//! arrays, the two positions of a NIfTI file.

/// What to do with colours: NIfTI's RGB24 and RGBA32, NRRD's kinds `RGB-color` and `RGBA-color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ColorAs {
    /// [`Error::Color`](crate::Error::Color).
    #[default]
    Refuse,
    /// One channel of brightness, 0.299 red + 0.587 green + 0.114 blue (Rec. 601); opacity is left out, which a
    /// warning tells.
    Luminance,
    /// Three channels, red, green and blue, and a fourth of opacity where there is one.
    Channels,
}

/// What to do with complex numbers: NIfTI's complex64 and complex128, NRRD's kind `complex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ComplexAs {
    /// [`Error::Complex`](crate::Error::Complex).
    #[default]
    Refuse,
    /// One channel of absolute values.
    Magnitude,
    /// One channel of angles from -π to π.
    Phase,
    /// Two channels, the real and the imaginary part.
    Channels,
}

/// What the axes of a NumPy array are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ArrayAxes {
    /// `array[x, y, z]`, then the channels, as nibabel's arrays are.
    #[default]
    Xyz,
    /// `array[z, y, x]`, the channels first, as SimpleITK's arrays and tensors are.
    Zyx,
}

/// How an image of several channels becomes a label map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LabelChannels {
    /// [`Error::LabelChannels`](crate::Error::LabelChannels), unless
    /// [`ReadOptions::layer`](crate::ReadOptions::layer) names one channel.
    #[default]
    Refuse,
    /// One channel a label: a voxel has the number, from 1 on, of the channel that is not 0 there, and 0 where
    /// none is. Two such channels in one voxel are an error.
    OneHot,
    /// One channel a label, of probabilities: a voxel has the number, from 0 on, of the channel with the largest
    /// value, the first of several; the first channel is the background.
    Largest,
}

/// Which of its two positions a NIfTI file's voxels have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NiftiForm {
    /// The sform where its code is above 0, else the qform, as nibabel does; a warning
    /// ([`FormsDisagree`](vesalius_volume::Warning::FormsDisagree)) where both are there and differ.
    #[default]
    Automatic,
    /// The sform; an error where its code is 0 or it is unusable.
    Sform,
    /// The qform; an error where its code is 0 or it is unusable.
    Qform,
}
