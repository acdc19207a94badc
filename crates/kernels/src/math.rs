//! The exponential and the error function as plain arithmetic, which compilers turn into vectors.
//! Both are within a few units of the last place of what double precision gives.

/// 1.5 · 2²³: adding it rounds to an integer, which is then in the lowest bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts; the first times a small integer is exact.
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 1.428_606_8e-6;

/// `eˣ`, at least e⁻⁸⁷ and at most e⁸⁸; NaN stays NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    // Taylor's series; |r| ≤ ln 2 / 2.
    let mut p = 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * (r * r) + r;
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    p * power + power
}

/// The error function: near zero a polynomial in x², further out one minus the exponential of a
/// polynomial, coefficients by minimax.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let (t, s) = (x.abs(), x * x);
    let mut near = -5.967_617e-4;
    near = near * s + 4.991_194e-3;
    near = near * s - 2.676_813_5e-2;
    near = near * s + 1.128_199_25e-1;
    near = near * s - 3.761_253_4e-1;
    near = near * s + 1.283_791_7e-1;
    near = near * x + x;
    let mut far = t * -1.728_534_7e-5 + 3.831_971_3e-4;
    let other = t * -3.883_964_4e-3 + 2.425_462_2e-2;
    far = far * s + other;
    far = far * t - 1.067_778_8e-1;
    far = far * t - 6.348_468_7e-1;
    far = far * t - 1.287_175_1e-1;
    far = far * t - t;
    let far = 1.0 - exp(far);
    let far = if x < 0.0 { -far } else { far };
    // Not greater, so that NaN takes the side that keeps it.
    if t > 0.927_734_4 { far } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By its series, in double precision; |x| up to 5.
    fn exact_erf(x: f64) -> f64 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-18 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn exponentials_are_exact_to_a_few_units() {
        for i in -8600..8700 {
            let x = i as f32 / 100.0 + 0.003;
            let exact = f64::from(x).exp();
            let far = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(far < 3e-7, "{x}: {far}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 2e-38 && exp(f32::NAN).is_nan());
        assert!(exp(f32::INFINITY) > 1e38);
    }

    #[test]
    fn the_error_function_is_exact_to_a_few_units() {
        for i in -4000..4000 {
            let x = i as f32 / 1000.0;
            let far = (f64::from(erf(x)) - exact_erf(f64::from(x))).abs();
            assert!(far < 2e-7, "{x}: {far}");
        }
        assert_eq!((erf(9.0), erf(-9.0), erf(0.0)), (1.0, -1.0, 0.0));
        assert!(erf(f32::NAN).is_nan());
    }
}
