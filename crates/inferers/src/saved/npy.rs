//! NumPy's array format: read whole, and written value by value in version 1.0 (a header, then 32-bit floats in C order).

use crate::ProbabilitySource;
use ndarray::ArrayD;
use ndarray_npy::{ReadNpyExt, npy::header::Header};
use std::io::{self, Cursor, Write};
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

/// An array of 32-bit floats from the bytes of an `.npy` file. Nothing that its header states is trusted: no memory
/// is asked for that the bytes do not fill.
///
/// # Errors
/// In words, without the file's name: no such array, or one whose header and length contradict each other.
#[doc(hidden)]
pub fn array_from_npy(bytes: &[u8]) -> Result<ArrayD<f32>, String> {
    /// More brackets than a type and a shape have; each level of nesting takes the parser's stack.
    const MOST_BRACKETS: usize = 16;
    let (start, width) = match bytes.get(6) {
        Some(1) => (10, 2),
        _ => (12, 4),
    };
    let mut length = [0; 8];
    let field = bytes.get(8..8 + width).ok_or("it ends within its header")?;
    length[..width].copy_from_slice(field);
    let text = usize::try_from(u64::from_le_bytes(length))
        .ok()
        .and_then(|length| bytes.get(start..)?.get(..length))
        .ok_or("it ends within its header")?;
    if text.iter().filter(|byte| b"([{".contains(byte)).count() > MOST_BRACKETS {
        return Err("its header describes no array of numbers".to_owned());
    }
    let mut rest = Cursor::new(bytes);
    let header = Header::from_reader(&mut rest).map_err(|e| e.to_string())?;
    let there = bytes.len() as u64 - rest.position();
    let values = header
        .shape
        .iter()
        .try_fold(4u64, |product, &n| product.checked_mul(n as u64));
    if values.is_none_or(|needed| needed > there) {
        let shape = header.shape;
        return Err(format!(
            "its header states {shape:?} values, of which {there} bytes are there"
        ));
    }
    ArrayD::read_npy(Cursor::new(bytes)).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, values: usize) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16 + 1).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.push(b'\n');
        bytes.resize(bytes.len() + 4 * values, 0);
        bytes
    }

    #[test]
    fn headers_that_lie_are_errors_and_no_allocation() {
        let shape =
            |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
        let read = |header: &str, values| array_from_npy(&file(header, values));
        assert_eq!(read(&shape("(2, 3)"), 6).unwrap().shape(), [2, 3]);
        for lie in [
            "(1000000000000,)",
            "(4294967296, 4294967296, 4294967296)",
            "(7,)",
        ] {
            let text = read(&shape(lie), 6).unwrap_err();
            assert!(text.contains("24 bytes"), "{text}");
        }
        let deep = read(&shape(&"(".repeat(60_000)), 0).unwrap_err();
        assert!(deep.contains("no array"), "{deep}");
        let whole = file(&shape("(2, 3)"), 6);
        for cut in 0..whole.len() {
            assert!(array_from_npy(&whole[..cut]).is_err(), "{cut}");
        }
        let mut long = whole.clone();
        long[6] = 2;
        long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(array_from_npy(&long).is_err());
    }
}
