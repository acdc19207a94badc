//! The part of an image that is in memory: a box of its voxels, within the size of the whole.

use super::IndexBox;

/// The voxels of a box, x fastest, and where they lie in the whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a, T> {
    pub values: &'a [T],
    /// Size of the whole.
    pub whole: [usize; 3],
    /// First voxel of the box.
    pub first: [usize; 3],
    /// Size of the box.
    pub size: [usize; 3],
}

impl<'a, T> Window<'a, T> {
    /// All voxels.
    pub fn all(values: &'a [T], size: [usize; 3]) -> Self {
        Self {
            values,
            whole: size,
            first: [0; 3],
            size,
        }
    }

    /// The voxels of a box that has at least one.
    pub fn of(values: &'a [T], whole: [usize; 3], part: &IndexBox) -> Self {
        Self {
            values,
            whole,
            first: std::array::from_fn(|a| part[a].start),
            size: std::array::from_fn(|a| part[a].len()),
        }
    }

    /// The place within the box along an axis of the voxel at an index of the whole; beyond the box its border.
    #[inline(always)]
    pub fn nearest(&self, axis: usize, index: i64) -> usize {
        let (first, size) = (self.first[axis] as i64, self.size[axis] as i64);
        (index.clamp(first, first + size - 1) - first) as usize
    }

    /// The voxel at an index of the whole; beyond the box the nearest one of its border.
    #[inline(always)]
    pub fn get(&self, index: [i64; 3]) -> T
    where
        T: Copy,
    {
        let [x, y, z] = std::array::from_fn(|axis| self.nearest(axis, index[axis]));
        self.values[(z * self.size[1] + y) * self.size[0] + x]
    }
}
