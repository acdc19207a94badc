//! The index axes by name.

use serde::{Deserialize, Serialize};

/// An index axis of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The first, fastest in memory.
    X,
    /// The second.
    Y,
    /// The third.
    Z,
}

impl Axis {
    /// Position in an `[x, y, z]` vector.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The order of axes that puts this one last and keeps the others in their order: slices across
    /// it then lie one after another, as MONAI's `SliceInferer` takes them.
    pub fn last(self) -> [usize; 3] {
        match self {
            Self::X => [1, 2, 0],
            Self::Y => [0, 2, 1],
            Self::Z => [0, 1, 2],
        }
    }
}
