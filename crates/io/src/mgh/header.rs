//! The fields of an MGH header and the position that they give.

use crate::VoxelType;
use vesalius_volume::{Affine, Geometry};

/// Bytes before the voxels.
pub(super) const LENGTH: usize = 284;
/// Bytes that hold fields; the others are zeros.
const USED: usize = 90;

/// A header as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// Width, height, depth and frames.
    pub(super) extent: [i32; 4],
    pub(super) kind: i32,
    /// Whether the fields that follow are set (`goodRASFlag`).
    pub(super) placed: bool,
    pub(super) spacing: [f64; 3],
    /// The unit vector of each axis, RAS.
    pub(super) axes: [[f64; 3]; 3],
    /// Where voxel size / 2 lies, RAS mm.
    pub(super) center: [f64; 3],
}

/// Whether the bytes begin as version 1 of the format with a known kind of number.
pub(crate) fn detect(head: &[u8]) -> bool {
    let word = |at: usize| -> Option<i32> {
        let bytes = head.get(at..at + 4)?;
        Some(i32::from_be_bytes(bytes.try_into().ok()?))
    };
    let good = head
        .get(28..30)
        .is_some_and(|flag| matches!(flag, [0, 0 | 1]));
    good && word(0) == Some(1) && word(20).is_some_and(|kind| (0..=10).contains(&kind))
}

/// The header in the bytes; `None` when they are too few.
pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let bytes = bytes.get(..USED)?;
    let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    let int = |at: usize| i32::from_be_bytes(word(at));
    let real = |at: usize| f64::from(f32::from_be_bytes(word(at)));
    Some(Header {
        extent: std::array::from_fn(|i| int(4 + 4 * i)),
        kind: int(20),
        placed: i16::from_be_bytes([bytes[28], bytes[29]]) > 0,
        spacing: std::array::from_fn(|i| real(30 + 4 * i)),
        axes: std::array::from_fn(|j| std::array::from_fn(|i| real(42 + 12 * j + 4 * i))),
        center: std::array::from_fn(|i| real(78 + 4 * i)),
    })
}

/// The bytes of a header.
pub(super) fn write(header: &Header) -> Vec<u8> {
    let mut bytes = 1i32.to_be_bytes().to_vec();
    let ints = header.extent.iter().chain([&header.kind, &0]);
    bytes.extend(ints.flat_map(|value| value.to_be_bytes()));
    bytes.extend(i16::from(header.placed).to_be_bytes());
    let axes = header.axes.as_flattened();
    let reals = header.spacing.iter().chain(axes).chain(&header.center);
    bytes.extend(reals.flat_map(|value| (*value as f32).to_be_bytes()));
    bytes.resize(LENGTH, 0);
    bytes
}

impl Header {
    /// What FreeSurfer takes where a header has no position: coronal slices, 1 mm apart.
    pub(super) fn unplaced(self) -> Self {
        Self {
            spacing: [1.0; 3],
            axes: [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]],
            center: [0.0; 3],
            ..self
        }
    }

    /// Where the voxels lie.
    pub(super) fn geometry(&self, size: [usize; 3]) -> vesalius_volume::Result<Geometry> {
        let linear: [[f64; 3]; 3] =
            std::array::from_fn(|i| std::array::from_fn(|j| self.axes[j][i] * self.spacing[j]));
        let origin = std::array::from_fn(|i| {
            let half = (0..3).map(|j| linear[i][j] * (size[j] as f64 / 2.0));
            self.center[i] - half.sum::<f64>() + 0.0
        });
        Geometry::new(size, Affine::from_linear(linear, origin)?)
    }

    /// The header of a grid; its numbers are in single precision, as the format has them.
    pub(super) fn of(geometry: &Geometry, frames: i32, extent: [i32; 3], kind: i32) -> Self {
        let direction = geometry.direction();
        let size = geometry.size();
        let [width, height, depth] = extent;
        Self {
            extent: [width, height, depth, frames],
            kind,
            placed: true,
            spacing: geometry.spacing(),
            axes: std::array::from_fn(|j| std::array::from_fn(|i| direction[i][j])),
            center: geometry.index_to_world(size.map(|n| n as f64 / 2.0)),
        }
    }
}

/// The kinds of numbers: their codes and types.
const KINDS: [(i32, VoxelType); 5] = [
    (0, VoxelType::U8),
    (1, VoxelType::I32),
    (3, VoxelType::F32),
    (4, VoxelType::I16),
    (10, VoxelType::U16),
];

/// The type of a code.
pub(super) fn voxel_type(kind: i32) -> Option<VoxelType> {
    let found = KINDS.iter().find(|(code, _)| *code == kind);
    found.map(|(_, voxel_type)| *voxel_type)
}

/// The code of a type.
pub(super) fn kind(voxel_type: VoxelType) -> Option<i32> {
    let found = KINDS.iter().find(|(_, there)| *there == voxel_type);
    found.map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_its_centre_is_half_of_the_size() {
        let grid = Geometry::axis_aligned([4, 6, 10], [0.5, 1.0, 2.0]).unwrap();
        let grid = grid.with_origin([-3.0, 8.0, 0.25]).unwrap();
        let header = Header::of(&grid, 1, [4, 6, 10], 3);
        assert_eq!(header.center, [-2.0, 11.0, 10.25]);
        let bytes = write(&header);
        assert!(bytes.len() == LENGTH && detect(&bytes));
        assert_eq!(read(&bytes), Some(header.clone()));
        assert_eq!(header.geometry([4, 6, 10]).unwrap(), grid);
        for length in 0..USED {
            assert!(read(&bytes[..length]).is_none());
        }
    }
}
