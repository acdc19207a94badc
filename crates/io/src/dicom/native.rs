//! 16-bit samples that are not compressed, scaled from the file's bytes into the voxels without numbers in between.

use super::element::Value;
use super::file::DicomFile;
use super::frame::FileHeader;
use super::tags;
use crate::{FileVoxel, Scaling};

/// Where the stored value is in a word of 16 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// Unused bits above it.
    above: u32,
    bits: u32,
    signed: bool,
}

impl Word {
    fn of(file: &DicomFile, header: &FileHeader) -> Option<Self> {
        let bits = u32::from(header.bits_stored);
        let high = file.u16(&file.set, tags::HIGH_BIT);
        let high = high.map_or(bits.checked_sub(1)?, u32::from);
        let above = 15u32.checked_sub(high)?;
        (bits > 0 && bits <= high + 1).then_some(Self {
            above,
            bits,
            signed: header.signed,
        })
    }

    /// A value in the lowest bits of a word.
    pub(super) fn lowest(header: &FileHeader) -> Option<Self> {
        let bits = u32::from(header.bits_stored);
        (1..=16).contains(&bits).then_some(Self {
            above: 16 - bits,
            bits,
            signed: header.signed,
        })
    }

    #[inline(always)]
    fn value(self, word: u16) -> i32 {
        let raised = u32::from(word) << (16 + self.above);
        match self.signed {
            true => raised as i32 >> (32 - self.bits),
            false => (raised >> (32 - self.bits)) as i32,
        }
    }
}

/// The words of a stored frame, and where the values are in them; `None` for samples of another kind.
pub(super) fn words<'a>(
    file: &'a DicomFile,
    header: &FileHeader,
    index: usize,
) -> Option<(&'a [[u8; 2]], Word)> {
    let is_plain = header.bits_allocated == 16 && !header.float && !file.syntax.big_endian;
    if !is_plain || matches!(file.set.get(tags::PIXELS), Some(Value::Fragments(_))) {
        return None;
    }
    let bytes = file.set.bytes(file.raw(), tags::PIXELS)?;
    let pixels = header.stored[0].checked_mul(header.stored[1])?;
    let first = index.checked_mul(pixels)?;
    let words = bytes.as_chunks::<2>().0;
    let frame = words.get(first..first.checked_add(pixels)?)?;
    Some((frame, Word::of(file, header)?))
}

/// Scales words into voxels; whether every value fits.
pub(super) fn scale<T: FileVoxel>(
    words: &[[u8; 2]],
    word: Word,
    Scaling { slope, intercept }: Scaling,
    slice: &mut [T],
) -> bool {
    /// Beyond it, products of words would not be exact in f64.
    const MOST: f64 = (1u64 << 31) as f64;
    let is_whole = |number: f64| number.fract() == 0.0 && number.abs() <= MOST;
    if !is_whole(slope) || !is_whole(intercept) {
        return each(words, word, slice, |value| {
            T::from_f64(f64::from(value) * slope + intercept)
        });
    }
    let (slope, intercept) = (slope as i64, intercept as i64);
    match (slope, intercept) {
        (1, 0) => each(words, word, slice, |value| T::from_i64(value.into())),
        _ => each(words, word, slice, |value| {
            T::from_i64(i64::from(value) * slope + intercept)
        }),
    }
}

#[inline(always)]
fn each<T: FileVoxel>(
    words: &[[u8; 2]],
    word: Word,
    slice: &mut [T],
    meant: impl Fn(i32) -> Option<T>,
) -> bool {
    let mut fits = words.len() == slice.len();
    for (voxel, bytes) in slice.iter_mut().zip(words) {
        let value = meant(word.value(u16::from_le_bytes(*bytes)));
        fits &= value.is_some();
        *voxel = value.unwrap_or_default();
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_sign_extended_and_scaled_as_real_numbers_are() {
        let word = |above, bits, signed| Word {
            above,
            bits,
            signed,
        };
        assert_eq!(word(4, 12, true).value(0xF800), -2048);
        assert_eq!(word(4, 12, false).value(0xF800), 0x800);
        assert_eq!(word(0, 16, true).value(0xFFFF), -1);
        assert_eq!(word(0, 12, false).value(0xABCD), 0xABC);
        let words: Vec<[u8; 2]> = (0..=u16::MAX).map(u16::to_le_bytes).collect();
        for (slope, intercept) in [(1.0, 0.0), (1.0, -1024.0), (3.0, 7.0), (0.37, -1.5)] {
            let mut found = vec![0f32; words.len()];
            let scaling = Scaling { slope, intercept };
            assert!(scale(&words, word(0, 16, true), scaling, &mut found));
            for (raw, found) in (0..=u16::MAX).zip(found) {
                let meant = f64::from(raw as i16) * slope + intercept;
                assert_eq!(found, meant as f32, "{raw} {slope} {intercept}");
            }
        }
        let mut bytes = vec![0u8; words.len()];
        assert!(!scale(
            &words,
            word(0, 16, false),
            Scaling::IDENTITY,
            &mut bytes
        ));
        let small = Scaling {
            slope: 0.5,
            intercept: 0.0,
        };
        assert!(!scale(
            &words[..2],
            word(0, 16, false),
            small,
            &mut bytes[..2]
        ));
    }
}
