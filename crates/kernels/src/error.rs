//! What can be wrong with a shape or a buffer: one sentence each, with the remedy.
//! Kernels check once at their door; inside, lengths are facts.

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A buffer's length does not fit its shape.
    #[error(
        "`{what}` holds {found} values, but its shape needs {expected}; check shape and buffer"
    )]
    WrongLength {
        /// Which argument.
        what: &'static str,
        /// Values needed.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// A number that must be at least one is zero.
    #[error("{what} is zero; it must be at least 1")]
    Zero {
        /// Which number.
        what: &'static str,
    },
    /// Channels do not divide into the groups.
    #[error("{channels} {what} do not divide into {groups} groups; choose groups that divide both")]
    Groups {
        /// Which channels.
        what: &'static str,
        /// How many.
        channels: usize,
        /// Number of groups.
        groups: usize,
    },
    /// The kernel reaches further than the padded input.
    #[error(
        "a kernel that spans {span} voxels along {axis} does not fit into {padded} padded voxels; \
         pad more or use a larger input"
    )]
    KernelTooLarge {
        /// `x`, `y` or `z`.
        axis: char,
        /// (kernel − 1) × dilation + 1.
        span: usize,
        /// Input size with its padding.
        padded: usize,
    },
    /// Output padding is not smaller than the stride or the dilation, or the padding leaves nothing.
    #[error("{what} along {axis}: found {found}, expected {expected}")]
    BadAxis {
        /// What is wrong.
        what: &'static str,
        /// `x`, `y` or `z`.
        axis: char,
        /// The number found.
        found: usize,
        /// What it must be.
        expected: String,
    },
    /// A row index is out of range.
    #[error("row {row} was asked for, but there are {rows}; rows are counted from 0")]
    BadRow {
        /// Which row.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// A shape overflows the address space.
    #[error("`{what}` has more values than this machine can address")]
    TooLarge {
        /// Which tensor.
        what: &'static str,
    },
    /// A SIMD level that this processor does not have.
    #[error(
        "this processor has no {0}; use `SimdLevel::best()` or one of `SimdLevel::available()`"
    )]
    NoSuchLevel(&'static str),
}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// `Ok` when a buffer has the length its shape needs.
pub(crate) fn check_length<T>(what: &'static str, buffer: &[T], expected: usize) -> Result<()> {
    if buffer.len() == expected {
        Ok(())
    } else {
        Err(Error::WrongLength {
            what,
            expected,
            found: buffer.len(),
        })
    }
}

/// The product of sizes, or an error that names the tensor.
pub(crate) fn product(what: &'static str, sizes: &[usize]) -> Result<usize> {
    sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size))
        // Pointer offsets are counted in bytes and must fit `isize`.
        .filter(|&values| values <= isize::MAX as usize / 4)
        .ok_or(Error::TooLarge { what })
}
