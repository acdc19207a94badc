//! Runs of equal values in a scan, and the values that end them.

use super::bits::Bits;
use super::context::{first_magnitude, order};
use super::header::Parameters;
use super::scan::{Code, reconstructed};

/// Order of the run-length code (the standard's J).
const ORDER: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

/// Adaptive state of runs.
pub(super) struct Runs {
    index: usize,
    /// For a run that ends beside another value, and beside the same.
    ends: [End; 2],
}

/// Adaptive state of the values that end runs.
#[derive(Clone, Copy)]
struct End {
    magnitude: u32,
    count: u32,
    /// Negative errors.
    negative: u32,
}

impl Runs {
    pub fn new(p: &Parameters) -> Self {
        let fresh = End {
            magnitude: first_magnitude(p),
            count: 1,
            negative: 0,
        };
        Self {
            index: 0,
            ends: [fresh; 2],
        }
    }

    /// Decodes a run from `x` on and the value that ends it; returns where to continue.
    pub fn decode<const KIND: u8>(
        &mut self,
        bits: &mut Bits,
        (p, code): (&Parameters, &Code),
        (previous, current): (&[i32], &mut [i32]),
        mut x: usize,
    ) -> Option<usize> {
        let a = current[x - 1];
        loop {
            if bits.read(1) == 0 {
                let rest = bits.read(ORDER[self.index]) as usize;
                if x + rest > p.width {
                    return None;
                }
                current[x..x + rest].fill(a);
                x += rest;
                break;
            }
            let full = 1 << ORDER[self.index];
            let count = full.min(p.width + 1 - x);
            current[x..x + count].fill(a);
            x += count;
            if count == full {
                self.index = (self.index + 1).min(31);
            }
            if x > p.width {
                return Some(x);
            }
            if bits.is_exhausted() {
                return None;
            }
        }
        current[x] = self.end::<KIND>(bits, (p, code), [a, previous[x]])?;
        self.index = self.index.saturating_sub(1);
        Some(x + 1)
    }

    /// The value that breaks a run: its own contexts and code.
    fn end<const KIND: u8>(
        &mut self,
        bits: &mut Bits,
        (p, code): (&Parameters, &Code),
        [a, b]: [i32; 2],
    ) -> Option<i32> {
        let same = (a - b).abs() <= p.near;
        let end = &mut self.ends[usize::from(same)];
        let half = if same { end.count / 2 } else { 0 };
        let order = order(end.count, end.magnitude + half);
        let mapped = bits.golomb(order, code.zeros - ORDER[self.index] - 1, code.escaped)?;
        // The map folds the sign into the lowest bit, by which sign is the likelier one.
        let temporary = mapped + i32::from(same);
        let odd = temporary % 2 == 1;
        let size = (temporary + 1) / 2;
        let likely_negative = order != 0 || 2 * end.negative >= end.count;
        let error = if likely_negative == odd { -size } else { size };
        end.learn(mapped, error, same, p.reset as u32);
        let (predicted, error) = match (same, a > b) {
            (true, _) => (a, error),
            (false, true) => (b, -error),
            (false, false) => (b, error),
        };
        Some(reconstructed::<KIND>(predicted, error, p, code.range))
    }
}

impl End {
    fn learn(&mut self, mapped: i32, error: i32, same: bool, reset: u32) {
        self.negative += u32::from(error < 0);
        self.magnitude += ((mapped + 1 - i32::from(same)) >> 1) as u32;
        if self.count == reset {
            self.magnitude >>= 1;
            self.count >>= 1;
            self.negative >>= 1;
        }
        self.count += 1;
    }
}
