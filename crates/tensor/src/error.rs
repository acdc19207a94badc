//! What can be wrong with a device name, a shape or a layer's numbers: one sentence each, with the remedy.

use vesalius_volume::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A device name that is none.
    #[error(
        "`{0}` is not a device: expected `cpu`, `cuda`, `wgpu` or `vulkan`, the last three optionally with a number, such as `cuda:1`"
    )]
    UnknownDevice(String),
    /// A device whose backend was left out of this build.
    #[error(
        "device `{name}` is not in this build; rebuild with it, for example `cargo install --path crates/cli --features {feature}`, or use `cpu`"
    )]
    NotCompiledIn {
        /// The requested device.
        name: String,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
    /// A device that this machine does not have.
    #[error("device `{name}` was not found on this machine ({found}); {remedy}")]
    DeviceAbsent {
        /// The requested device.
        name: String,
        /// What is there.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A tensor of another shape than its use needs.
    #[error("{what} has shape {found:?}, but {expected} is needed")]
    WrongShape {
        /// Which tensor.
        what: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape needed, in words.
        expected: String,
    },
    /// A number of values that does not fit a shape.
    #[error("{what} holds {found} values, but {expected} are needed")]
    WrongLength {
        /// Which buffer.
        what: String,
        /// Values needed.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// Outputs that are NaN or infinite, which mean no label.
    #[error(
        "{what} is not finite in {}, the first in channel {channel} at voxel {voxel}; such values mean no label: look for damaged weights or an overflow", vesalius_volume::counted(*.count, "value"))]
    NotFinite {
        /// Which buffer.
        what: String,
        /// How many.
        count: usize,
        /// Channel of the first.
        channel: usize,
        /// Its offset among the buffer's voxels.
        voxel: usize,
    },
    /// A value that cannot be a label.
    #[error("value {0} in a tensor of labels cannot be a label: expected 0 to 65535")]
    NotALabel(i64),
    /// Outputs of different label schemes are combined.
    #[error("{0}")]
    SchemeMismatch(String),
    /// A layer whose numbers contradict each other.
    #[error("{layer}: {problem}")]
    BadLayer {
        /// Which layer.
        layer: &'static str,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// The backend failed while it computed.
    #[error(
        "the device could not deliver a result: {0}; use a smaller patch or batch, or the device `cpu`"
    )]
    Execution(String),
    /// The device has not enough memory for the work.
    #[error("the device ran out of memory: {0}; use a smaller patch or batch, or the device `cpu`")]
    DeviceMemory(String),
    /// An error of the volume crate.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotCompiledIn { .. } => ErrorKind::Unsupported,
            Self::DeviceAbsent { .. } => ErrorKind::NotFound,
            Self::NotFinite { .. } => ErrorKind::Corrupt,
            Self::Execution(_) => ErrorKind::Device,
            Self::DeviceMemory(_) => ErrorKind::OutOfMemory,
            Self::Volume(error) => error.kind(),
            _ => ErrorKind::BadInput,
        }
    }
}
