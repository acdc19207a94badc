//! TIFF: one page of grey or colour, or several of grey as the slices of a stack; strips or tiles, without
//! compression, with deflate or PackBits. (The `tiff` crate would change what `half` is built with, and Burn.)

use super::tiff_file::{Entries, TiffFile};
use super::{Picture, count};
use crate::{Error, Result, write_bytes_atomically};
use std::io;
use std::path::{Path, PathBuf};

/// Tags that are read.
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const STRIP_OFFSETS: u16 = 273;
const SAMPLES: u16 = 277;
const ROWS_PER_STRIP: u16 = 278;
const STRIP_BYTES: u16 = 279;
const PLANAR: u16 = 284;
const PREDICTOR: u16 = 317;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTES: u16 = 325;
const SAMPLE_FORMAT: u16 = 339;
/// Pages that a stack may have.
const MOST_PAGES: usize = 1 << 16;

pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Picture> {
    let file = TiffFile::new(path, bytes)?;
    let mut stack: Option<Picture> = None;
    let mut next = file.first();
    for _ in 0..MOST_PAGES {
        if next == 0 {
            break;
        }
        let (entries, after) = file.entries(next)?;
        next = after;
        let page = Page::new(&file, &entries)?.read(&file, &entries)?;
        match &mut stack {
            None => stack = Some(page),
            Some(stack)
                if stack.size[..2] == page.size[..2]
                    && [stack.channels, page.channels] == [1, 1] =>
            {
                stack.size[2] += 1;
                count(path, &stack.size)?;
                stack.values.extend(page.values);
            }
            Some(_) => {
                return Err(Error::unsupported(
                    path,
                    "a TIFF whose pages differ in size or are of colour",
                    "give one page, or pages of grey of one size",
                ));
            }
        }
    }
    stack.ok_or_else(|| Error::header(path, "the TIFF", "no page", "at least one"))
}

/// How a page's pixels lie.
struct Page {
    size: [usize; 2],
    channels: usize,
    /// Bytes a value, and what they are.
    width: usize,
    format: Format,
    compression: u64,
    predicted: bool,
    /// Size of the pieces, and how many of them lie side by side.
    piece: [usize; 2],
    across: usize,
    tiled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Unsigned,
    Signed,
    Float,
}

impl Page {
    fn new(file: &TiffFile, entries: &Entries) -> Result<Self> {
        let path = file.path;
        let bad = |what: String, remedy: &str| Err(Error::unsupported(path, what, remedy));
        let one = |tag, default| file.one(entries, tag, default);
        let size = [
            one(WIDTH, Some(0))? as usize,
            one(HEIGHT, Some(0))? as usize,
        ];
        let channels = one(SAMPLES, Some(1))? as usize;
        let photometric = one(PHOTOMETRIC, Some(1))?;
        match (photometric, channels) {
            (1, 1) | (2, 3 | 4) => {}
            (0, 1) => {
                return bad(
                    "a TIFF in which 0 is white".to_owned(),
                    "save it with 0 as black",
                );
            }
            _ => {
                return bad(
                    format!("a TIFF of {channels} value(s) a pixel, photometric {photometric}"),
                    "save it as grey or as RGB(A)",
                );
            }
        }
        if channels > 1 && one(PLANAR, Some(1))? != 1 {
            return bad(
                "a TIFF whose colours lie in planes".to_owned(),
                "save the colours of a pixel side by side",
            );
        }
        let bits = one(BITS, Some(1))?;
        let format = match one(SAMPLE_FORMAT, Some(1))? {
            2 => Format::Signed,
            3 => Format::Float,
            _ => Format::Unsigned,
        };
        let known = match format {
            Format::Float => [32, 64].contains(&bits),
            _ => [8, 16, 32].contains(&bits),
        };
        if !known {
            return bad(
                format!("a TIFF of {bits} bits a value"),
                "save it in 8, 16 or 32 bits",
            );
        }
        let compression = one(COMPRESSION, Some(1))?;
        if ![1, 8, 32_946, 32_773].contains(&compression) {
            return bad(
                format!("a TIFF with compression {compression}"),
                "save it without compression or with deflate (zlib)",
            );
        }
        let predictor = one(PREDICTOR, Some(1))?;
        if predictor > 2 || (predictor == 2 && format == Format::Float) {
            return bad(
                format!("a TIFF with predictor {predictor}"),
                "save it without a predictor",
            );
        }
        count(path, &[size[0], size[1], channels])?;
        let tiled = file.has(entries, TILE_OFFSETS);
        let piece = match tiled {
            true => [
                one(TILE_WIDTH, None)? as usize,
                one(TILE_HEIGHT, None)? as usize,
            ],
            false => {
                let rows = one(ROWS_PER_STRIP, Some(u64::from(u32::MAX)))? as usize;
                [size[0], rows.min(size[1])]
            }
        };
        count(path, &[piece[0], piece[1], channels])?;
        Ok(Self {
            size,
            channels,
            width: bits as usize / 8,
            format,
            compression,
            predicted: predictor == 2,
            across: size[0].div_ceil(piece[0]),
            piece,
            tiled,
        })
    }

    fn read(&self, file: &TiffFile, entries: &Entries) -> Result<Picture> {
        let [width, height] = self.size;
        let tags = match self.tiled {
            true => (TILE_OFFSETS, TILE_BYTES),
            false => (STRIP_OFFSETS, STRIP_BYTES),
        };
        let (offsets, lengths) = (file.all(entries, tags.0)?, file.all(entries, tags.1)?);
        let pieces = self.across * height.div_ceil(self.piece[1]);
        if offsets.len() < pieces || lengths.len() < pieces {
            let found = format!("{} piece(s) of pixels", offsets.len().min(lengths.len()));
            return Err(Error::header(
                file.path,
                "the TIFF",
                found,
                pieces.to_string(),
            ));
        }
        let mut values = vec![0.0; width * height * self.channels];
        for (index, (&offset, &length)) in offsets.iter().zip(&lengths).take(pieces).enumerate() {
            let column = index % self.across * self.piece[0];
            let row = index / self.across * self.piece[1];
            // The last strip is as high as what is left; tiles are always whole.
            let rows = match self.tiled {
                true => self.piece[1],
                false => self.piece[1].min(height - row),
            };
            let stored = file.slice(offset, length)?;
            let line = self.piece[0] * self.channels;
            let mut bytes = self.unpacked(file.path, stored, line * rows * self.width)?;
            if self.predicted {
                bytes
                    .chunks_exact_mut(line * self.width)
                    .for_each(|line| self.undo(line, file.big));
            }
            let kept = (width - column).min(self.piece[0]) * self.channels;
            for y in 0..rows.min(height - row) {
                let from = &bytes[y * line * self.width..][..kept * self.width];
                let to = &mut values[((row + y) * width + column) * self.channels..][..kept];
                for (to, bytes) in to.iter_mut().zip(from.chunks_exact(self.width)) {
                    *to = self.value(bytes, file.big);
                }
            }
        }
        Ok(Picture::interleaved(
            [width, height, 1],
            self.channels,
            values,
        ))
    }

    fn unpacked(&self, path: &Path, stored: &[u8], expected: usize) -> Result<Vec<u8>> {
        let short = |found: usize| Error::Truncated {
            path: path.to_owned(),
            what: "the pixels of a strip or tile".to_owned(),
            expected: expected as u64,
            offset: found as u64,
        };
        let mut bytes = match self.compression {
            1 => stored.to_vec(),
            32_773 => pack_bits(stored, expected),
            _ => {
                let mut out = Vec::with_capacity(expected);
                let decoder = flate2::read::ZlibDecoder::new(stored);
                let mut bounded = io::Read::take(decoder, expected as u64);
                io::Read::read_to_end(&mut bounded, &mut out).map_err(|e| Error::Compression {
                    path: path.to_owned(),
                    offset: 0,
                    reason: e.to_string(),
                })?;
                out
            }
        };
        match bytes.len() < expected {
            true => Err(short(bytes.len())),
            false => {
                bytes.truncate(expected);
                Ok(bytes)
            }
        }
    }

    /// Differences along a line become values.
    fn undo(&self, line: &mut [u8], big: bool) {
        let (step, width) = (self.channels * self.width, self.width);
        for at in (step..line.len()).step_by(width) {
            let sum = bits(&line[at - step..][..width], big)
                .wrapping_add(bits(&line[at..][..width], big));
            let all = sum.to_le_bytes();
            for (k, byte) in line[at..][..width].iter_mut().enumerate() {
                *byte = all[if big { width - 1 - k } else { k }];
            }
        }
    }

    fn value(&self, bytes: &[u8], big: bool) -> f32 {
        let bits = bits(bytes, big);
        match (self.format, self.width) {
            (Format::Unsigned, _) => bits as f32,
            (Format::Signed, 1) => f32::from(bits as u8 as i8),
            (Format::Signed, 2) => f32::from(bits as u16 as i16),
            (Format::Signed, _) => bits as u32 as i32 as f32,
            (Format::Float, 4) => f32::from_bits(bits as u32),
            (Format::Float, _) => f64::from_bits(bits) as f32,
        }
    }
}

fn bits(bytes: &[u8], big: bool) -> u64 {
    let join = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
    match big {
        true => bytes.iter().fold(0, join),
        false => bytes.iter().rev().fold(0, join),
    }
}

/// Runs of bytes, as many as are wanted.
fn pack_bits(stored: &[u8], expected: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(expected);
    let mut rest = stored;
    while let (Some((&head, tail)), true) = (rest.split_first(), out.len() < expected) {
        let count = usize::from(head);
        rest = match head {
            0..128 => {
                let (run, after) = tail.split_at((count + 1).min(tail.len()));
                out.extend_from_slice(run);
                after
            }
            128 => tail,
            _ => {
                let Some((&byte, after)) = tail.split_first() else {
                    break;
                };
                out.resize(out.len() + 257 - count, byte);
                after
            }
        };
    }
    out
}

/// A page a slice, one strip each, without compression.
pub(super) fn bytes(
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

/// Spacing `[x, y, z]` of a stack: what the file beside it says, or 1 mm.
pub(super) fn spacing(path: &Path) -> Result<[f64; 3]> {
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

pub(super) fn write_spacing(path: &Path, [x, y, z]: [f64; 3]) -> Result<()> {
    let text = format!("{{\"spacing\": [{z:?}, {y:?}, {x:?}]}}\n");
    write_bytes_atomically(beside(path), text.as_bytes())
}
