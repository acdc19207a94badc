//! What a scan learns about the errors of its prediction, context by context.

use super::header::Parameters;

/// Number of bits needed for values below `range`.
pub(super) fn log2_up(range: i32) -> u32 {
    (0..31)
        .find(|&bits| 1i64 << bits >= i64::from(range))
        .unwrap_or(31)
}

/// The order of a code: the smallest number of bits by which a count is shifted to reach a magnitude.
#[inline(always)]
pub(super) fn order(count: u32, magnitude: u32) -> u32 {
    // Counts are 1 or more; as many digits are as large or one bit short.
    let digits = (magnitude | 1).leading_zeros();
    let bits = count.leading_zeros().saturating_sub(digits);
    bits + u32::from(u64::from(count) << bits < u64::from(magnitude))
}

/// The sum of errors with which every context begins.
pub(super) fn first_magnitude(p: &Parameters) -> u32 {
    2.max((p.range() as u32 + 32) / 64)
}

/// Adaptive state of one context.
#[derive(Clone, Copy)]
pub(super) struct Context {
    /// The sum of the errors without their signs.
    magnitude: u32,
    bias: i32,
    /// What is added to the prediction.
    pub correction: i32,
    count: u32,
    /// The order of the code of the next error, which follows from magnitude and count: known before it is needed.
    pub order: u32,
}

impl Context {
    pub fn new(p: &Parameters) -> Self {
        let magnitude = first_magnitude(p);
        Self {
            magnitude,
            bias: 0,
            correction: 0,
            count: 1,
            order: order(1, magnitude),
        }
    }

    /// Whether the code of a lossless error is that of its complement.
    #[inline(always)]
    pub fn is_complement(&self) -> bool {
        self.order == 0 && 2 * self.bias <= -(self.count as i32)
    }

    /// Takes in an error, in units of `step`. Comparisons that come out either way as often become masks.
    #[inline(always)]
    pub fn learn(&mut self, error: i32, step: i32, reset: u32) {
        let (mut magnitude, mut bias, mut count) = (self.magnitude, self.bias, self.count);
        bias += error * step;
        magnitude += error.unsigned_abs();
        if count == reset {
            (magnitude, bias, count) = halved(magnitude, bias, count);
        }
        count += 1;
        let n = count as i32;
        // All bits set where the bias is -n or less, and where it is above 0.
        let (low, high) = ((bias + n - 1) >> 31, -bias >> 31);
        let correction = self.correction + low - high;
        if (-128..128).contains(&correction) {
            self.correction = correction;
        }
        self.bias = (bias + (n & low) - (n & high)).max(1 - n).min(0);
        (self.magnitude, self.count) = (magnitude, count);
        self.order = order(count, magnitude);
    }
}

/// Apart, so that the usual code has no shifts by one or none.
#[cold]
#[inline(never)]
fn halved(magnitude: u32, bias: i32, count: u32) -> (u32, i32, u32) {
    (magnitude >> 1, bias >> 1, count >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_first_that_reaches_the_magnitude() {
        for count in 1..=300 {
            for magnitude in (0..5000).chain([1 << 20, u32::MAX - 1, u32::MAX]) {
                let meant = (0..).find(|&k| u64::from(count) << k >= u64::from(magnitude));
                assert_eq!(Some(order(count, magnitude)), meant, "{count}, {magnitude}");
            }
        }
    }

    #[test]
    fn a_context_learns_as_the_standard_says() {
        let p = Parameters {
            width: 1,
            height: 1,
            largest: 4095,
            near: 0,
            thresholds: [18, 67, 276],
            reset: 64,
        };
        let mut context = Context::new(&p);
        // Code segments A.12 and A.13.
        let (mut a, mut b, mut c, mut n) = (64, 0, 0, 1);
        for i in 0..2000 {
            let error = (i * i * 37 + i * 11) % 203 - 130 + i / 10;
            context.learn(error, 1, 64);
            (a, b) = (a + error.abs(), b + error);
            if n == 64 {
                (a, b, n) = (a >> 1, b >> 1, n >> 1);
            }
            n += 1;
            if b <= -n {
                b += n;
                if c > -128 {
                    c -= 1;
                }
                b = b.max(1 - n);
            } else if b > 0 {
                b -= n;
                if c < 127 {
                    c += 1;
                }
                b = b.min(0);
            }
            let found = (context.magnitude as i32, context.bias, context.correction);
            assert_eq!((found, context.count as i32), ((a, b, c), n), "{i}");
            assert_eq!(context.order, order(n as u32, a as u32));
        }
    }
}
