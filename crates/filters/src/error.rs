//! What can be wrong with the input or the options of a filter: one sentence each, with the remedy.

use vesalius_control::Cancelled;
use vesalius_volume::ErrorKind;

/// An error of this crate.
///
/// ```
/// use vesalius_filters::{Error, clip};
/// use vesalius_volume::{ErrorKind, Geometry, Volume};
///
/// let image = Volume::filled(Geometry::axis_aligned([2, 2, 2], [1.0; 3])?, 0.0_f32);
/// let error = clip(&image, 1.0, 0.0).unwrap_err();
/// assert!(matches!(error, Error::BadOption { filter: "clip", .. }));
/// assert_eq!(error.kind(), ErrorKind::BadInput);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The work was cancelled.
    #[error("{0}")]
    Cancelled(#[from] Cancelled),
    /// A geometry or a buffer that does not fit.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// An option outside of its valid range.
    #[error("{filter}: `{option}` is {found}, expected {expected}")]
    BadOption {
        /// The filter.
        filter: &'static str,
        /// The option's name.
        option: &'static str,
        /// The value found, as text.
        found: String,
        /// What is expected.
        expected: &'static str,
    },
    /// A volume without voxels where at least one is needed.
    #[error(
        "{filter}: the input of size {size:?} has no voxels; give a volume of at least 1 × 1 × 1"
    )]
    NoVoxels {
        /// The filter.
        filter: &'static str,
        /// The size found.
        size: [usize; 3],
    },
    /// Nothing that a logarithm can be taken of.
    #[error(
        "{filter}: none of the {voxels} voxels{} is a positive, finite number (the largest is {largest}), and the bias is estimated on logarithms; shift the image so that what should count is above 0",
        if *masked { " of the mask" } else { "" }
    )]
    NothingPositive {
        /// The filter.
        filter: &'static str,
        /// How many voxels were examined.
        voxels: usize,
        /// Whether a mask chose them.
        masked: bool,
        /// The largest of them.
        largest: f64,
    },
    /// A mask without foreground.
    #[error("{filter}: the mask holds nothing but 0; give one that marks the voxels to look at")]
    EmptyMask {
        /// The filter.
        filter: &'static str,
    },
    /// A slab reader returned a wrong number of values.
    #[error("slab reader: slices {first}..{last} hold {found} values, expected {expected}")]
    WrongSlab {
        /// First slice requested.
        first: usize,
        /// One past the last slice requested.
        last: usize,
        /// Values needed.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Reading or writing failed.
    #[error("{what}: {reason}")]
    Io {
        /// What was read or written.
        what: String,
        /// The system's reason.
        reason: String,
    },
}

impl Error {
    /// A bad option, with its value printed.
    pub(crate) fn option(
        filter: &'static str,
        option: &'static str,
        found: impl std::fmt::Debug,
        expected: &'static str,
    ) -> Self {
        Self::BadOption {
            filter,
            option,
            found: format!("{found:?}"),
            expected,
        }
    }
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Volume(error) => error.kind(),
            Self::Io { .. } => ErrorKind::System,
            _ => ErrorKind::BadInput,
        }
    }
}
