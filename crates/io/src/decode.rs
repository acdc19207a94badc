//! Stored bytes to voxels of the caller's type: both byte orders, scaling in f64, all cores.

use crate::layout::Whole;
use crate::voxel_type::sealed::Sealed;
use crate::voxel_type::{Wide, with_voxel_type};
use crate::watch::Watch;
use crate::{Error, FileVoxel, Layout, Result, Scaling, VoxelType};
use rayon::prelude::*;
use std::path::Path;

/// Voxels that one task converts: large enough to be worth a task, small enough for the cache.
const RUN: usize = 1 << 16;

/// Converts all voxels; `bytes` are those of the layout, no more and no less.
pub(crate) fn decode<T: FileVoxel>(
    path: &Path,
    bytes: &[u8],
    layout: &Layout,
    watch: Watch,
) -> Result<Vec<T>> {
    let mut out = vec![T::default(); layout.values()];
    let width = layout.voxel_type.bytes();
    let failed = if layout.interleaved && layout.channels > 1 {
        interleaved(bytes, layout, &mut out, watch)
    } else {
        out.par_chunks_mut(RUN)
            .zip(bytes.par_chunks(RUN * width))
            .enumerate()
            .filter(|_| !watch.is_cancelled())
            .filter_map(|(i, (to, from))| {
                let at = convert(from, layout, to).err()?;
                Some(i * RUN + at)
            })
            .min()
    };
    watch.check()?;
    match failed {
        None => Ok(out),
        Some(at) => Err(value_error::<T>(path, bytes, layout, at)),
    }
}

fn interleaved<T: FileVoxel>(
    bytes: &[u8],
    layout: &Layout,
    out: &mut [T],
    watch: Watch,
) -> Option<usize> {
    let (channels, width) = (layout.channels, layout.voxel_type.bytes());
    let voxels = out.len() / channels;
    let mut planes: Vec<&mut [T]> = out.chunks_exact_mut(voxels).collect();
    let mut run = vec![T::default(); RUN.min(voxels) * channels];
    for (i, from) in bytes.chunks(RUN * channels * width).enumerate() {
        if watch.is_cancelled() {
            return None;
        }
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
    /// Values at a time: they and their wide form stay in the first-level cache.
    const PIECE: usize = 1 << 10;
    let width = layout.voxel_type.bytes();
    let mut swapped = Vec::new();
    let pieces = from.chunks(PIECE * width).zip(to.chunks_mut(PIECE));
    for (i, (from, to)) in pieces.enumerate() {
        let from = if layout.big_endian && width > 1 {
            swapped.clear();
            swapped.extend_from_slice(from);
            swapped.chunks_exact_mut(width).for_each(<[u8]>::reverse);
            &swapped
        } else {
            from
        };
        if !convert_piece(from, layout, to) {
            let fits = |k: usize| {
                let one = &from[k * width..(k + 1) * width];
                convert_piece(one, layout, &mut [T::default()])
            };
            return Err(i * PIECE + (0..to.len()).position(|k| !fits(k)).unwrap_or(0));
        }
    }
    Ok(())
}

/// Converts little-endian values; whether all of them fit.
fn convert_piece<T: FileVoxel>(from: &[u8], layout: &Layout, to: &mut [T]) -> bool {
    if layout.whole != Whole::Exact && T::TYPE.is_integer() {
        let mut values = match layout.scaling == Scaling::IDENTITY {
            true => wide(layout.voxel_type, from),
            false => scaled(from, layout),
        };
        if let Wide::F64(values) = &mut values {
            settle(values, layout);
        }
        return T::narrow(&values, to);
    }
    if layout.scaling == Scaling::IDENTITY {
        if layout.voxel_type == T::TYPE {
            T::load(from, to);
            return true;
        }
        if T::load_straight(layout.voxel_type, from, to) {
            return true;
        }
        return T::narrow(&wide(layout.voxel_type, from), to);
    }
    T::narrow(&scaled(from, layout), to)
}

/// Takes values as whole that are so but for rounding, or all of them.
fn settle(values: &mut [f64], layout: &Layout) {
    /// Units in the last place of single precision, in which programs scale and store.
    const UNITS: f64 = 4.0 * f32::EPSILON as f64;
    /// A value is never moved by more than this.
    const MOST: f64 = 1e-3;
    let summand = layout.scaling.intercept.abs();
    for value in values {
        let whole = value.round_ties_even();
        // Near 0 only what the scaling cancels is rounding: small numbers are numbers.
        let size = value.abs().max(summand);
        let near = (*value - whole).abs() <= (UNITS * size).min(MOST);
        if near || layout.whole == Whole::Round {
            *value = whole;
        }
    }
}

fn wide(voxel_type: VoxelType, from: &[u8]) -> Wide {
    with_voxel_type!(voxel_type, S => S::widen_bytes(from))
}

fn scaled(from: &[u8], layout: &Layout) -> Wide {
    let Scaling { slope, intercept } = layout.scaling;
    let line = |value: f64| value * slope + intercept;
    Wide::F64(match wide(layout.voxel_type, from) {
        Wide::I64(values) => values.iter().map(|&v| line(v as f64)).collect(),
        Wide::U64(values) => values.iter().map(|&v| line(v as f64)).collect(),
        Wide::F64(values) => values.iter().map(|&v| line(v)).collect(),
    })
}

/// The error for the value at offset `at` of a channels-outermost buffer.
fn value_error<T: FileVoxel>(path: &Path, bytes: &[u8], layout: &Layout, at: usize) -> Error {
    let voxels = layout.values() / layout.channels;
    let (channel, voxel) = (at / voxels, at % voxels);
    let place = if layout.interleaved {
        voxel * layout.channels + channel
    } else {
        at
    };
    let width = layout.voxel_type.bytes();
    let [x, y, _] = layout.size;
    let index = [voxel % x, voxel / x % y, voxel / (x * y)];
    misfit::<T>(
        path,
        &bytes[place * width..(place + 1) * width],
        layout,
        index,
        channel,
    )
}

/// The error for a stored value that `T` does not hold.
pub(crate) fn misfit<T: FileVoxel>(
    path: &Path,
    stored: &[u8],
    layout: &Layout,
    index: [usize; 3],
    channel: usize,
) -> Error {
    Error::Value {
        path: path.to_owned(),
        value: stored_value(stored, layout),
        index,
        channel,
        expected: expectation(T::TYPE),
    }
}

fn stored_value(bytes: &[u8], layout: &Layout) -> String {
    let mut bytes = bytes.to_vec();
    if layout.big_endian {
        bytes.reverse();
    }
    if layout.scaling != Scaling::IDENTITY
        && let Wide::F64(values) = scaled(&bytes, layout)
    {
        return values[0].to_string();
    }
    match wide(layout.voxel_type, &bytes) {
        Wide::I64(values) => values[0].to_string(),
        Wide::U64(values) => values[0].to_string(),
        Wide::F64(values) => values[0].to_string(),
    }
}

pub(crate) fn expectation(voxel_type: crate::VoxelType) -> String {
    with_voxel_type!(voxel_type, S => {
        format!("a whole number from {} to {}", S::MIN, S::MAX)
    })
}
