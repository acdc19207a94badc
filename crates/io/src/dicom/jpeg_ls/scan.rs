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

pub(super) struct Scan<'a> {
    p: &'a Parameters,
    bits: Bits<'a>,
    contexts: Vec<Context>,
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
            // 365 regular contexts and two of run interruption.
            contexts: vec![fresh; 367],
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
            self.line()
                .ok_or_else(|| format!("its JPEG-LS data end in line {y}"))?;
            out.extend(self.current[1..=width].iter().map(|&v| v as u16));
            // The value left of the next line's upper left neighbour is this line's start.
            std::mem::swap(&mut self.previous, &mut self.current);
        }
        Ok(out)
    }

    fn line(&mut self) -> Option<()> {
        let mut x = 1;
        while x <= self.p.width {
            let (a, b) = (self.current[x - 1], self.previous[x]);
            let (c, d) = (self.previous[x - 1], self.previous[x + 1]);
            let gradients = [d - b, b - c, c - a];
            if gradients.iter().all(|g| g.abs() <= self.p.near) {
                x = self.run_mode(x)?;
            } else {
                self.current[x] = self.regular([a, b, c], gradients)?;
                x += 1;
            }
        }
        (!self.bits.exhausted()).then_some(())
    }

    fn quantise(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.p.thresholds;
        let size = gradient.abs();
        // The thresholds grow, and the first is larger than what counts as equal.
        let above = [size > self.p.near, size >= t1, size >= t2, size >= t3];
        let level: i32 = above.into_iter().map(i32::from).sum();
        level * gradient.signum()
    }

    fn regular(&mut self, [a, b, c]: [i32; 3], gradients: [i32; 3]) -> Option<i32> {
        let [q1, q2, q3] = gradients.map(|g| self.quantise(g));
        let mut index = 81 * q1 + 9 * q2 + q3;
        let sign = if index < 0 { -1 } else { 1 };
        index *= sign;
        let median = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let context = self.contexts[index as usize];
        let predicted = (median + sign * context.correction).clamp(0, self.p.largest);
        let order = order(context.count, context.magnitude);
        let mapped = self.golomb(order, self.limit)?;
        let mut error = if mapped % 2 == 0 {
            mapped / 2
        } else {
            -(mapped + 1) / 2
        };
        if self.p.near == 0 && order == 0 && 2 * context.bias <= -context.count {
            error = -(error + 1);
        }
        self.learn(index as usize, error);
        Some(self.reconstruct(predicted, sign * error))
    }

    fn reconstruct(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.p.near + 1;
        let span = self.range * step;
        let mut value = predicted + error * step;
        if value < -self.p.near {
            value += span;
        } else if value > self.p.largest + self.p.near {
            value -= span;
        }
        value.clamp(0, self.p.largest)
    }

    fn learn(&mut self, index: usize, error: i32) {
        let (near, reset) = (self.p.near, self.p.reset);
        let context = &mut self.contexts[index];
        context.bias += error * (2 * near + 1);
        context.magnitude += error.abs();
        if context.count == reset {
            context.magnitude >>= 1;
            context.bias >>= 1;
            context.count >>= 1;
        }
        context.count += 1;
        if context.bias <= -context.count {
            context.correction = (context.correction - 1).max(-128);
            context.bias = (context.bias + context.count).max(1 - context.count);
        } else if context.bias > 0 {
            context.correction = (context.correction + 1).min(127);
            context.bias = (context.bias - context.count).min(0);
        }
    }

    /// A Golomb code of limited length.
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
    fn run_mode(&mut self, mut x: usize) -> Option<usize> {
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
        self.current[x] = self.interruption(a, self.previous[x])?;
        self.run_index = self.run_index.saturating_sub(1);
        Some(x + 1)
    }

    /// The value that breaks a run: its own contexts and code.
    fn interruption(&mut self, a: i32, b: i32) -> Option<i32> {
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
            self.reconstruct(a, error)
        } else {
            let sign = if a > b { -1 } else { 1 };
            self.reconstruct(b, sign * error)
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
