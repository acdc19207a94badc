//! Masks of one bit per voxel and their surfaces: 64 voxels per instruction.
//!
//! A mask is the part of a grid around a structure, with a rim of background, so that what lies at
//! the border of the image has a surface there. An axis of one voxel has no rim and no neighbours:
//! a single slice is a picture, and its surface is a contour.

use rayon::prelude::*;

/// A box of voxels, one bit each; each row along x starts at a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bits {
    /// Bits along x, rows along y, rows along z; rims included.
    pub size: [usize; 3],
    /// Axes without rim, one voxel long.
    pub flat: [bool; 3],
    /// Words per row.
    pub stride: usize,
    pub words: Vec<u64>,
}

/// Voxels from `first` to `last`, both inside, on each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub first: [usize; 3],
    pub last: [usize; 3],
}

impl Bounds {
    /// A whole grid; each axis has a voxel at least.
    pub fn of(size: [usize; 3]) -> Self {
        Self {
            first: [0; 3],
            last: size.map(|n| n.saturating_sub(1)),
        }
    }

    /// How many voxels are in it.
    pub fn voxels(self) -> usize {
        (0..3).map(|i| self.last[i] - self.first[i] + 1).product()
    }

    /// The smallest box around both.
    pub fn join(self, other: Self) -> Self {
        Self {
            first: std::array::from_fn(|i| self.first[i].min(other.first[i])),
            last: std::array::from_fn(|i| self.last[i].max(other.last[i])),
        }
    }
}

impl Bits {
    /// The voxels of a grid of `size` inside `bounds` for which `row(y, z, …)` sets a byte to 1:
    /// it gets the row's first voxel and a row of zeros to fill.
    pub fn build(
        size: [usize; 3],
        bounds: Bounds,
        row: impl Fn([usize; 3], &mut [u8]) + Sync,
    ) -> Self {
        let flat = size.map(|n| n == 1);
        let rim = flat.map(|flat| usize::from(!flat));
        let inner: [usize; 3] = std::array::from_fn(|i| bounds.last[i] - bounds.first[i] + 1);
        let mut bits = Self::empty(std::array::from_fn(|i| inner[i] + 2 * rim[i]), flat);
        let (stride, rows) = (bits.stride, bits.size[1]);
        let slices = bits.words.par_chunks_mut(stride * rows).enumerate();
        slices.for_each_init(
            || vec![0u8; stride * 64],
            |bytes, (z, slice)| {
                if z < rim[2] || z >= inner[2] + rim[2] {
                    return;
                }
                for y in 0..inner[1] {
                    let start = [
                        bounds.first[0],
                        bounds.first[1] + y,
                        bounds.first[2] + z - rim[2],
                    ];
                    row(start, &mut bytes[rim[0]..rim[0] + inner[0]]);
                    let at = (y + rim[1]) * stride;
                    pack(bytes, &mut slice[at..at + stride]);
                }
            },
        );
        bits
    }

    fn empty(size: [usize; 3], flat: [bool; 3]) -> Self {
        let stride = size[0].div_ceil(64);
        Self {
            size,
            flat,
            stride,
            words: vec![0; stride * size[1] * size[2]],
        }
    }

    /// The words of row (`y`, `z`).
    #[inline]
    pub fn row(&self, y: usize, z: usize) -> &[u64] {
        let at = (z * self.size[1] + y) * self.stride;
        &self.words[at..at + self.stride]
    }

    /// Whether the bit is set; `x` may be one past the rim.
    #[inline]
    fn bit(&self, x: usize, y: usize, z: usize) -> bool {
        self.row(y, z)
            .get(x / 64)
            .is_some_and(|word| word >> (x % 64) & 1 == 1)
    }

    /// The smallest box around the bits, rims not counted; `None` when no bit is set.
    pub fn bounds(&self) -> Option<Bounds> {
        let mut columns = vec![0u64; self.stride];
        let (mut first, mut last) = ([usize::MAX; 3], [0; 3]);
        for (i, row) in self.words.chunks(self.stride).enumerate() {
            if row.iter().all(|word| *word == 0) {
                continue;
            }
            columns.iter_mut().zip(row).for_each(|(c, word)| *c |= word);
            for (axis, at) in [(1, i % self.size[1]), (2, i / self.size[1])] {
                first[axis] = first[axis].min(at);
                last[axis] = last[axis].max(at);
            }
        }
        let low = columns.iter().position(|word| *word != 0)?;
        let high = columns.iter().rposition(|word| *word != 0)?;
        first[0] = low * 64 + columns[low].trailing_zeros() as usize;
        last[0] = high * 64 + 63 - columns[high].leading_zeros() as usize;
        let rim = self.flat.map(|flat| usize::from(!flat));
        Some(Bounds {
            first: std::array::from_fn(|i| first[i] - rim[i]),
            last: std::array::from_fn(|i| last[i] - rim[i]),
        })
    }

    /// How many bits are set.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// The bits set here and not in `other`, a mask of the same size.
    pub fn without(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & !b);
        Self {
            words: words.collect(),
            ..*self
        }
    }

    /// Foreground voxels with a background voxel across one of their faces: the voxels that an erosion with
    /// a cross removes. The rim makes the border of the image background.
    pub fn edge(&self) -> Self {
        self.by_row(|y, z, out| {
            let clamped = |at: usize, step: isize, axis: usize| {
                if self.flat[axis] {
                    at
                } else {
                    at.saturating_add_signed(step).min(self.size[axis] - 1)
                }
            };
            let here = self.row(y, z);
            let around = [
                self.row(clamped(y, -1, 1), z),
                self.row(clamped(y, 1, 1), z),
                self.row(y, clamped(z, -1, 2)),
                self.row(y, clamped(z, 1, 2)),
            ];
            for (i, out) in out.iter_mut().enumerate() {
                let mut inside = around.iter().fold(here[i], |inside, row| inside & row[i]);
                if !self.flat[0] {
                    inside &= shifted_up(here, i) & shifted_down(here, i);
                }
                *out = here[i] & !inside;
            }
        })
    }

    /// Cells between eight voxels that are neither all foreground nor all background; cell
    /// (x, y, z) lies between the voxels x and x + 1, and so on.
    pub fn cells(&self) -> Self {
        self.by_row(|y, z, out| {
            let next = |at: usize, axis: usize| {
                if self.flat[axis] {
                    at
                } else {
                    (at + 1).min(self.size[axis] - 1)
                }
            };
            let (y1, z1) = (next(y, 1), next(z, 2));
            let rows = [[y, z], [y1, z], [y, z1], [y1, z1]].map(|[y, z]| self.row(y, z));
            for (i, out) in out.iter_mut().enumerate() {
                let (mut any, mut all) = (0, !0);
                for row in rows {
                    let beside = if self.flat[0] {
                        row[i]
                    } else {
                        shifted_down(row, i)
                    };
                    any |= row[i] | beside;
                    all &= row[i] & beside;
                }
                *out = any & !all;
            }
        })
    }

    /// Which of the eight voxels around a cell are foreground: bit `dx + 2·dy + 4·dz`.
    pub fn code(&self, x: usize, y: usize, z: usize) -> u8 {
        let step = self.flat.map(|flat| usize::from(!flat));
        let mut code = 0;
        for corner in 0..8usize {
            let [dx, dy, dz] = [corner & 1, corner >> 1 & 1, corner >> 2];
            let (y, z) = (y + dy * step[1], z + dz * step[2]);
            let inside = y < self.size[1] && z < self.size[2];
            if inside && self.bit(x + dx * step[0], y, z) {
                code |= 1 << corner;
            }
        }
        code
    }

    /// One byte per voxel, 0 or 1, x fastest.
    pub fn bytes(&self) -> Vec<u8> {
        let [nx, _, _] = self.size;
        let mut bytes = Vec::with_capacity(self.size.iter().product());
        for row in self.words.chunks(self.stride) {
            bytes.extend((0..nx).map(|x| (row[x / 64] >> (x % 64) & 1) as u8));
        }
        bytes
    }

    /// Background for foreground, inside the box.
    pub fn inverse(&self) -> Self {
        let mut words: Vec<u64> = self.words.iter().map(|word| !word).collect();
        let used = self.size[0] % 64;
        if used > 0 {
            for row in words.chunks_mut(self.stride) {
                row[self.stride - 1] &= (1 << used) - 1;
            }
        }
        Self { words, ..*self }
    }

    /// A mask of this size, filled row by row with `fill(y, z, words)`.
    pub fn by_row(&self, fill: impl Fn(usize, usize, &mut [u64]) + Sync) -> Self {
        let mut out = Self::empty(self.size, self.flat);
        let (stride, rows) = (self.stride, self.size[1]);
        let slices = out.words.par_chunks_mut(stride * rows).enumerate();
        slices.for_each(|(z, slice)| {
            for (y, row) in slice.chunks_mut(stride).enumerate() {
                fill(y, z, row);
            }
        });
        out
    }
}

/// Word `i` of a row whose every bit has moved one place up: bit x holds what x - 1 held.
#[inline]
pub(crate) fn shifted_up(row: &[u64], i: usize) -> u64 {
    row[i] << 1 | if i > 0 { row[i - 1] >> 63 } else { 0 }
}

/// Word `i` of a row whose every bit has moved one place down: bit x holds what x + 1 held.
#[inline]
pub(crate) fn shifted_down(row: &[u64], i: usize) -> u64 {
    row[i] >> 1 | row.get(i + 1).map_or(0, |next| next << 63)
}

/// Bytes of 0 or 1 to bits, the first byte lowest.
fn pack(bytes: &[u8], words: &mut [u64]) {
    let (blocks, _) = bytes.as_chunks::<64>();
    for (word, block) in words.iter_mut().zip(blocks) {
        let (eights, _) = block.as_chunks::<8>();
        *word = eights.iter().enumerate().fold(0, |word, (i, eight)| {
            // The product moves byte k's lowest bit to bit 56 + k.
            let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            word | gathered << (8 * i)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(size: [usize; 3], inside: impl Fn([usize; 3]) -> bool + Sync) -> Bits {
        Bits::build(size, Bounds::of(size), |[_, y, z], row| {
            for (x, byte) in row.iter_mut().enumerate() {
                *byte = u8::from(inside([x, y, z]));
            }
        })
    }

    #[test]
    fn a_full_block_has_a_hollow_edge() {
        let full = bits([70, 5, 4], |_| true);
        assert_eq!(full.size, [72, 7, 6]);
        assert_eq!(full.count(), 70 * 5 * 4);
        assert_eq!(full.edge().count(), 70 * 5 * 4 - 68 * 3 * 2);
        // Cells at the corners of voxels: all but those inside the block.
        assert_eq!(full.cells().count(), 71 * 6 * 5 - 69 * 4 * 3);
        assert_eq!(full.code(0, 0, 0), 0b1000_0000);
        assert_eq!(full.code(70, 5, 4), 0b0000_0001);
    }

    #[test]
    fn bounds_are_tight() {
        let mask = bits([130, 9, 8], |at| at == [3, 2, 5] || at == [128, 7, 1]);
        let expected = Bounds {
            first: [3, 2, 1],
            last: [128, 7, 5],
        };
        assert_eq!(mask.bounds(), Some(expected));
        assert_eq!(bits([4, 4, 4], |_| false).bounds(), None);
        assert_eq!(
            bits([4, 1, 1], |_| true).bounds().map(Bounds::voxels),
            Some(4)
        );
    }

    #[test]
    fn a_single_slice_has_a_contour() {
        let slice = bits([5, 4, 1], |_| true);
        assert_eq!(slice.size, [7, 6, 1]);
        assert_eq!(slice.edge().count(), 5 * 4 - 3 * 2);
        assert_eq!(slice.code(0, 0, 0), 0b1000_1000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn edges_agree_with_looking_at_six_neighbours(
            seed in any::<u64>(), nx in 1usize..140, ny in 1usize..5, nz in 1usize..4,
        ) {
            let inside = |[x, y, z]: [usize; 3]| {
                let n = (x + 200 * y + 1000 * z) as u64;
                (n.wrapping_mul(seed | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 60) > 3
            };
            let size = [nx, ny, nz];
            let mask = bits(size, inside);
            let edge = mask.edge();
            let rim = size.map(|n| usize::from(n > 1));
            for z in 0..nz { for y in 0..ny { for x in 0..nx {
                let on_edge = inside([x, y, z]) && (0..3).any(|axis| {
                    size[axis] > 1 && [-1isize, 1].into_iter().any(|step| {
                        let mut at = [x, y, z];
                        match at[axis].checked_add_signed(step) {
                            Some(v) if v < size[axis] => { at[axis] = v; !inside(at) }
                            _ => true,
                        }
                    })
                });
                prop_assert_eq!(edge.bit(x + rim[0], y + rim[1], z + rim[2]), on_edge);
            }}}
        }
    }
}
