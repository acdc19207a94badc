//! Why a filter was not run.

use crate::kind::{KindError, MayBeLabels};
use std::path::PathBuf;

/// Why a filter was not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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
    /// A file that may be an image or a label map.
    #[error("{0}")]
    MayBeLabels(#[from] MayBeLabels),
    /// A file that cannot be read or written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// The filter refused its input or an option.
    #[error("{0}")]
    Filter(#[from] vesalius_filters::Error),
}

impl From<KindError> for Error {
    fn from(error: KindError) -> Self {
        match error {
            KindError::Io(error) => Self::Io(error),
            KindError::Unclear(error) => Self::MayBeLabels(error),
        }
    }
}

fn names() -> String {
    let names: Vec<&str> = super::filters().map(|filter| filter.name).collect();
    names.join(", ")
}
