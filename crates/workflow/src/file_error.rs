//! Why a file was not filtered or resampled.

use crate::filter::filters;
use crate::kind::MayBeLabels;
use crate::resample::FileInterpolation;
use crate::transform_file;
use std::path::PathBuf;
use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// Why a file was not filtered or resampled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
    /// No filter has this name.
    #[error("no filter is called `{0}`; there are {names}", names = names())]
    UnknownFilter(String),
    /// An argument that is missing, unknown or out of range.
    #[error("{filter}: {reason}")]
    Argument {
        /// The filter.
        filter: &'static str,
        /// Which argument, and what is wrong with it.
        reason: String,
    },
    /// A filter that writes a file was given none.
    #[error("{0}: the result has no place; name a file with `FilterJob::output`")]
    NoOutput(&'static str),
    /// A mesh under a file name that no mesh format has.
    #[error("{}: a surface is written as .stl, .obj or .ply; give the file one of these endings", .0.display())]
    MeshFormat(PathBuf),
    /// A surface that does not exist.
    #[error("{0} in the image; choose another `label` or `level`")]
    NoSurface(String),
    /// A crop to the foreground of an image that has none.
    #[error("nothing but 0 is found, so there is no box to cut out")]
    NoForeground,
    /// A mask that does not lie on the input's grid.
    #[error(
        "the input and its `mask` do not share a grid: {difference}; bring the mask to the grid of the input"
    )]
    MaskGrid {
        /// How the grids differ.
        difference: String,
    },
    /// An interpolation that images, or labels, do not have.
    #[error("`interpolation` is {found}, expected {expected}")]
    Interpolation {
        /// The interpolation.
        found: FileInterpolation,
        /// Those that suit.
        expected: &'static str,
    },
    /// A displacement field without three channels.
    #[error("{}: a displacement field has three channels, this image has {channels}", path.display())]
    FieldChannels {
        /// The file.
        path: PathBuf,
        /// How many it has.
        channels: usize,
    },
    /// A file that gives no affine map.
    #[error("{0}")]
    Affine(#[from] transform_file::Error),
    /// A file that may be an image or a label map.
    #[error("{0}")]
    MayBeLabels(#[from] MayBeLabels),
    /// A file that cannot be read or written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// The requested result cannot be computed from this input.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
}

impl FileError {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::UnknownFilter(_) => ErrorKind::NotFound,
            Self::Affine(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::Filter(error) => error.kind(),
            Self::Argument { .. }
            | Self::NoOutput(_)
            | Self::MeshFormat(_)
            | Self::NoSurface(_)
            | Self::NoForeground
            | Self::MaskGrid { .. }
            | Self::Interpolation { .. }
            | Self::FieldChannels { .. }
            | Self::MayBeLabels(_) => ErrorKind::BadInput,
        }
    }
}

fn names() -> String {
    let names: Vec<&str> = filters().map(|filter| filter.name).collect();
    names.join(", ")
}
