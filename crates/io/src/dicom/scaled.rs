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

/// The smallest type that holds every scaled value: whole numbers as long as all slopes and
/// intercepts are whole.
pub(super) fn meant_type((bits, signed, float): (u16, bool, bool), frames: &[Frame]) -> VoxelType {
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
    let (low, high) = ends.fold((0f64, 0f64), |(low, high), v| (low.min(v), high.max(v)));
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
