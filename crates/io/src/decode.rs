//! Stored bytes to voxels of the caller's type: both byte orders, scaling in f64, all cores.

use crate::voxel_type::{sealed::Sealed, with_voxel_type};
use crate::{Error, FileVoxel, Layout, Result, Scaling};
use rayon::prelude::*;
use std::path::Path;

/// Voxels that one task converts: large enough to be worth a task, small enough for the cache.
const RUN: usize = 1 << 16;

/// Converts all voxels; `bytes` are those of the layout, no more and no less.
pub(crate) fn decode<T: FileVoxel>(path: &Path, bytes: &[u8], layout: &Layout) -> Result<Vec<T>> {
    let mut out = vec![T::default(); layout.values()];
    let width = layout.voxel_type.bytes();
    let failed = if layout.interleaved && layout.channels > 1 {
        interleaved(bytes, layout, &mut out)
    } else {
        out.par_chunks_mut(RUN)
            .zip(bytes.par_chunks(RUN * width))
            .enumerate()
            .filter_map(|(i, (to, from))| {
                let at = convert(from, layout, to).err()?;
                Some(i * RUN + at)
            })
            .min()
    };
    match failed {
        None => Ok(out),
        Some(at) => Err(value_error::<T>(path, bytes, layout, at)),
    }
}

fn interleaved<T: FileVoxel>(bytes: &[u8], layout: &Layout, out: &mut [T]) -> Option<usize> {
    let (channels, width) = (layout.channels, layout.voxel_type.bytes());
    let voxels = out.len() / channels;
    let mut planes: Vec<&mut [T]> = out.chunks_exact_mut(voxels).collect();
    let mut run = vec![T::default(); RUN.min(voxels) * channels];
    for (i, from) in bytes.chunks(RUN * channels * width).enumerate() {
        let count = from.len() / width;
        if let Err(at) = convert(from, layout, &mut run[..count]) {
            let (voxel, channel) = (i * RUN + at / channels, at % channels);
            return Some(channel * voxels + voxel);
        }
        for (c, plane) in planes.iter_mut().enumerate() {
            let to = &mut plane[i * RUN..i * RUN + count / channels];
            for (voxel, value) in to.iter_mut().zip(run[c..count].iter().step_by(channels)) {
                *voxel = *value;
            }
        }
    }
    None
}

/// Converts a run of voxels; an error is the first one that does not fit.
pub(crate) fn convert<T: FileVoxel>(
    from: &[u8],
    layout: &Layout,
    to: &mut [T],
) -> std::result::Result<(), usize> {
    with_voxel_type!(layout.voxel_type, S => {
        match (layout.scaling == Scaling::IDENTITY, layout.big_endian) {
            (true, false) => each::<S, T>(from, to, S::load_le, S::cast::<T>),
            (true, true) => each::<S, T>(from, to, S::load_be, S::cast::<T>),
            (false, big) => {
                let Scaling { slope, intercept } = layout.scaling;
                let scaled = |value: S| T::from_f64(value.to_f64() * slope + intercept);
                if big {
                    each(from, to, S::load_be, scaled)
                } else {
                    each(from, to, S::load_le, scaled)
                }
            }
        }
    })
}

#[inline(always)]
fn each<S: FileVoxel, T: FileVoxel>(
    from: &[u8],
    to: &mut [T],
    load: impl Fn(&[u8]) -> S,
    cast: impl Fn(S) -> Option<T>,
) -> std::result::Result<(), usize> {
    let values = || from.chunks_exact(size_of::<S>());
    // No early exit: the loop has no branch and becomes vector instructions.
    let mut fits = true;
    for (voxel, bytes) in to.iter_mut().zip(values()) {
        let value = cast(load(bytes));
        fits &= value.is_some();
        *voxel = value.unwrap_or_default();
    }
    if fits {
        return Ok(());
    }
    let first = values().position(|bytes| cast(load(bytes)).is_none());
    Err(first.unwrap_or(0))
}

/// The error for the value at offset `at` of a channels-outermost buffer.
pub(crate) fn value_error<T: FileVoxel>(
    path: &Path,
    bytes: &[u8],
    layout: &Layout,
    at: usize,
) -> Error {
    let voxels = layout.values() / layout.channels;
    let (channel, voxel) = (at / voxels, at % voxels);
    let place = if layout.interleaved {
        voxel * layout.channels + channel
    } else {
        at
    };
    let width = layout.voxel_type.bytes();
    let stored = &bytes[place * width..(place + 1) * width];
    let [x, y, _] = layout.size;
    Error::Value {
        path: path.to_owned(),
        value: stored_value(stored, layout),
        index: [voxel % x, voxel / x % y, voxel / (x * y)],
        channel,
        expected: expectation(T::TYPE),
    }
}

fn stored_value(bytes: &[u8], layout: &Layout) -> String {
    with_voxel_type!(layout.voxel_type, S => {
        let value = if layout.big_endian { S::load_be(bytes) } else { S::load_le(bytes) };
        if layout.scaling == Scaling::IDENTITY {
            format!("{value:?}")
        } else {
            format!("{}", value.to_f64() * layout.scaling.slope + layout.scaling.intercept)
        }
    })
}

pub(crate) fn expectation(voxel_type: crate::VoxelType) -> String {
    with_voxel_type!(voxel_type, S => {
        format!("a whole number from {} to {}", S::MIN, S::MAX)
    })
}
