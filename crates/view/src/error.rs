//! What can be wrong with a request for a picture: one sentence each, with the remedy.

use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Image and labels do not lie on one grid.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// A channel that the image does not have.
    #[error(
        "the image has {}, numbered from 0; channel {channel} does not exist", vesalius_volume::counted(*.channels, "channel"))]
    NoChannel {
        /// The channel requested.
        channel: usize,
        /// How many there are.
        channels: usize,
    },
    /// There is nothing to draw.
    #[error("the image has no voxels (size {0:?}); nothing can be drawn")]
    Empty([usize; 3]),
    /// A slice that the volume does not have.
    #[error("slice {slice} does not exist: the {plane} view has {count} slices, numbered from 0")]
    NoSlice {
        /// The slice requested.
        slice: usize,
        /// The plane.
        plane: &'static str,
        /// How many slices there are.
        count: usize,
    },
    /// A picture that is too large.
    #[error(
        "the picture would be {width} × {height} pixels; at most 16384 each: ask for fewer slices or smaller tiles"
    )]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// An option that nothing can be drawn with.
    #[error("{option} is {found}, expected {expected}")]
    BadOption {
        /// The option.
        option: &'static str,
        /// What it was set to.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// An error of the PNG encoder.
    #[error("could not encode the PNG: {0}")]
    Png(#[from] png::EncodingError),
    /// An error of the GIF encoder.
    #[error("could not encode the GIF: {0}")]
    Gif(#[from] gif::EncodingError),
    /// A chart that cannot be drawn.
    #[error("could not draw the chart `{title}`: {reason}")]
    Chart {
        /// Its title.
        title: String,
        /// What is wrong.
        reason: String,
    },
    /// A voxel that the image does not have.
    #[error("voxel {index:?} does not exist: the image has {size:?} voxels, numbered from 0")]
    NoVoxel {
        /// The voxel requested, `[x, y, z]`.
        index: [usize; 3],
        /// How many there are.
        size: [usize; 3],
    },
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Volume(error) => error.kind(),
            Self::Png(_) | Self::Gif(_) | Self::Chart { .. } => ErrorKind::Internal,
            _ => ErrorKind::BadInput,
        }
    }
}
