//! How much of a file is accepted.

/// Limits on what a file may have. The defaults admit every published network and bound the memory of a read to a small
/// multiple of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the file itself; protobuf allows no more than 2 GiB.
    pub file_bytes: u64,
    /// Messages of all kinds in the file: nodes, attributes, tensors, axes and more.
    pub messages: usize,
    /// Graphs within graphs.
    pub depth: usize,
    /// Axes of a tensor.
    pub axes: usize,
    /// Bytes of all weights together, those in other files included.
    pub weight_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 1 << 31,
            messages: 1 << 20,
            depth: 8,
            axes: 8,
            weight_bytes: 1 << 36,
        }
    }
}
