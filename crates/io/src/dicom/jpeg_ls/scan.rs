//! A JPEG-LS scan, line by line: prediction and the codes of its errors. One value depends on the one before it, so what
//! can be known earlier is made earlier, and what comes out either way as often is no branch.

use super::bits::{Bits, Plain};
use super::context::{Context, log2_up};
use super::gradients::Levels;
use super::header::Parameters;
use super::runs::Runs;

/// Lossless, and the range of values is a power of two.
const MASKED: u8 = 0;
/// Lossless.
const EXACT: u8 = 1;
/// With errors of up to NEAR.
const NEAR: u8 = 2;

/// Contexts are 1 to 364; as many as an index of nine bits finds.
const CONTEXTS: usize = 512;

/// The code of errors.
pub(super) struct Code {
    pub range: i32,
    /// Zeros that announce an error without a code of its own.
    pub zeros: u32,
    /// Bits of such an error.
    pub escaped: u32,
}

impl Code {
    fn new(p: &Parameters) -> Self {
        let range = p.range();
        let escaped = log2_up(range);
        let bits = log2_up(p.largest + 1).max(2);
        let longest = 2 * (bits + bits.max(8));
        Self {
            range,
            zeros: longest - escaped - 1,
            escaped,
        }
    }
}

/// The value of a prediction and its error, modulo the range.
#[inline(always)]
pub(super) fn reconstructed<const KIND: u8>(
    predicted: i32,
    error: i32,
    p: &Parameters,
    range: i32,
) -> i32 {
    if KIND == MASKED {
        return (predicted + error) & p.largest;
    }
    let near = if KIND == NEAR { p.near } else { 0 };
    let step = 2 * near + 1;
    let mut value = predicted + error * step;
    if value < -near {
        value += range * step;
    } else if value > p.largest + near {
        value -= range * step;
    }
    value.max(0).min(p.largest)
}

pub(super) struct Scan<'a> {
    p: &'a Parameters,
    code: Code,
    bits: Bits<'a>,
    contexts: Box<[Context; CONTEXTS]>,
    levels: Levels,
    runs: Runs,
    /// A margin of one on the left and right spares the borders' special cases.
    previous: Vec<i32>,
    current: Vec<i32>,
    /// Values that the bits may hold, for which memory is asked at once.
    likely: usize,
}

impl<'a> Scan<'a> {
    pub fn new(p: &'a Parameters, plain: &'a Plain) -> Self {
        Self {
            p,
            code: Code::new(p),
            bits: Bits::new(plain),
            contexts: Box::new([Context::new(p); CONTEXTS]),
            levels: Levels::new(p),
            runs: Runs::new(p),
            previous: vec![0; p.width + 2],
            current: vec![0; p.width + 2],
            likely: plain.count().min(p.width * p.height),
        }
    }

    pub fn run(mut self) -> Result<Vec<u16>, String> {
        let line = match (self.p.near, (self.p.largest + 1).count_ones()) {
            (0, 1) => Self::line::<MASKED>,
            (0, _) => Self::line::<EXACT>,
            _ => Self::line::<NEAR>,
        };
        // Of runs there may be more: it grows, so that a code too short for its size ends before there is memory for all.
        let mut out = Vec::with_capacity(self.likely);
        for y in 0..self.p.height {
            let width = self.p.width;
            self.previous[width + 1] = self.previous[width];
            self.current[0] = self.previous[1];
            line(&mut self).ok_or_else(|| format!("its JPEG-LS data end in line {y}"))?;
            out.extend(self.current[1..=width].iter().map(|&v| v as u16));
            // The value left of the next line's upper left neighbour is this line's start.
            std::mem::swap(&mut self.previous, &mut self.current);
        }
        Ok(out)
    }

    fn line<const KIND: u8>(&mut self) -> Option<()> {
        let mut x = 1;
        while x <= self.p.width {
            x = self.regular::<KIND>(x)?;
            if x <= self.p.width {
                let lines = (&self.previous[..], &mut self.current[..]);
                let code = (self.p, &self.code);
                x = self.runs.decode::<KIND>(&mut self.bits, code, lines, x)?;
            }
        }
        (!self.bits.is_exhausted()).then_some(())
    }

    /// Decodes values from `x` on up to a run or the end of the line; returns where to continue.
    fn regular<const KIND: u8>(&mut self, mut x: usize) -> Option<usize> {
        // Copies, and slices of known length, that stay in registers.
        let mut bits = self.bits;
        let Code {
            zeros,
            escaped,
            range,
        } = self.code;
        let (p, levels, contexts) = (self.p, &self.levels, &mut *self.contexts);
        let (largest, reset) = (p.largest, p.reset as u32);
        let step = if KIND == NEAR { 2 * p.near + 1 } else { 1 };
        let [mut c, mut b] = [self.previous[x - 1], self.previous[x]];
        let mut a = self.current[x - 1];
        let mut second = levels.of(b - c);
        let ahead = &self.previous[x + 1..];
        for (&d, out) in ahead.iter().zip(&mut self.current[x..=p.width]) {
            // The first level is the next value's second.
            let first = levels.of(d - b);
            let sum = 81 * first + 9 * second + levels.of(c - a);
            if sum == 0 {
                break;
            }
            // All bits set where it is negative.
            let sign = sum >> 31;
            let context = &mut contexts[((sum ^ sign) - sign) as usize % CONTEXTS];
            let median = (a + b - c).max(a.min(b)).min(a.max(b));
            let correction = (context.correction ^ sign) - sign;
            let predicted = (median + correction).max(0).min(largest);
            let mapped = bits.golomb(context.order, zeros, escaped)?;
            // Even numbers are errors of 0 and more, odd ones negative.
            let mut error = mapped >> 1 ^ -(mapped & 1);
            if KIND != NEAR && context.is_complement() {
                error = !error;
            }
            context.learn(error, step, reset);
            let error = (error ^ sign) - sign;
            let value = reconstructed::<KIND>(predicted, error, p, range);
            *out = value;
            x += 1;
            (a, b, c, second) = (value, d, b, first);
        }
        self.bits = bits;
        Some(x)
    }
}
