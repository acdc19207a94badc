//! Voxels to stored little-endian bytes, checked value by value.

use crate::decode::expectation;
use crate::voxel_type::sealed::Sealed;
use crate::voxel_type::{Wide, with_voxel_type};
use crate::watch::Watch;
use crate::{Error, FileVoxel, Result, VoxelType, WriteOptions};
use rayon::prelude::*;
use std::io;
use std::path::Path;
use vesalius_control::Control;
use vesalius_volume::Geometry;

/// Makes the values from one on, of the channels one after another.
pub type MakeValues<'a, T> = &'a (dyn Fn(usize, &mut [T]) -> io::Result<()> + Sync);

/// Where the values come from, channel by channel.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a, T> {
    /// They are in memory.
    Memory(&'a [T]),
    /// They are made run by run.
    Made(MakeValues<'a, T>),
}

/// What is to be written, and as what.
pub(crate) struct Encoder<'a, T> {
    pub path: &'a Path,
    pub source: Source<'a, T>,
    /// How many values there are.
    pub count: usize,
    pub geometry: &'a Geometry,
    pub voxel_type: VoxelType,
    pub round: bool,
    pub control: Option<&'a Control>,
}

impl<'a, T: FileVoxel> Encoder<'a, T> {
    pub fn new(
        path: &'a Path,
        source: Source<'a, T>,
        (geometry, channels): (&'a Geometry, usize),
        options: &'a WriteOptions,
    ) -> Self {
        Self {
            path,
            source,
            count: geometry.voxel_count() * channels,
            geometry,
            voxel_type: options.voxel_type.unwrap_or(T::TYPE),
            round: options.round,
            control: options.control.as_ref(),
        }
    }

    /// What cancels and follows the work.
    pub fn watch(&self) -> Watch<'a> {
        Watch::new(self.path, self.control)
    }

    /// Bytes that all voxels take.
    pub fn bytes(&self) -> usize {
        self.count * self.voxel_type.bytes()
    }

    /// Writes the voxels from `first` on into `out`, whose length is a whole number of voxels.
    pub fn encode(&self, first: usize, out: &mut [u8]) -> Result<()> {
        let count = out.len() / self.voxel_type.bytes();
        match self.source {
            Source::Memory(data) => self.encode_values(first, &data[first..first + count], out),
            Source::Made(make) => {
                let mut values = vec![T::default(); count];
                make(first, &mut values).map_err(|source| Error::Write {
                    path: self.path.to_owned(),
                    source,
                })?;
                self.encode_values(first, &values, out)
            }
        }
    }

    fn encode_values(&self, first: usize, values: &[T], out: &mut [u8]) -> Result<()> {
        const RUN: usize = 1 << 15;
        let width = self.voxel_type.bytes();
        let failed = values
            .par_chunks(RUN)
            .zip(out.par_chunks_mut(RUN * width))
            .enumerate()
            .filter(|_| !self.watch().is_cancelled())
            .filter_map(|(i, (from, to))| Some(i * RUN + self.run(from, to).err()?))
            .min();
        self.watch().check()?;
        failed.map_or(Ok(()), |at| Err(self.misfit(first + at, values[at])))
    }

    fn run(&self, from: &[T], to: &mut [u8]) -> std::result::Result<(), usize> {
        /// Values at a time: they and their wide form stay in the first-level cache.
        const PIECE: usize = 1 << 10;
        if self.voxel_type == T::TYPE {
            T::store(from, to);
            return Ok(());
        }
        let width = self.voxel_type.bytes();
        let pieces = from.chunks(PIECE).zip(to.chunks_mut(PIECE * width));
        for (i, (from, to)) in pieces.enumerate() {
            if !self.run_piece(from, to) {
                let fits = |value: &T| self.run_piece(&[*value], &mut [0; 8][..width]);
                return Err(i * PIECE + from.iter().position(|v| !fits(v)).unwrap_or(0));
            }
        }
        Ok(())
    }

    fn run_piece(&self, from: &[T], to: &mut [u8]) -> bool {
        let mut wide = T::widen(from);
        if self.round
            && self.voxel_type.is_integer()
            && let Wide::F64(values) = &mut wide
        {
            for value in values {
                *value = value.round_ties_even();
            }
        }
        with_voxel_type!(self.voxel_type, S => S::narrow_bytes(&wide, to))
    }

    fn misfit(&self, at: usize, value: T) -> Error {
        let voxels = self.geometry.voxel_count();
        Error::NotStorable {
            path: self.path.to_owned(),
            value: format!("{value:?}"),
            index: self.geometry.index(at % voxels),
            channel: at / voxels,
            expected: expectation(self.voxel_type).to_string(),
        }
    }
}
