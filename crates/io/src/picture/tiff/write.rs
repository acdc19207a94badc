//! Labels as a TIFF, and the spacing of a stack in a second file, as nnU-Net's `Tiff3DIO` has it.

use super::{
    BITS, COMPRESSION, HEIGHT, PHOTOMETRIC, ROWS_PER_STRIP, SAMPLE_FORMAT, SAMPLES, STRIP_BYTES,
    STRIP_OFFSETS, WIDTH,
};
use crate::{Error, Result, write_bytes_atomically};
use std::io;
use std::path::{Path, PathBuf};

/// A page a slice, one strip each, without compression.
pub(in crate::picture) fn bytes(
    [width, height, slices]: [usize; 3],
    labels: &[u16],
    wide: bool,
) -> io::Result<Vec<u8>> {
    let each = 1 + usize::from(wide);
    let length = width * height * each;
    let entries: usize = 10;
    let page = 2 + 12 * entries + 4;
    let total = 8 + slices * (page + length);
    if u32::try_from(total).is_err() {
        return Err(io::Error::other("a TIFF holds no more than 4 GiB"));
    }
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(b"II*\0");
    out.extend_from_slice(&8u32.to_le_bytes());
    for (slice, labels) in labels.chunks_exact(width * height).enumerate() {
        let start = out.len();
        out.extend_from_slice(&(entries as u16).to_le_bytes());
        for (tag, value) in [
            (WIDTH, width),
            (HEIGHT, height),
            (BITS, 8 * each),
            (COMPRESSION, 1),
            (PHOTOMETRIC, 1),
            (STRIP_OFFSETS, start + page),
            (SAMPLES, 1),
            (ROWS_PER_STRIP, height),
            (STRIP_BYTES, length),
            (SAMPLE_FORMAT, 1),
        ] {
            out.extend_from_slice(&tag.to_le_bytes());
            // A 32-bit number.
            out.extend_from_slice(&4u16.to_le_bytes());
            out.extend_from_slice(&1u32.to_le_bytes());
            out.extend_from_slice(&(value as u32).to_le_bytes());
        }
        let next = if slice + 1 < slices {
            start + page + length
        } else {
            0
        };
        out.extend_from_slice(&(next as u32).to_le_bytes());
        match wide {
            true => out.extend(labels.iter().flat_map(|label| label.to_le_bytes())),
            false => out.extend(labels.iter().map(|&label| label as u8)),
        }
    }
    Ok(out)
}

/// `case.json` of `case_0000.tif` or of `case.tif`.
fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let case = match stem.rsplit_once('_') {
        Some((case, n)) if n.len() == 4 && n.bytes().all(|b| b.is_ascii_digit()) => case,
        _ => &stem,
    };
    path.with_file_name(format!("{case}.json"))
}

/// Spacing `[x, y, z]` of a stack: from the second file, or 1 mm.
pub(in crate::picture) fn spacing(path: &Path) -> Result<[f64; 3]> {
    #[derive(serde::Deserialize)]
    struct Beside {
        spacing: Vec<f64>,
    }
    let path = beside(path);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok([1.0; 3]),
        Err(e) => return Err(Error::read(&path, e)),
    };
    let expected = "three numbers above 0 (z, y, x)";
    let bad = |found: String| Error::header(&path, "spacing", found, expected);
    let read: Beside = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
    match read.spacing[..] {
        [z, y, x] if [x, y, z].iter().all(|mm| *mm > 0.0 && mm.is_finite()) => Ok([x, y, z]),
        _ => Err(bad(format!("{:?}", read.spacing))),
    }
}

pub(in crate::picture) fn write_spacing(path: &Path, [x, y, z]: [f64; 3]) -> Result<()> {
    let text = format!("{{\"spacing\": [{z:?}, {y:?}, {x:?}]}}\n");
    write_bytes_atomically(beside(path), text.as_bytes())
}
