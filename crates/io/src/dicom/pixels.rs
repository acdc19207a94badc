//! The stored values of one frame, for any supported transfer syntax.

use super::element::Value;
use super::file::DicomFile;
use super::frame::FileHeader;
use super::{rle, tags};
use crate::{Error, Result};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Stored values, not yet scaled.
pub(super) enum Samples {
    Whole(Vec<i64>),
    Real(Vec<f64>),
}

impl Samples {
    /// Stored numbers turned about the middle of their range.
    pub fn invert(&mut self, bits: u16, signed: bool) {
        // The sum of the lowest and the highest.
        let ends = match signed {
            true => -1,
            false => (1i64 << bits.min(62)) - 1,
        };
        if let Self::Whole(values) = self {
            values.iter_mut().for_each(|value| *value = ends - *value);
        }
    }

    /// Those of a part of a stored frame of so many columns.
    pub fn part(
        &self,
        stored: usize,
        [left, top]: [usize; 2],
        [columns, rows]: [usize; 2],
    ) -> Self {
        fn cut<T: Copy>(
            values: &[T],
            stored: usize,
            first: usize,
            [columns, rows]: [usize; 2],
        ) -> Vec<T> {
            let row = |row: usize| &values[first + row * stored..][..columns];
            (0..rows).flat_map(row).copied().collect()
        }
        let (first, size) = (top * stored + left, [columns, rows]);
        match self {
            Self::Whole(values) => Self::Whole(cut(values, stored, first, size)),
            Self::Real(values) => Self::Real(cut(values, stored, first, size)),
        }
    }
}

/// Decodes stored frame `index`; it has exactly rows × columns values of the file.
pub(super) fn frame(file: &DicomFile, header: &FileHeader, index: usize) -> Result<Samples> {
    let [columns, rows] = header.stored;
    let pixels = columns * rows;
    match file.set.get(tags::PIXELS) {
        Some(Value::Fragments(fragments)) => decoded(file, header, index, fragments, |packed| {
            unpack(file, header, packed, pixels)
        }),
        _ => native(file, header, index, pixels),
    }
}

/// What a decoder makes of the packed bytes of a frame.
fn decoded<S>(
    file: &DicomFile,
    header: &FileHeader,
    index: usize,
    fragments: &[std::ops::Range<usize>],
    decode: impl Fn(&[u8]) -> std::result::Result<S, String>,
) -> Result<S> {
    let packed = fragments_of(file, fragments, header.stored_frames, index)?;
    // Decoders are others' code: a panic on one file is that file's error.
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(&packed)))
        .unwrap_or_else(|_| Err("the decoder panicked".to_owned()));
    decoded.map_err(|reason| Error::Compression {
        path: file.path.clone(),
        offset: index as u64 * (header.stored[0] * header.stored[1]) as u64,
        reason: format!("frame {index}: {reason}"),
    })
}

/// The words of a frame in JPEG-LS or JPEG 2000, little-endian, with the stored values in their lowest bits; `None` for
/// other files.
///
/// # Errors
/// As [`frame()`].
pub(super) fn packed_words(
    file: &DicomFile,
    header: &FileHeader,
    index: usize,
) -> Result<Option<Vec<[u8; 2]>>> {
    let codec = Codec::of(file);
    let (Some(Value::Fragments(fragments)), 0..=16) =
        (file.set.get(tags::PIXELS), header.bits_stored)
    else {
        return Ok(None);
    };
    let [columns, rows] = header.stored;
    let words = match codec {
        Codec::JpegLs => decoded(file, header, index, fragments, |packed| {
            let words = super::jpeg_ls::decode(packed, columns, rows)?;
            Ok(words.into_iter().map(u16::to_le_bytes).collect())
        }),
        Codec::Jpeg2000 => decoded(file, header, index, fragments, |packed| {
            jpeg_2000(header, packed, |value| (value as u16).to_le_bytes())
        }),
        _ => return Ok(None),
    };
    words.map(Some)
}

/// How frames are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    RunLength,
    Jpeg,
    JpegLs,
    Jpeg2000,
    Unknown,
}

impl Codec {
    fn of(file: &DicomFile) -> Self {
        let syntax = file.transfer_syntax.strip_prefix("1.2.840.10008.1.2");
        match syntax.unwrap_or_default() {
            ".5" => Self::RunLength,
            ".4.50" | ".4.51" | ".4.57" | ".4.70" => Self::Jpeg,
            ".4.80" | ".4.81" => Self::JpegLs,
            ".4.90" | ".4.91" | ".4.92" | ".4.93" | ".4.201" | ".4.202" | ".4.203" => {
                Self::Jpeg2000
            }
            _ => Self::Unknown,
        }
    }
}

/// A frame of one bit a pixel, as it is stored: frames follow each other without padding, the lowest bit first.
pub(super) struct BitFrame<'a> {
    bytes: &'a [u8],
    /// The bit of the first pixel.
    first: usize,
    pixels: usize,
}

/// Stored frame `index` of a file whose pixels are single bits that are not compressed; `None` for other files.
///
/// # Errors
/// [`Error::Truncated`].
pub(super) fn bit_frame<'a>(
    file: &'a DicomFile,
    header: &FileHeader,
    index: usize,
) -> Result<Option<BitFrame<'a>>> {
    let is_packed = matches!(file.set.get(tags::PIXELS), Some(Value::Fragments(_)) | None);
    if header.bits_allocated != 1 || header.float || is_packed {
        return Ok(None);
    }
    let pixels = header.stored[0] * header.stored[1];
    let bytes = file.set.bytes(file.raw(), tags::PIXELS).unwrap_or(&[]);
    check_length(file, bytes, index, pixels as u64)?;
    let first = index * pixels;
    Ok(Some(BitFrame {
        bytes,
        first,
        pixels,
    }))
}

impl BitFrame<'_> {
    /// Calls `found` with each pixel that is 1, from the first to the last.
    ///
    /// # Errors
    /// The first of `found`.
    pub fn for_each<E>(
        &self,
        mut found: impl FnMut(usize) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        for start in (0..self.pixels).step_by(64) {
            let mut word = self.word(start);
            while word != 0 {
                found(start + word.trailing_zeros() as usize)?;
                word &= word - 1;
            }
        }
        Ok(())
    }

    /// Up to 64 pixels from one on; zeros behind the last.
    fn word(&self, start: usize) -> u64 {
        let bit = self.first + start;
        let bytes = &self.bytes[bit / 8..];
        let mut held = [0; 16];
        match bytes.first_chunk::<16>() {
            Some(sixteen) => held = *sixteen,
            None => held[..bytes.len()].copy_from_slice(bytes),
        }
        let word = (u128::from_le_bytes(held) >> (bit % 8)) as u64;
        match self.pixels - start {
            count @ 0..64 => word & ((1 << count) - 1),
            _ => word,
        }
    }
}

/// Refuses pixel data that end before a frame of so many bits does.
fn check_length(file: &DicomFile, bytes: &[u8], index: usize, bits: u64) -> Result<()> {
    let expected = ((index + 1) as u64 * bits).div_ceil(8);
    if (bytes.len() as u64) < expected {
        return Err(Error::Truncated {
            path: file.path.clone(),
            what: format!("the pixel data up to frame {index}"),
            expected,
            offset: bytes.len() as u64,
        });
    }
    Ok(())
}

fn native(file: &DicomFile, header: &FileHeader, index: usize, pixels: usize) -> Result<Samples> {
    let tag = [tags::PIXELS, tags::FLOAT_PIXELS, tags::DOUBLE_PIXELS]
        .into_iter()
        .find(|&tag| file.set.get(tag).is_some())
        .unwrap_or(tags::PIXELS);
    let bytes = file.set.bytes(file.raw(), tag).unwrap_or(&[]);
    let bits = pixels as u64 * u64::from(header.bits_allocated);
    check_length(file, bytes, index, bits)?;
    if header.bits_allocated == 1 {
        // Frames of one-bit segmentations follow each other without padding, lowest bit first.
        let bit = |i: usize| i64::from(bytes[i / 8] >> (i % 8) & 1);
        return Ok(Samples::Whole(
            (index * pixels..(index + 1) * pixels).map(bit).collect(),
        ));
    }
    let width = usize::from(header.bits_allocated / 8);
    let frame = &bytes[index * pixels * width..(index + 1) * pixels * width];
    let swapped;
    let frame = if file.syntax.big_endian && width > 1 {
        let mut copy = frame.to_vec();
        copy.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        swapped = copy;
        &swapped[..]
    } else {
        frame
    };
    Ok(match tag {
        tags::FLOAT_PIXELS => {
            Samples::Real(words(frame).map(|w| f32::from_le_bytes(w).into()).collect())
        }
        tags::DOUBLE_PIXELS => Samples::Real(words(frame).map(f64::from_le_bytes).collect()),
        _ => Samples::Whole(whole(file, header, frame)),
    })
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// Little-endian samples to stored values: shifted by HighBit, cut to BitsStored, sign extended.
fn whole(file: &DicomFile, header: &FileHeader, bytes: &[u8]) -> Vec<i64> {
    let stored = u32::from(header.bits_stored);
    let high = file
        .u16(&file.set, tags::HIGH_BIT)
        .map_or(stored - 1, u32::from);
    let shift = (high + 1).saturating_sub(stored).min(63);
    let value = |raw: u64| extend(raw >> shift, stored, header.signed);
    match header.bits_allocated {
        8 => bytes.iter().map(|&b| value(b.into())).collect(),
        16 => words(bytes)
            .map(|w| value(u16::from_le_bytes(w).into()))
            .collect(),
        32 => words(bytes)
            .map(|w| value(u32::from_le_bytes(w).into()))
            .collect(),
        _ => words(bytes).map(|w| value(u64::from_le_bytes(w))).collect(),
    }
}

/// The lowest `bits` of a word as a number.
fn extend(raw: u64, bits: u32, signed: bool) -> i64 {
    let empty = 64 - bits.clamp(1, 64);
    if signed {
        ((raw << empty) as i64) >> empty
    } else {
        ((raw << empty) >> empty) as i64
    }
}

/// The packed bytes of one frame.
fn fragments_of<'a>(
    file: &'a DicomFile,
    fragments: &[std::ops::Range<usize>],
    frames: usize,
    index: usize,
) -> Result<Cow<'a, [u8]>> {
    let raw = file.raw();
    let (table, pieces) = match fragments {
        [table, pieces @ ..] => (&raw[table.clone()], pieces),
        [] => (&raw[..0], &[][..]),
    };
    let join = |pieces: &[std::ops::Range<usize>]| -> Cow<'a, [u8]> {
        match pieces {
            [one] => Cow::Borrowed(&raw[one.clone()]),
            _ => pieces
                .iter()
                .flat_map(|piece| &raw[piece.clone()])
                .copied()
                .collect(),
        }
    };
    if frames == 1 && !pieces.is_empty() {
        return Ok(join(pieces));
    }
    if pieces.len() == frames {
        return Ok(join(&pieces[index..=index]));
    }
    let offsets: Vec<usize> = words(table)
        .map(|w| u32::from_le_bytes(w) as usize)
        .collect();
    let base = pieces.first().map_or(0, |piece| piece.start - 8);
    let starts = |piece: &std::ops::Range<usize>| piece.start - 8 - base;
    let from = offsets.get(index).filter(|_| offsets.len() == frames);
    let Some(&from) = from else {
        return Err(Error::header(
            &file.path,
            "the encapsulated pixel data",
            format!("{} fragments and {} offsets", pieces.len(), offsets.len()),
            format!("one fragment or one offset for each of {frames} frames"),
        ));
    };
    let to = offsets.get(index + 1).copied().unwrap_or(usize::MAX);
    let inside: Vec<_> = pieces
        .iter()
        .filter(|piece| (from..to).contains(&starts(piece)))
        .cloned()
        .collect();
    Ok(join(&inside))
}

fn unpack(
    file: &DicomFile,
    header: &FileHeader,
    packed: &[u8],
    pixels: usize,
) -> std::result::Result<Samples, String> {
    let values = match Codec::of(file) {
        Codec::RunLength => {
            let width = usize::from(header.bits_allocated / 8);
            whole(file, header, &rle::decode(packed, pixels, width)?)
        }
        Codec::Jpeg => jpeg(header, packed)?,
        Codec::Jpeg2000 => {
            let (bits, signed) = (header.bits_stored.into(), header.signed);
            jpeg_2000(header, packed, |v| {
                extend(i64::from(v) as u64, bits, signed)
            })?
        }
        Codec::JpegLs => super::jpeg_ls::decode(packed, header.stored[0], header.stored[1])?
            .into_iter()
            .map(|v| extend(v.into(), header.bits_stored.into(), header.signed))
            .collect(),
        Codec::Unknown => {
            return Err(format!(
                "transfer syntax {} is not supported; convert the file, for instance with `gdcmconv --raw` or `dcmdjpeg`",
                file.transfer_syntax
            ));
        }
    };
    if values.len() != pixels {
        return Err(format!("it has {} values, expected {pixels}", values.len()));
    }
    Ok(Samples::Whole(values))
}

fn jpeg(header: &FileHeader, packed: &[u8]) -> std::result::Result<Vec<i64>, String> {
    use jpeg_decoder::PixelFormat;
    let mut decoder = jpeg_decoder::Decoder::new(packed);
    decoder.read_info().map_err(|e| e.to_string())?;
    let info = decoder.info().ok_or("it has no JPEG header")?;
    let size = (usize::from(info.width), usize::from(info.height));
    if size != header.stored.into() {
        return Err(format!(
            "its JPEG has {size:?} pixels, expected {:?}",
            header.stored
        ));
    }
    let bytes = decoder.decode().map_err(|e| e.to_string())?;
    let stored = header.bits_stored.into();
    let value = |raw: u64| extend(raw, stored, header.signed);
    match info.pixel_format {
        PixelFormat::L8 => Ok(bytes.iter().map(|&b| value(b.into())).collect()),
        // The decoder gives 16-bit values in this machine's order.
        PixelFormat::L16 => Ok(words(&bytes)
            .map(|w| value(u16::from_ne_bytes(w).into()))
            .collect()),
        other => Err(format!("its JPEG holds {other:?}, expected grey values")),
    }
}

/// The stored values of a frame in JPEG 2000, as `of` makes them of its numbers.
fn jpeg_2000<N>(
    header: &FileHeader,
    packed: &[u8],
    of: impl Fn(i32) -> N,
) -> std::result::Result<Vec<N>, String> {
    // The size follows the first two markers: refused before the decoder allocates for it.
    let start = packed
        .windows(4)
        .take(4096)
        .position(|w| w == [0xFF, 0x4F, 0xFF, 0x51])
        .ok_or("it has no JPEG 2000 header")?;
    let word = |at: usize| {
        let bytes = packed.get(start + at..start + at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
    };
    let size = match (word(8), word(12), word(16), word(20)) {
        (Some(x), Some(y), Some(x0), Some(y0)) => (x.saturating_sub(x0), y.saturating_sub(y0)),
        _ => return Err("its JPEG 2000 header is cut off".to_owned()),
    };
    if size != header.stored.into() {
        return Err(format!(
            "its JPEG 2000 has {size:?} pixels, expected {:?}",
            header.stored
        ));
    }
    let image = jpeg2k::Image::from_bytes(packed).map_err(|e| e.to_string())?;
    let [component] = image.components() else {
        return Err(format!(
            "its JPEG 2000 has {} components, expected one",
            image.num_components()
        ));
    };
    let values = component.data();
    let pixels = header.stored[0] * header.stored[1];
    if values.len() != pixels {
        return Err(format!("it has {} values, expected {pixels}", values.len()));
    }
    Ok(values.iter().map(|&value| of(value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_of_one_bit_are_found_where_they_are() {
        let bytes: Vec<u8> = (0..400u32)
            .map(|i| (i * i * 7 % 251) as u8 & 0x5B)
            .collect();
        for pixels in [1, 7, 8, 63, 64, 65, 200, 1024] {
            for index in [0, 1, 2] {
                let frame = BitFrame {
                    bytes: &bytes,
                    first: index * pixels,
                    pixels,
                };
                let mut found = Vec::new();
                let seen = frame.for_each(|pixel| {
                    found.push(pixel);
                    Ok::<(), ()>(())
                });
                assert_eq!(seen, Ok(()));
                let is_set = |pixel: &usize| {
                    let bit = index * pixels + pixel;
                    bytes[bit / 8] >> (bit % 8) & 1 == 1
                };
                let expected: Vec<usize> = (0..pixels).filter(is_set).collect();
                assert_eq!(found, expected, "{pixels} {index}");
            }
        }
        // The last frame, up to the last bit of the data.
        let last = BitFrame {
            bytes: &bytes,
            first: 3200 - 77,
            pixels: 77,
        };
        let mut count = 0;
        let seen = last.for_each(|_| {
            count += 1;
            Ok::<(), ()>(())
        });
        let expected = (3200 - 77..3200).filter(|bit| bytes[bit / 8] >> (bit % 8) & 1 == 1);
        assert_eq!((seen, count), (Ok(()), expected.count()));
    }

    #[test]
    fn bits_are_cut_and_sign_extended() {
        assert_eq!(extend(0xF800, 12, true), -2048);
        assert_eq!(extend(0xF800, 12, false), 0x800);
        assert_eq!(extend(0xFFFF, 16, true), -1);
        assert_eq!(extend(u64::MAX, 64, true), -1);
        assert_eq!(extend(5, 1, false), 1);
    }
}
