//! One page of a TIFF: how its pixels lie, and the pixels.

use super::file::{Entries, TiffFile};
use super::unpack::Packing;
use super::*;

/// How a page's pixels lie.
pub(super) struct Page {
    pub size: [usize; 2],
    pub channels: usize,
    /// Bits a value, and what they are.
    bits: usize,
    format: Format,
    packing: Packing,
    predictor: u64,
    /// Size of the pieces, and how many of them lie side by side and in all of a plane.
    piece: [usize; 2],
    across: usize,
    each_plane: usize,
    /// Interleaved channels of a pixel; the others follow in separate planes.
    together: usize,
    tiled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Unsigned,
    Signed,
    Float,
}

/// Where a piece lies, and how much of it counts.
struct Place {
    column: usize,
    row: usize,
    plane: usize,
    /// Rows that are stored.
    rows: usize,
}

impl Page {
    pub fn new(file: &TiffFile, entries: &Entries, budget: Budget) -> Result<Self> {
        let path = file.path;
        let one = |tag, default| file.one(entries, tag, default);
        let side = |tag| Ok::<_, Error>(usize::try_from(one(tag, Some(0))?).unwrap_or(usize::MAX));
        let size = [side(WIDTH)?, side(HEIGHT)?];
        let channels = side_of(one(SAMPLES, Some(1))?);
        let bits = side_of(one(BITS, Some(1))?);
        let format = match one(SAMPLE_FORMAT, Some(1))? {
            2 => Format::Signed,
            3 => Format::Float,
            _ => Format::Unsigned,
        };
        let packing = Packing::of(path, one(COMPRESSION, Some(1))?)?;
        let predictor = one(PREDICTOR, Some(1))?;
        check_colours(path, one(PHOTOMETRIC, Some(1))?, channels, packing)?;
        check_values(path, bits, format, packing, predictor)?;
        budget.admit(path, &[size[0], size[1], channels])?;
        let tiled = file.has(entries, TILE_OFFSETS);
        let piece = match tiled {
            true => [
                side_of(one(TILE_WIDTH, None)?),
                side_of(one(TILE_HEIGHT, None)?),
            ],
            false => {
                let rows = side_of(one(ROWS_PER_STRIP, Some(u64::from(u32::MAX)))?);
                [size[0], rows.min(size[1])]
            }
        };
        budget.admit(path, &[piece[0], piece[1], channels])?;
        let across = size[0].div_ceil(piece[0]);
        let planar = one(PLANAR, Some(1))? == 2;
        Ok(Self {
            size,
            channels,
            bits,
            format,
            packing,
            predictor,
            piece,
            across,
            each_plane: across * size[1].div_ceil(piece[1]),
            together: if planar { 1 } else { channels },
            tiled,
        })
    }

    pub fn read(&self, file: &TiffFile, entries: &Entries, budget: Budget) -> Result<Picture> {
        let [width, height] = self.size;
        let tags = match self.tiled {
            true => (TILE_OFFSETS, TILE_BYTES),
            false => (STRIP_OFFSETS, STRIP_BYTES),
        };
        let pieces = self.each_plane * (self.channels / self.together);
        let offsets = file.numbers(entries, tags.0, pieces)?;
        let lengths = file.numbers(entries, tags.1, pieces)?;
        if offsets.len() < pieces || lengths.len() < pieces {
            let found = format!(
                "{} of pixels",
                vesalius_volume::counted(offsets.len().min(lengths.len()), "piece")
            );
            return Err(Error::header(
                file.path,
                "the TIFF",
                found,
                pieces.to_string(),
            ));
        }
        let tables = file.bytes_of(entries, JPEG_TABLES)?;
        let rgb = file.one(entries, PHOTOMETRIC, Some(1))? == 2;
        let mut values = vec![0.0; width * height * self.channels];
        for (index, (&offset, &length)) in offsets.iter().zip(&lengths).enumerate() {
            budget.watch.check()?;
            let place = self.place(index);
            let stored = file.slice(offset, length)?;
            let expected = self.line_bytes() * place.rows;
            let size = [self.piece[0], place.rows, self.together];
            let unpacked = self
                .packing
                .unpack(file.path, stored, expected, (size, tables, rgb))?;
            self.keep(unpacked, &place, file.big, &mut values);
        }
        Ok(Picture::interleaved(
            [width, height, 1],
            self.channels,
            values,
        ))
    }

    fn place(&self, index: usize) -> Place {
        let (plane, index) = (index / self.each_plane, index % self.each_plane);
        let row = index / self.across * self.piece[1];
        Place {
            column: index % self.across * self.piece[0],
            row,
            plane,
            // The last strip is as high as what is left; tiles are always whole.
            rows: match self.tiled {
                true => self.piece[1],
                false => self.piece[1].min(self.size[1] - row),
            },
        }
    }

    /// Bytes of a line of a piece.
    fn line_bytes(&self) -> usize {
        (self.piece[0] * self.together * self.bits).div_ceil(8)
    }

    /// Copies a piece's values to their positions.
    fn keep(&self, mut bytes: Vec<u8>, place: &Place, big: bool, values: &mut [f32]) {
        let [width, height] = self.size;
        let length = self.line_bytes();
        let kept = (width - place.column).min(self.piece[0]);
        let mut line = vec![0.0; self.piece[0] * self.together];
        let lines = bytes.chunks_exact_mut(length);
        for (y, bytes) in lines.take(place.rows.min(height - place.row)).enumerate() {
            match self.predictor {
                2 => self.undo(bytes, big),
                3 => self.undo_float(bytes, big),
                _ => {}
            }
            self.decode(bytes, big, &mut line);
            let first = ((place.row + y) * width + place.column) * self.channels;
            let pixels =
                values[first..first + kept * self.channels].chunks_exact_mut(self.channels);
            for (pixel, from) in pixels.zip(line.chunks_exact(self.together)) {
                match self.together == self.channels {
                    true => pixel.copy_from_slice(from),
                    false => pixel[place.plane] = from[0],
                }
            }
        }
    }

    /// The values of a line.
    fn decode(&self, bytes: &[u8], big: bool, line: &mut [f32]) {
        if self.bits < 8 {
            let each = 8 / self.bits;
            for (i, value) in line.iter_mut().enumerate() {
                let shift = 8 - self.bits * (i % each + 1);
                *value = f32::from(bytes[i / each] >> shift & ((1 << self.bits) - 1) as u8);
            }
            return;
        }
        for (value, bytes) in line.iter_mut().zip(bytes.chunks_exact(self.bits / 8)) {
            *value = self.value(bytes, big);
        }
    }

    /// Differences along a line become values.
    fn undo(&self, line: &mut [u8], big: bool) {
        let width = self.bits / 8;
        let step = self.together * width;
        for at in (step..line.len()).step_by(width) {
            let sum = number(&line[at - step..][..width], big)
                .wrapping_add(number(&line[at..][..width], big));
            let all = sum.to_le_bytes();
            for (k, byte) in line[at..][..width].iter_mut().enumerate() {
                *byte = all[if big { width - 1 - k } else { k }];
            }
        }
    }

    /// Differences of the bytes of real numbers, the most significant of all of a line first, become values.
    fn undo_float(&self, line: &mut [u8], big: bool) {
        for at in self.together..line.len() {
            line[at] = line[at].wrapping_add(line[at - self.together]);
        }
        let width = self.bits / 8;
        let count = line.len() / width;
        let planes = line.to_vec();
        for (i, value) in line.chunks_exact_mut(width).enumerate() {
            for (k, byte) in value.iter_mut().enumerate() {
                let significance = if big { k } else { width - 1 - k };
                *byte = planes[significance * count + i];
            }
        }
    }

    fn value(&self, bytes: &[u8], big: bool) -> f32 {
        let bits = number(bytes, big);
        match (self.format, bytes.len()) {
            (Format::Unsigned, _) => bits as f32,
            (Format::Signed, 1) => f32::from(bits as u8 as i8),
            (Format::Signed, 2) => f32::from(bits as u16 as i16),
            (Format::Signed, _) => bits as u32 as i32 as f32,
            (Format::Float, 4) => f32::from_bits(bits as u32),
            (Format::Float, _) => f64::from_bits(bits) as f32,
        }
    }
}

fn side_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn number(bytes: &[u8], big: bool) -> u64 {
    let join = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
    match big {
        true => bytes.iter().fold(0, join),
        false => bytes.iter().rev().fold(0, join),
    }
}

/// Grey, indices of a palette, which are labels, red, green, blue (and alpha), and what JPEG makes of them.
fn check_colours(path: &Path, photometric: u64, channels: usize, packing: Packing) -> Result<()> {
    let (what, remedy) = match (photometric, channels) {
        (1 | 3, 1) | (2, 3 | 4) => return Ok(()),
        (6, 3) if packing == Packing::Jpeg => return Ok(()),
        (0, 1) => (
            "a TIFF in which 0 is white".to_owned(),
            "save it with 0 as black",
        ),
        _ => (
            format!(
                "a TIFF of {} a pixel, photometric {photometric}",
                vesalius_volume::counted(channels, "value")
            ),
            "save it as grey or as RGB(A)",
        ),
    };
    Err(Error::unsupported(path, what, remedy))
}

fn check_values(
    path: &Path,
    bits: usize,
    format: Format,
    packing: Packing,
    predictor: u64,
) -> Result<()> {
    let known = match format {
        _ if packing == Packing::Jpeg => bits == 8 && format == Format::Unsigned,
        Format::Float => [32, 64].contains(&bits),
        Format::Signed => [8, 16, 32].contains(&bits),
        Format::Unsigned => [1, 2, 4, 8, 16, 32].contains(&bits),
    };
    if !known {
        let what = format!("a TIFF of {bits} bits a value");
        return Err(Error::unsupported(
            path,
            what,
            "save it in 8, 16 or 32 bits",
        ));
    }
    let sensible = match predictor {
        0 | 1 => true,
        2 => format != Format::Float && bits >= 8 && packing != Packing::Jpeg,
        3 => format == Format::Float,
        _ => false,
    };
    match sensible {
        true => Ok(()),
        false => Err(Error::unsupported(
            path,
            format!("a TIFF of {bits} bits a value with predictor {predictor}"),
            "save it without a predictor",
        )),
    }
}
