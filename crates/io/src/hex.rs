//! Voxels written as hexadecimal text, which NRRD allows: two digits a byte, the upper half first.

use crate::{Error, Layout, Result};

/// The bytes of a layout of hexadecimal text, and how many bytes of digits follow them.
pub(crate) fn read(layout: &Layout) -> Result<(Vec<u8>, u64)> {
    let path = layout.file().path();
    let bytes = layout.file().bytes()?;
    let start = usize::try_from(layout.start).unwrap_or(usize::MAX);
    let text = bytes.get(start..).unwrap_or(&[]);
    // Two digits a byte: the text bounds what is allocated.
    let needed = layout.bytes().saturating_mul(2);
    if needed > text.len() as u64 {
        let there = bytes.len() as u64;
        return Err(layout.truncated(0, layout.start.saturating_add(needed), there));
    }
    let length = layout.bytes() as usize;
    let mut out = Vec::with_capacity(length);
    let mut digits = text.iter().copied().filter(|b| !b.is_ascii_whitespace());
    while out.len() < length {
        let (Some(high), Some(low)) = (digits.next(), digits.next()) else {
            let there = bytes.len() as u64;
            return Err(layout.truncated(0, layout.start.saturating_add(needed), there));
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (Some(high), Some(low)) = (digit(high), digit(low)) else {
            return Err(Error::header(
                path,
                format!("byte {} of the hexadecimal data", out.len()),
                format!("`{}{}`", high.escape_ascii(), low.escape_ascii()),
                "two digits 0 to 9, a to f",
            ));
        };
        out.push((high * 16 + low) as u8);
    }
    Ok((out, digits.count() as u64))
}
