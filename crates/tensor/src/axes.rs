//! The one place where `[x, y, z]` becomes tensor order, and where one number is used for three axes.

use serde::{Deserialize, Serialize};

/// `[x, y, z]` as the last three axes of a tensor, `[z, y, x]`; its own inverse.
pub fn reversed<T: Copy>([a, b, c]: [T; 3]) -> [T; 3] {
    [c, b, a]
}

/// A number for every axis, or one each, as `[x, y, z]` (3-D) or `[x, y]` (2-D).
///
/// In YAML: `2`, `[2, 2]` or `[2, 2, 1]`.
///
/// ```
/// use vesalius_tensor::axes::PerAxis;
///
/// assert_eq!(PerAxis::from(2).resolve(3), Some([2, 2, 2]));
/// // A 2-D network has one voxel along z.
/// assert_eq!(PerAxis::from(2).resolve(2), Some([2, 2, 1]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number, or a list of 2 or 3 (`[x, y]` or `[x, y, z]`)"
)]
pub enum PerAxis {
    /// The same along every axis that the network has.
    Same(usize),
    /// `[x, y]` of a 2-D network.
    Flat([usize; 2]),
    /// `[x, y, z]`.
    Each([usize; 3]),
}

impl PerAxis {
    /// `[x, y, z]` for a network of `spatial_dims` 2 or 3; along the Z axis of a 2-D network it is
    /// 1, and `None` when three numbers were given whose last is not 1, or two for a 3-D network.
    pub fn resolve(self, spatial_dims: usize) -> Option<[usize; 3]> {
        match (self, spatial_dims) {
            (Self::Same(n), 2) => Some([n, n, 1]),
            (Self::Same(n), 3) => Some([n; 3]),
            (Self::Flat([x, y]), 2) => Some([x, y, 1]),
            (Self::Each(each @ [_, _, 1]), 2) => Some(each),
            (Self::Each(each), 3) => Some(each),
            _ => None,
        }
    }
}

impl From<usize> for PerAxis {
    fn from(n: usize) -> Self {
        Self::Same(n)
    }
}

impl From<[usize; 3]> for PerAxis {
    fn from(each: [usize; 3]) -> Self {
        Self::Each(each)
    }
}

impl std::fmt::Display for PerAxis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Same(n) => write!(f, "{n}"),
            Self::Flat(each) => write!(f, "{each:?}"),
            Self::Each(each) => write!(f, "{each:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_2d_network_has_one_along_z() {
        assert_eq!(PerAxis::Same(3).resolve(2), Some([3, 3, 1]));
        assert_eq!(PerAxis::Same(3).resolve(3), Some([3, 3, 3]));
        assert_eq!(PerAxis::Each([2, 2, 1]).resolve(2), Some([2, 2, 1]));
        assert_eq!(PerAxis::Each([2, 2, 2]).resolve(2), None);
        assert_eq!(PerAxis::Flat([2, 1]).resolve(3), None);
    }
}
