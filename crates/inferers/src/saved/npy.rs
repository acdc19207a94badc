//! NumPy's array format, version 1.0, written value by value: a header, then 32-bit floats in C order.

use crate::ProbabilitySource;
use std::io::{self, Write};
use std::ops::Range;

/// Values that are turned to bytes at a time.
const RUN: usize = 1 << 18;

/// The header of an array of little-endian 32-bit floats, in C order.
pub(super) fn npy_header(shape: [usize; 4]) -> Vec<u8> {
    /// Magic, version and the length of what follows.
    const START: usize = 10;
    /// The values start at a multiple of this.
    const ALIGNMENT: usize = 64;
    let [c, z, y, x] = shape;
    let mut text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({c}, {z}, {y}, {x}), }}");
    let length = (START + text.len() + 1).next_multiple_of(ALIGNMENT);
    while START + text.len() + 1 < length {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // Four numbers of at most twenty digits stay far below 65 536 bytes.
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// Some voxels of every channel, channel after channel.
pub(super) fn write_values(
    writer: &mut impl Write,
    map: &dyn ProbabilitySource,
    voxels: Range<usize>,
) -> io::Result<()> {
    let mut values = vec![0.0f32; RUN.min(voxels.len())];
    let mut bytes = Vec::with_capacity(4 * values.len());
    for channel in 0..map.scheme().channels() {
        for first in voxels.clone().step_by(RUN) {
            let values = &mut values[..RUN.min(voxels.end - first)];
            map.read(channel, first, values).map_err(io::Error::other)?;
            bytes.clear();
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            writer.write_all(&bytes)?;
        }
    }
    Ok(())
}
