//! A JPEG-LS scan: contexts, prediction, runs, and the codes of their errors.

use super::bits::Bits;
use super::header::Parameters;

/// Number of bits needed for values below `range`.
fn log2_up(range: i32) -> u32 {
    (0..31)
        .find(|&bits| 1i64 << bits >= i64::from(range))
        .unwrap_or(31)
}

/// The smallest number of bits by which a count is shifted to reach a magnitude.
fn order(count: i32, magnitude: i32) -> u32 {
    if count >= magnitude {
        return 0;
    }
    // Counts are 1 or more; as many digits are as large or one bit short.
    let bits = count.leading_zeros() - magnitude.leading_zeros();
    bits + u32::from((i64::from(count) << bits) < i64::from(magnitude))
}

/// Order of the run-length code (the standard's J).
const RUN_ORDER: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

/// Adaptive state of one context.
#[derive(Clone, Copy)]
struct Context {
    magnitude: i32,
    bias: i32,
    correction: i32,
    count: i32,
    /// Negative errors, for the two contexts of run interruption.
    negative: i32,
}

impl Context {
    /// Takes in an error.
    #[inline(always)]
    fn learn<const EXACT: bool>(&mut self, error: i32, p: &Parameters) {
        let step = if EXACT { 1 } else { 2 * p.near + 1 };
        self.bias += error * step;
        self.magnitude += error.abs();
        if self.count == p.reset {
            self.magnitude >>= 1;
            self.bias >>= 1;
            self.count >>= 1;
        }
        self.count += 1;
        if self.bias <= -self.count {
            self.correction = (self.correction - 1).max(-128);
            self.bias = (self.bias + self.count).max(1 - self.count);
        } else if self.bias > 0 {
            self.correction = (self.correction + 1).min(127);
            self.bias = (self.bias - self.count).min(0);
        }
    }
}

/// The level of a gradient, from -4 to 4.
fn level(gradient: i32, p: &Parameters) -> i8 {
    let [t1, t2, t3] = p.thresholds;
    let size = gradient.abs();
    // The thresholds grow, and the first is larger than what counts as equal.
    let above = [size > p.near, size >= t1, size >= t2, size >= t3];
    let level: i8 = above.into_iter().map(i8::from).sum();
    level * gradient.signum() as i8
}

/// 365 regular contexts and two of run interruption; as many as an index of nine bits finds.
const CONTEXTS: usize = 512;

pub(super) struct Scan<'a> {
    p: &'a Parameters,
    bits: Bits<'a>,
    contexts: Box<[Context; CONTEXTS]>,
    /// The level of each gradient from minus the last threshold to the last threshold.
    levels: Vec<i8>,
    run_index: usize,
    range: i32,
    /// Bits of an escaped error, and the longest code.
    escape: u32,
    limit: u32,
    /// A margin of one on the left and right spares the borders' special cases.
    previous: Vec<i32>,
    current: Vec<i32>,
}

impl<'a> Scan<'a> {
    pub fn new(p: &'a Parameters, bytes: &'a [u8]) -> Self {
        let range = p.range();
        let fresh = Context {
            magnitude: 2.max((range + 32) / 64),
            bias: 0,
            correction: 0,
            count: 1,
            negative: 0,
        };
        let bits = log2_up(p.largest + 1).max(2);
        Self {
            p,
            bits: Bits::new(bytes),
            contexts: Box::new([fresh; CONTEXTS]),
            levels: (-p.thresholds[2]..=p.thresholds[2])
                .map(|gradient| level(gradient, p))
                .collect(),
            run_index: 0,
            range,
            escape: log2_up(range),
            limit: 2 * (bits + bits.max(8)),
            previous: vec![0; p.width + 2],
            current: vec![0; p.width + 2],
        }
    }

    pub fn run(mut self) -> Result<Vec<u16>, String> {
        // Grown line by line: a code too short for its size ends before the memory is allocated.
        let mut out = Vec::new();
        for y in 0..self.p.height {
            let width = self.p.width;
            self.previous[width + 1] = self.previous[width];
            self.current[0] = self.previous[1];
            let read = match self.p.near {
                0 => self.line::<true>(),
                _ => self.line::<false>(),
            };
            read.ok_or_else(|| format!("its JPEG-LS data end in line {y}"))?;
            out.extend(self.current[1..=width].iter().map(|&v| v as u16));
            // The value left of the next line's upper left neighbour is this line's start.
            std::mem::swap(&mut self.previous, &mut self.current);
        }
        Ok(out)
    }

    /// Decodes a line; `EXACT` is whether no error is allowed, which spares the steps between values.
    fn line<const EXACT: bool>(&mut self) -> Option<()> {
        let width = self.p.width;
        let mut x = 1;
        while x <= width {
            let (mut a, mut b) = (self.current[x - 1], self.previous[x]);
            let mut c = self.previous[x - 1];
            loop {
                let d = self.previous[x + 1];
                let levels = [self.level(d - b), self.level(b - c), self.level(c - a)];
                if levels == [0; 3] {
                    x = self.run_mode::<EXACT>(x)?;
                    break;
                }
                let value = self.regular::<EXACT>([a, b, c], levels)?;
                self.current[x] = value;
                x += 1;
                if x > width {
                    break;
                }
                (a, b, c) = (value, d, b);
            }
        }
        (!self.bits.exhausted()).then_some(())
    }

    #[inline(always)]
    fn level(&self, gradient: i32) -> i32 {
        let last = self.p.thresholds[2];
        let place = gradient.clamp(-last, last) + last;
        i32::from(self.levels[place as usize])
    }

    #[inline(always)]
    fn regular<const EXACT: bool>(
        &mut self,
        [a, b, c]: [i32; 3],
        [q1, q2, q3]: [i32; 3],
    ) -> Option<i32> {
        let index = 81 * q1 + 9 * q2 + q3;
        let sign = if index < 0 { -1 } else { 1 };
        let index = index.unsigned_abs() as usize % CONTEXTS;
        let median = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let context = self.contexts[index];
        let predicted = (median + sign * context.correction).clamp(0, self.p.largest);
        let order = order(context.count, context.magnitude);
        let mapped = self.golomb(order, self.limit)?;
        // Even numbers are errors of 0 and more, odd ones negative.
        let mut error = mapped >> 1 ^ -(mapped & 1);
        if EXACT && order == 0 && 2 * context.bias <= -context.count {
            error = -(error + 1);
        }
        self.contexts[index].learn::<EXACT>(error, self.p);
        Some(self.reconstruct::<EXACT>(predicted, sign * error))
    }

    #[inline(always)]
    fn reconstruct<const EXACT: bool>(&self, predicted: i32, error: i32) -> i32 {
        let near = if EXACT { 0 } else { self.p.near };
        let step = 2 * near + 1;
        let span = self.range * step;
        let mut value = predicted + error * step;
        if value < -near {
            value += span;
        } else if value > self.p.largest + near {
            value -= span;
        }
        value.clamp(0, self.p.largest)
    }

    /// A Golomb code of limited length.
    #[inline(always)]
    fn golomb(&mut self, order: u32, limit: u32) -> Option<i32> {
        let escape = limit - self.escape - 1;
        let zeros = self.bits.zeros(escape)?;
        if zeros < escape {
            let rest = if order > 24 {
                return None;
            } else {
                self.bits.read(order)
            };
            i32::try_from(u64::from(zeros) << order | u64::from(rest)).ok()
        } else {
            i32::try_from(self.bits.read(self.escape))
                .ok()?
                .checked_add(1)
        }
    }

    /// Decodes a run from `x` on and the value that ends it; returns where to continue.
    fn run_mode<const EXACT: bool>(&mut self, mut x: usize) -> Option<usize> {
        let a = self.current[x - 1];
        let width = self.p.width;
        loop {
            if self.bits.read(1) == 0 {
                let rest = self.bits.read(RUN_ORDER[self.run_index]) as usize;
                if x + rest > width {
                    return None;
                }
                self.current[x..x + rest].fill(a);
                x += rest;
                break;
            }
            let full = 1 << RUN_ORDER[self.run_index];
            let count = full.min(width + 1 - x);
            self.current[x..x + count].fill(a);
            x += count;
            if count == full {
                self.run_index = (self.run_index + 1).min(31);
            }
            if x > width {
                return Some(x);
            }
            if self.bits.exhausted() {
                return None;
            }
        }
        self.current[x] = self.interruption::<EXACT>(a, self.previous[x])?;
        self.run_index = self.run_index.saturating_sub(1);
        Some(x + 1)
    }

    /// The value that breaks a run: its own contexts and code.
    fn interruption<const EXACT: bool>(&mut self, a: i32, b: i32) -> Option<i32> {
        let same = i32::from((a - b).abs() <= self.p.near);
        let index = 365 + same as usize;
        let context = self.contexts[index];
        let magnitude = context.magnitude + if same == 1 { context.count / 2 } else { 0 };
        let order = order(context.count, magnitude);
        let limit = self.limit - RUN_ORDER[self.run_index] - 1;
        let mapped = self.golomb(order, limit)?;
        // The map folds the sign into the lowest bit, by which sign is the likelier one.
        let temporary = mapped + same;
        let odd = temporary % 2 == 1;
        let size = (temporary + 1) / 2;
        let likely_negative = order != 0 || 2 * context.negative >= context.count;
        let error = if likely_negative == odd { -size } else { size };
        let context = &mut self.contexts[index];
        if error < 0 {
            context.negative += 1;
        }
        context.magnitude += (mapped + 1 - same) >> 1;
        if context.count == self.p.reset {
            context.magnitude >>= 1;
            context.count >>= 1;
            context.negative >>= 1;
        }
        context.count += 1;
        Some(if same == 1 {
            self.reconstruct::<EXACT>(a, error)
        } else {
            let sign = if a > b { -1 } else { 1 };
            self.reconstruct::<EXACT>(b, sign * error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_first_that_reaches_the_magnitude() {
        for count in 1..=300 {
            for magnitude in (0..5000).chain([1 << 20, i32::MAX - 1, i32::MAX]) {
                let meant = (0..).find(|&k| i64::from(count) << k >= i64::from(magnitude));
                assert_eq!(Some(order(count, magnitude)), meant, "{count}, {magnitude}");
            }
        }
    }
}
