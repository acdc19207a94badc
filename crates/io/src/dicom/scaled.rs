//! What the scaling of a series' slices gives: the type that holds every value, and what is taken for numbers that are
//! not usable.

use super::frame::Frame;
use crate::VoxelType;
use std::collections::BTreeMap;
use vesalius_volume::Warning;

/// Slopes and intercepts that are no usable numbers, one warning an attribute.
pub(super) fn replaced_scalings(frames: &[Frame]) -> Vec<Warning> {
    let mut by_name: BTreeMap<&str, (String, f64, usize)> = BTreeMap::new();
    for (name, text, taken) in frames.iter().flat_map(|frame| &frame.unusable) {
        let entry = by_name.entry(name).or_insert((text.clone(), *taken, 0));
        entry.2 += 1;
    }
    let warning = |(name, (found, taken, frames)): (&str, (String, f64, usize))| {
        let attribute = name.to_owned();
        Warning::ScalingReplaced {
            attribute,
            found,
            taken,
            frames,
        }
    };
    by_name.into_iter().map(warning).collect()
}

/// Whether voxels are computed from those of the frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Computed {
    /// They are those of the frames.
    No,
    /// They lie between those, and are real numbers.
    Real,
    /// They lie between those, are rounded, and may also be this number.
    Rounded(f64),
}

/// The smallest type that holds every scaled value: whole numbers as long as all slopes and
/// intercepts are whole.
pub(super) fn meant_type(
    (bits, signed, float): (u16, bool, bool),
    frames: &[Frame],
    computed: Computed,
) -> VoxelType {
    let whole = |v: f64| v.fract() == 0.0 && v.abs() < 2f64.powi(31);
    let wide = if bits > 24 {
        VoxelType::F64
    } else {
        VoxelType::F32
    };
    if float {
        return if bits > 32 {
            VoxelType::F64
        } else {
            VoxelType::F32
        };
    }
    if bits > 32
        || computed == Computed::Real
        || !frames
            .iter()
            .all(|f| whole(f.scaling.slope) && whole(f.scaling.intercept))
    {
        return wide;
    }
    let (lowest, highest) = match signed {
        true => (
            -(2f64.powi(i32::from(bits) - 1)),
            2f64.powi(i32::from(bits) - 1) - 1.0,
        ),
        false => (0.0, 2f64.powi(i32::from(bits)) - 1.0),
    };
    let ends = frames.iter().flat_map(|f| {
        [lowest, highest].map(|stored| stored * f.scaling.slope + f.scaling.intercept)
    });
    let also = match computed {
        Computed::Rounded(padding) => padding,
        _ => 0.0,
    };
    let also = (also.min(0.0), also.max(0.0));
    let (low, high) = ends.fold(also, |(low, high), v| (low.min(v), high.max(v)));
    let holds = |low_end: f64, high_end: f64| low >= low_end && high <= high_end;
    let choices = [
        (VoxelType::U8, 0.0, f64::from(u8::MAX)),
        (VoxelType::U16, 0.0, f64::from(u16::MAX)),
        (VoxelType::I16, f64::from(i16::MIN), f64::from(i16::MAX)),
        (VoxelType::U32, 0.0, f64::from(u32::MAX)),
        (VoxelType::I32, f64::from(i32::MIN), f64::from(i32::MAX)),
    ];
    choices
        .into_iter()
        .find(|&(_, low_end, high_end)| holds(low_end, high_end))
        .map_or(VoxelType::F64, |(voxel_type, ..)| voxel_type)
}

/// A type that holds the values of two.
pub(super) fn wider(a: VoxelType, b: VoxelType) -> VoxelType {
    let range = |t: VoxelType| match t {
        VoxelType::U8 => Some((0, 8)),
        VoxelType::I8 => Some((7, 7)),
        VoxelType::U16 => Some((0, 16)),
        VoxelType::I16 => Some((15, 15)),
        VoxelType::U32 => Some((0, 32)),
        VoxelType::I32 => Some((31, 31)),
        _ => None,
    };
    match (range(a), range(b)) {
        _ if a == b => a,
        (Some(a), Some(b)) => {
            // Bits below zero and above it.
            let needed = (a.0.max(b.0), a.1.max(b.1));
            let types = [
                VoxelType::U8,
                VoxelType::U16,
                VoxelType::I16,
                VoxelType::U32,
                VoxelType::I32,
            ];
            let holds = |t: &VoxelType| {
                let held = range(*t).unwrap_or((0, 0));
                held.0 >= needed.0 && held.1 >= needed.1
            };
            types.into_iter().find(holds).unwrap_or(VoxelType::F64)
        }
        (whole, other) => {
            let bits = whole.or(other).map_or(0, |(low, high)| low.max(high));
            let wide = [a, b].contains(&VoxelType::F64) || bits > 16;
            let real = range(a).is_none() && range(b).is_none();
            match [a, b].contains(&VoxelType::F64) || wide && !real {
                true => VoxelType::F64,
                false => VoxelType::F32,
            }
        }
    }
}
