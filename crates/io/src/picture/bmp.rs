//! BMP without compression: 8 bits by a palette, 24 and 32 bits of colour.

use super::{Budget, Picture};
use crate::{Error, Result};
use std::path::Path;

/// Bytes of the two headers.
const HEADERS: usize = 14 + 40;

struct Fields<'a> {
    path: &'a Path,
    bytes: &'a [u8],
}

impl Fields<'_> {
    fn number(&self, at: usize, width: usize) -> Result<u32> {
        let bytes = self.bytes.get(at..at + width);
        let bytes = bytes.ok_or_else(|| {
            Error::header(
                self.path,
                "the BMP's header",
                "cut short",
                "a whole BMP file",
            )
        })?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }
}

pub(super) fn read(path: &Path, bytes: &[u8], budget: Budget) -> Result<Picture> {
    let fields = Fields { path, bytes };
    let first = fields.number(10, 4)? as usize;
    let header = fields.number(14, 4)? as usize;
    let width = fields.number(18, 4)? as usize;
    // A negative height means that the first row is the upper one.
    let height = fields.number(22, 4)? as i32;
    let rows = height.unsigned_abs() as usize;
    let (bits, compression) = (fields.number(28, 2)?, fields.number(30, 4)?);
    if header < 40 || !matches!((bits, compression), (8 | 24, 0) | (32, 0 | 3)) {
        return Err(Error::unsupported(
            path,
            format!("a BMP of {bits} bits a pixel, compression {compression}"),
            "save it without compression in 8, 24 or 32 bits, or as PNG",
        ));
    }
    let each = bits as usize / 8;
    let values = budget.admit(path, &[width, rows, each])?;
    let stride = (width * each).next_multiple_of(4);
    let pixels = bytes.get(first..).unwrap_or_default();
    if pixels.len() < stride * rows {
        return Err(Error::Truncated {
            path: path.to_owned(),
            what: "its pixels".to_owned(),
            expected: (first + stride * rows) as u64,
            offset: bytes.len() as u64,
        });
    }
    let palette = Palette::read(&fields, header, bits, first)?;
    let channels = palette.channels(each);
    let mut out = Vec::with_capacity(values / each * channels);
    for row in 0..rows {
        let from = if height < 0 { row } else { rows - 1 - row };
        let line = &pixels[from * stride..][..width * each];
        for pixel in line.chunks_exact(each) {
            palette.push(pixel, &mut out);
        }
    }
    Ok(Picture::interleaved([width, rows, 1], channels, out))
}

/// What bytes of a pixel mean.
enum Palette {
    /// Blue, green, red, and alpha that does not count in 32 bits.
    Direct,
    /// A grey value each.
    Grey,
    /// Red, green, blue each.
    Colour(Vec<[u8; 3]>),
}

impl Palette {
    fn read(fields: &Fields, header: usize, bits: u32, first: usize) -> Result<Self> {
        if bits != 8 {
            return Ok(Self::Direct);
        }
        let start = 14 + header;
        let entries = fields
            .bytes
            .get(start..first.max(start))
            .unwrap_or_default();
        let colours: Vec<[u8; 3]> = entries
            .chunks_exact(4)
            .map(|e| [e[2], e[1], e[0]])
            .collect();
        let grey = colours
            .iter()
            .zip(0u8..=255)
            .all(|(colour, grey)| *colour == [grey; 3]);
        Ok(if grey {
            Self::Grey
        } else {
            Self::Colour(colours)
        })
    }

    fn channels(&self, each: usize) -> usize {
        match (self, each) {
            (Self::Grey, _) => 1,
            _ => 3,
        }
    }

    fn push(&self, pixel: &[u8], out: &mut Vec<f32>) {
        match self {
            Self::Grey => out.push(f32::from(pixel[0])),
            Self::Direct => out.extend([pixel[2], pixel[1], pixel[0]].map(f32::from)),
            Self::Colour(colours) => {
                let colour = colours
                    .get(usize::from(pixel[0]))
                    .copied()
                    .unwrap_or_default();
                out.extend(colour.map(f32::from));
            }
        }
    }
}

/// A picture of 8 bits with a palette of greys, the lowest row first.
pub(super) fn bytes([width, height, _]: [usize; 3], labels: &[u16]) -> Vec<u8> {
    let stride = width.next_multiple_of(4);
    let first = HEADERS + 1024;
    let total = first + stride * height;
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(b"BM");
    let mut four = |number: usize| out.extend_from_slice(&(number as u32).to_le_bytes());
    for number in [
        total,
        0,
        first,
        40,
        width,
        height,
        1 | 8 << 16,
        0,
        stride * height,
        2835,
        2835,
        256,
        256,
    ] {
        four(number);
    }
    out.extend((0u8..=255).flat_map(|grey| [grey, grey, grey, 0]));
    for row in labels.chunks_exact(width).rev() {
        out.extend(row.iter().map(|&label| label as u8));
        out.resize(out.len() + stride - width, 0);
    }
    out
}
