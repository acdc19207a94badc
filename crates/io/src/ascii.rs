//! Voxels written as decimal text, which NRRD and MetaImage allow.

use crate::voxel_type::{Wide, sealed::Sealed, with_voxel_type};
use crate::{Error, Layout, Result};

/// The values of a text layout as little-endian bytes, and how many bytes of text follow them.
pub(crate) fn read(layout: &Layout) -> Result<(Vec<u8>, u64)> {
    let path = layout.file().path();
    let bytes = layout.file().bytes()?;
    let start = usize::try_from(layout.start).unwrap_or(usize::MAX);
    let text = bytes.get(start..).unwrap_or(&[]);
    // Each value takes at least a digit and a space, so the text bounds what is allocated.
    if (layout.values() as u64).saturating_mul(2) > text.len() as u64 + 1 {
        return Err(layout.truncated(
            0,
            layout.start + 2 * layout.values() as u64,
            bytes.len() as u64,
        ));
    }
    let width = layout.voxel_type.bytes();
    let mut out = vec![0; layout.values() * width];
    let mut words = text
        .split(|b| b.is_ascii_whitespace() || *b == b',')
        .filter(|word| !word.is_empty());
    for (i, place) in out.chunks_exact_mut(width).enumerate() {
        let word = words.next().unwrap_or(b"");
        if !put(layout, word, place) {
            return Err(Error::header(
                path,
                format!("value {i} of the text data"),
                format!("`{}`", String::from_utf8_lossy(&word[..word.len().min(40)])),
                format!("a number of type {}", layout.voxel_type),
            ));
        }
    }
    let surplus = words.map(|word| word.len() as u64 + 1).sum();
    Ok((out, surplus))
}

fn put(layout: &Layout, word: &[u8], place: &mut [u8]) -> bool {
    let Ok(word) = std::str::from_utf8(word) else {
        return false;
    };
    let wide = if let Ok(value) = word.parse::<i64>() {
        Wide::I64(vec![value])
    } else if let Ok(value) = word.parse::<u64>() {
        Wide::U64(vec![value])
    } else if let Ok(value) = word.parse::<f64>() {
        Wide::F64(vec![value])
    } else {
        return false;
    };
    with_voxel_type!(layout.voxel_type, S => S::narrow_bytes(&wide, place))
}
