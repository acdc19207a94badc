//! The index axes by name.

use serde::{Deserialize, Serialize};

/// An index axis of a volume.
///
/// ```
/// use vesalius_transforms::Axis;
///
/// assert_eq!(Axis::Z.index(), 2);
/// // Slices across x: y and z keep their order, x comes last.
/// assert_eq!(Axis::X.last(), [1, 2, 0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "Written")]
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
    /// it are then contiguous, as MONAI's `SliceInferer` takes them.
    pub fn last(self) -> [usize; 3] {
        match self {
            Self::X => [1, 2, 0],
            Self::Y => [0, 2, 1],
            Self::Z => [0, 1, 2],
        }
    }
}

/// An axis as a file has it: YAML 1.1 takes a bare `y` for `true`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an axis: x, y or z")]
enum Written {
    Flag(bool),
    Name(String),
}

impl TryFrom<Written> for Axis {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Flag(true) => Ok(Self::Y),
            Written::Flag(false) => Err("unknown axis `false`; known are x, y, z".to_owned()),
            Written::Name(name) => match name.as_str() {
                "x" => Ok(Self::X),
                "y" => Ok(Self::Y),
                "z" => Ok(Self::Z),
                _ => Err(format!("unknown axis `{name}`; known are x, y, z")),
            },
        }
    }
}
