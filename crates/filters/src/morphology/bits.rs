//! A mask with one bit per voxel, and its dilation and erosion by rows of an element.

use super::Border;
use super::element::Row;
use crate::buffer;
use crate::simd::vectorised;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_volume::Label;

/// A mask, each row in whole words; the bits beyond a row's end are 0.
#[derive(Debug, Clone)]
pub(crate) struct BitMask {
    size: [usize; 3],
    /// Words of a row.
    words: usize,
    data: Vec<u64>,
}

impl BitMask {
    fn empty(size: [usize; 3]) -> Self {
        let words = size[0].div_ceil(64).max(1);
        Self {
            size,
            words,
            data: vec![0; words * size[1] * size[2]],
        }
    }

    /// Number of voxels `[x, y, z]`.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// One bit for each label that is not 0.
    pub fn pack<T: Label>(values: &[T], size: [usize; 3]) -> Self {
        let mut mask = Self::empty(size);
        let words = mask.words;
        if values.is_empty() {
            return mask;
        }
        let rows = mask
            .data
            .par_chunks_mut(words)
            .zip(values.par_chunks(size[0]));
        rows.with_min_len(64)
            .for_each(|(words, row)| pack_row(row, words));
        mask
    }

    /// One byte for each bit.
    pub fn unpack(&self) -> Vec<u8> {
        let mut out = buffer::filled(0u8, self.size.iter().product());
        if out.is_empty() {
            return out;
        }
        let rows = out
            .par_chunks_mut(self.size[0])
            .zip(self.data.par_chunks(self.words));
        rows.with_min_len(64)
            .for_each(|(row, words)| unpack_row(words, row));
        out
    }

    /// Sets a voxel where any of the element's rows, centred there, touches a set voxel; counts the slices.
    pub fn dilated(&self, rows: &[Row], work: &Work) -> Self {
        let mut reaches: Vec<usize> = rows.iter().map(|r| r.reach).collect();
        reaches.sort_unstable();
        reaches.dedup();
        let mut out = Self::empty(self.size);
        if out.data.is_empty() || !work.goes_on() {
            return out;
        }
        // Each row is widened once for each width that the element has, then ORed where needed.
        let widened: Vec<Vec<u64>> = reaches.iter().map(|&reach| self.widened(reach)).collect();
        let [_, ny, nz] = self.size;
        let words = self.words;
        let parts: Vec<(isize, isize, &[u64])> = rows
            .iter()
            .map(|row| {
                // Every row's reach is in the list it was taken into.
                let which = reaches.partition_point(|&r| r < row.reach);
                (row.y, row.z, &widened[which][..])
            })
            .collect();
        out.data
            .par_chunks_mut(words * ny)
            .enumerate()
            .for_each(|(z, slice)| {
                work.part(1, || unite_rows(slice, z, &parts, [words, ny, nz]));
            });
        out
    }

    /// Keeps a voxel where all of the element, centred there, lies on set voxels; counts the slices, those of the
    /// margin included where the border is background.
    pub fn eroded(&self, rows: &[Row], border: Border, work: &Work) -> Self {
        match border {
            Border::Foreground => self.complement().dilated(rows, work).complement(),
            Border::Background => {
                let margin = reach(rows);
                let dilated = self.padded(margin).complement().dilated(rows, work);
                dilated.complement().cropped(margin, self.size)
            }
        }
    }

    /// Every voxel turned over.
    pub fn complement(&self) -> Self {
        let mut out = self.clone();
        let tail = self.tail();
        let words = self.words;
        out.data
            .par_chunks_mut(words)
            .with_min_len(64)
            .for_each(|row| {
                row.iter_mut().for_each(|word| *word = !*word);
                row[words - 1] &= tail;
            });
        out
    }

    /// The mask with `margin` empty voxels on each side.
    pub fn padded(&self, margin: [usize; 3]) -> Self {
        let mut out = Self::empty(std::array::from_fn(|a| self.size[a] + 2 * margin[a]));
        let [_, ny, nz] = self.size;
        for z in 0..nz {
            for y in 0..ny {
                let to = ((z + margin[2]) * out.size[1] + y + margin[1]) * out.words;
                let from = &self.data[(z * ny + y) * self.words..][..self.words];
                let words = out.words;
                shift_up(from, &mut out.data[to..to + words], margin[0]);
            }
        }
        out
    }

    /// The region of `size` voxels that starts at `margin`.
    pub fn cropped(&self, margin: [usize; 3], size: [usize; 3]) -> Self {
        let mut out = Self::empty(size);
        let tail = out.tail();
        for z in 0..size[2] {
            for y in 0..size[1] {
                let from = ((z + margin[2]) * self.size[1] + y + margin[1]) * self.words;
                let from = &self.data[from..from + self.words];
                let words = out.words;
                let to = &mut out.data[(z * size[1] + y) * words..][..words];
                shift_down(from, to, margin[0]);
                to[words - 1] &= tail;
            }
        }
        out
    }

    /// The bits of a row's last word that are voxels.
    fn tail(&self) -> u64 {
        match self.size[0] % 64 {
            0 if self.size[0] > 0 => u64::MAX,
            n => (1 << n) - 1,
        }
    }

    /// Every row ORed with itself moved by up to `reach` voxels to either side.
    fn widened(&self, reach: usize) -> Vec<u64> {
        let mut out = self.data.clone();
        let (words, tail) = (self.words, self.tail());
        out.par_chunks_mut(words).with_min_len(64).for_each_init(
            || vec![0u64; words],
            |moved, row| {
                // Moves of 1, 2, 4, … add up to any reach in a few steps.
                let mut done = 0;
                while done < reach {
                    let step = (done + 1).min(reach - done);
                    shift_up(row, moved, step);
                    unite(row, moved);
                    done += step;
                }
                // Up by 0 to `reach`, then down by 0 to `reach`, is anything from -reach to reach.
                let mut done = 0;
                while done < reach {
                    let step = (done + 1).min(reach - done);
                    shift_down(row, moved, step);
                    unite(row, moved);
                    done += step;
                }
                row[words - 1] &= tail;
            },
        );
        out
    }
}

/// How far the rows of an element reach along each axis.
pub(super) fn reach(rows: &[Row]) -> [usize; 3] {
    rows.iter().fold([0; 3], |most, row| {
        let reach = [row.reach, row.y.unsigned_abs(), row.z.unsigned_abs()];
        std::array::from_fn(|axis| most[axis].max(reach[axis]))
    })
}

/// Unites slice `z` with the rows of a mask that are so many rows and slices further.
fn unite_rows(
    slice: &mut [u64],
    z: usize,
    parts: &[(isize, isize, &[u64])],
    [words, ny, nz]: [usize; 3],
) {
    for &(dy, dz, source) in parts {
        let Some(z) = z.checked_add_signed(dz).filter(|&z| z < nz) else {
            continue;
        };
        // The target rows whose partner, dy further, is within the slice.
        let first = (-dy).clamp(0, ny as isize) as usize;
        let last = (ny as isize - dy).clamp(first as isize, ny as isize) as usize;
        if first == last {
            continue;
        }
        let from = (z * ny + first).wrapping_add_signed(dy);
        let source = &source[from * words..(from + last - first) * words];
        unite(&mut slice[first * words..last * words], source);
    }
}

vectorised! {
    fn unite(to: &mut [u64], from: &[u64]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to |= from;
        }
    }
}

vectorised! {
    /// One bit for each voxel that is not background.
    pub(crate) fn pack_row<T: Label>(row: &[T], words: &mut [u64]) {
        let background = T::default();
        for (word, voxels) in words.iter_mut().zip(row.chunks(64)) {
            let mut bytes = [0u8; 64];
            for (byte, &voxel) in bytes.iter_mut().zip(voxels) {
                *byte = u8::from(voxel != background);
            }
            let mut bits = 0u64;
            for (i, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
                // Eight bytes of 0 or 1 gather in the highest byte of the product.
                let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
                bits |= gathered << (8 * i);
            }
            *word = bits;
        }
    }
}

vectorised! {
    fn unpack_row(words: &[u64], row: &mut [u8]) {
        for (word, voxels) in words.iter().zip(row.chunks_mut(64)) {
            for (byte, voxels) in word.to_le_bytes().into_iter().zip(voxels.chunks_mut(8)) {
                // Each bit goes to the byte of its place, then to that byte's lowest bit.
                let spread = (u64::from(byte).wrapping_mul(0x0101_0101_0101_0101)) & 0x8040_2010_0804_0201;
                let bits = (spread.wrapping_add(0x7f7f_7f7f_7f7f_7f7f) | spread) >> 7 & 0x0101_0101_0101_0101;
                voxels.copy_from_slice(&bits.to_le_bytes()[..voxels.len()]);
            }
        }
    }
}

/// Moves a row's bits to higher x; what leaves the end is lost.
fn shift_up(from: &[u64], to: &mut [u64], by: usize) {
    let (words, bits) = (by / 64, by % 64);
    for (i, to) in to.iter_mut().enumerate() {
        let word = |j: Option<usize>| j.and_then(|j| from.get(j)).copied().unwrap_or(0);
        let low = word(i.checked_sub(words));
        *to = match bits {
            0 => low,
            _ => low << bits | word(i.checked_sub(words + 1)) >> (64 - bits),
        };
    }
}

/// Moves a row's bits to lower x; what leaves the start is lost.
fn shift_down(from: &[u64], to: &mut [u64], by: usize) {
    let (words, bits) = (by / 64, by % 64);
    for (i, to) in to.iter_mut().enumerate() {
        let word = |j: usize| from.get(j).copied().unwrap_or(0);
        *to = match bits {
            0 => word(i + words),
            _ => word(i + words) >> bits | word(i + words + 1) << (64 - bits),
        };
    }
}
