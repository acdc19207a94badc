//! Voxels to stored little-endian bytes, checked value by value.

use crate::decode::expectation;
use crate::voxel_type::with_voxel_type;
use crate::{Error, FileVoxel, Result, VoxelType, WriteOptions};
use rayon::prelude::*;
use std::path::Path;
use vesalius_volume::Geometry;

/// What is to be written, and as what.
pub(crate) struct Encoder<'a, T> {
    pub path: &'a Path,
    pub data: &'a [T],
    pub geometry: &'a Geometry,
    pub voxel_type: VoxelType,
    pub round: bool,
}

impl<'a, T: FileVoxel> Encoder<'a, T> {
    pub fn new(
        path: &'a Path,
        data: &'a [T],
        geometry: &'a Geometry,
        options: &WriteOptions,
    ) -> Self {
        Self {
            path,
            data,
            geometry,
            voxel_type: options.voxel_type.unwrap_or(T::TYPE),
            round: options.round,
        }
    }

    /// Bytes that all voxels take.
    pub fn bytes(&self) -> usize {
        self.data.len() * self.voxel_type.bytes()
    }

    /// Writes the voxels from `first` on into `out`, whose length is a whole number of voxels.
    pub fn encode(&self, first: usize, out: &mut [u8]) -> Result<()> {
        const RUN: usize = 1 << 15;
        let width = self.voxel_type.bytes();
        let count = out.len() / width;
        let failed = self.data[first..first + count]
            .par_chunks(RUN)
            .zip(out.par_chunks_mut(RUN * width))
            .enumerate()
            .filter_map(|(i, (from, to))| Some(i * RUN + self.run(from, to).err()?))
            .min();
        failed.map_or(Ok(()), |at| Err(self.misfit(first + at)))
    }

    fn run(&self, from: &[T], to: &mut [u8]) -> std::result::Result<(), usize> {
        with_voxel_type!(self.voxel_type, S => {
            if self.round && self.voxel_type.is_integer() && !T::TYPE.is_integer() {
                each::<T, S>(from, to, |value| S::from_f64(value.to_f64().round_ties_even()))
            } else {
                each::<T, S>(from, to, T::cast::<S>)
            }
        })
    }

    fn misfit(&self, at: usize) -> Error {
        let voxels = self.geometry.voxel_count();
        Error::Value {
            path: self.path.to_owned(),
            value: format!("{:?}", self.data[at]),
            index: self.geometry.index(at % voxels),
            channel: at / voxels,
            expected: format!(
                "{} (choose another voxel type, or `round` for real values)",
                expectation(self.voxel_type)
            ),
        }
    }
}

#[inline(always)]
fn each<T: FileVoxel, S: FileVoxel>(
    from: &[T],
    to: &mut [u8],
    cast: impl Fn(T) -> Option<S>,
) -> std::result::Result<(), usize> {
    let mut fits = true;
    for (value, bytes) in from.iter().zip(to.chunks_exact_mut(size_of::<S>())) {
        let value = cast(*value);
        fits &= value.is_some();
        value.unwrap_or_default().put_le(bytes);
    }
    if fits {
        return Ok(());
    }
    Err(from.iter().position(|&v| cast(v).is_none()).unwrap_or(0))
}
