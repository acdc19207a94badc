//! What can be wrong with a geometry, a buffer or a label: one sentence each, with the remedy.

const GIB: f64 = (1u64 << 30) as f64;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The affine has no inverse, or a number in it is not finite.
    #[error(
        "the affine {rows:?} is not usable: {reason}; a volume needs three independent, finite axes"
    )]
    BadAffine {
        /// The rows of the affine.
        rows: Box<[[f64; 4]; 4]>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A spacing is zero, negative or not finite.
    #[error(
        "spacing {0:?} is not usable: each of x, y, z must be a positive number of millimetres"
    )]
    BadSpacing([f64; 3]),
    /// A size overflows the address space.
    #[error("size {0:?} holds more voxels than this machine can address")]
    TooLarge([usize; 3]),
    /// A buffer that the caller's limit or the machine cannot hold.
    #[error(
        "{what} of size {size:?} with {} needs {needed} bytes ({:.1} GiB), {by} {limit} ({:.1} GiB); {}", crate::counted(*.channels, "channel"), *needed as f64 / GIB, *limit as f64 / GIB, by.remedy())]
    OutOfMemory {
        /// What needs it, such as "the resampled grid".
        what: String,
        /// Size `[x, y, z]` in voxels.
        size: [usize; 3],
        /// Number of channels.
        channels: usize,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed or left.
        limit: u64,
        /// Whose limit it is.
        by: crate::MemoryLimit,
    },
    /// The buffer's length is not channels × voxels.
    #[error(
        "a volume of size {size:?} with {} needs {expected} values, but {found} were given", crate::counted(*.channels, "channel"))]
    WrongLength {
        /// Size `[x, y, z]` in voxels.
        size: [usize; 3],
        /// Number of channels.
        channels: usize,
        /// Values needed.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// An array has another shape than the grid.
    #[error("an array in the order {order} has shape {found:?}, but the grid needs {expected:?}{}", other_order(.order, .expected, .found))]
    WrongShape {
        /// The order of the array's indices: `zyx`, `xyz`, `czyx`.
        order: &'static str,
        /// The shape needed.
        expected: Vec<usize>,
        /// The array's shape.
        found: Vec<usize>,
    },
    /// Two volumes that should share a grid do not.
    #[error(
        "{what} do not share a grid: {difference}; check that they belong together, and bring one to the grid of the other: an image by interpolation, labels by the nearest one"
    )]
    GeometryMismatch {
        /// Which two things were compared, such as "image and label".
        what: String,
        /// How they differ.
        difference: String,
    },
    /// A label value that the scheme does not have.
    #[error(
        "label value {value} ({count} voxels, the first at index {index:?}) is not in the label scheme, which knows {known:?}; add it to `labels` or remap it"
    )]
    UnknownLabel {
        /// The value found.
        value: u32,
        /// How many voxels hold it.
        count: usize,
        /// The first voxel that holds it, `[x, y, z]`.
        index: [usize; 3],
        /// Values of the scheme, the ignore label included.
        known: Vec<u16>,
    },
    /// A value that cannot be a label.
    #[error("value {value} cannot be a label: expected a whole number from 0 to {max}")]
    NotALabel {
        /// The value found, as text.
        value: String,
        /// The largest label of the requested type.
        max: u32,
    },
    /// A label scheme that contradicts itself.
    #[error("label scheme: {0}")]
    BadScheme(String),
    /// Orientation codes that do not name three different axes.
    #[error(
        "orientation `{0}` is not three letters naming three axes; expected one of L/R, one of A/P and one of I/S in any order, such as `RAS`"
    )]
    BadOrientation(String),
}

/// The constructor for an array whose axes are in the opposite order.
fn other_order(order: &str, expected: &[usize], found: &[usize]) -> &'static str {
    match (order, found.iter().rev().eq(expected)) {
        ("zyx", true) => "; its axes are [x, y, z], which `from_xyz` takes",
        ("xyz", true) => "; its axes are [z, y, x], which `from_zyx` takes",
        _ => "",
    }
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> crate::ErrorKind {
        match self {
            Self::OutOfMemory { .. } | Self::TooLarge(_) => crate::ErrorKind::OutOfMemory,
            _ => crate::ErrorKind::BadInput,
        }
    }
}
