//! The Gaussian error linear unit, `x · Φ(x)` by the error function, forward and backward
//! (Hendrycks and Gimpel 2016).

use crate::error::{Result, check_length};
use crate::math::{erf, exp};
use crate::parallel::{map, map2};
use std::f32::consts::FRAC_1_SQRT_2;

/// 1 / √(2 π).
const DENSITY: f32 = 0.398_942_3;

/// `output = x · Φ(x)`.
///
/// # Errors
/// When the slices' lengths differ.
pub fn gelu_forward(input: &[f32], output: &mut [f32]) -> Result<()> {
    check_length("output", output, input.len())?;
    map(input, output, |x| {
        (0.5 * x) * (1.0 + erf(x * FRAC_1_SQRT_2))
    });
    Ok(())
}

/// The gradient to the input: `gradient · (Φ(x) + x φ(x))`.
///
/// # Errors
/// When the slices' lengths differ.
pub fn gelu_backward(
    input: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    check_length("output_gradient", output_gradient, input.len())?;
    check_length("input_gradient", input_gradient, input.len())?;
    map2(input, output_gradient, input_gradient, |x, gradient| {
        let below = 0.5 * (1.0 + erf(x * FRAC_1_SQRT_2));
        let density = DENSITY * exp(-0.5 * x * x);
        gradient * (below + x * density)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{SimdLevel, with_simd_level};

    /// Φ by Simpson's rule, in double precision.
    fn below(x: f64) -> f64 {
        let n = 4000;
        let h = x / f64::from(n);
        let density = |t: f64| (-0.5 * t * t).exp() * f64::from(DENSITY);
        let sum: f64 = (0..=n)
            .map(|i| {
                let weight = match i {
                    0 => 1.0,
                    i if i == n => 1.0,
                    i if i % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                weight * density(f64::from(i) * h)
            })
            .sum();
        0.5 + sum * h / 3.0
    }

    #[test]
    fn values_and_slopes_are_the_formulas() {
        let input: Vec<f32> = (-60..=60).map(|i| i as f32 / 10.0).collect();
        let ones = vec![1.0; input.len()];
        for path in SimdLevel::available() {
            let (mut output, mut slope) = (ones.clone(), ones.clone());
            with_simd_level(path, || {
                gelu_forward(&input, &mut output).unwrap();
                gelu_backward(&input, &ones, &mut slope).unwrap();
            });
            for ((&x, &y), &slope) in input.iter().zip(&output).zip(&slope) {
                let x = f64::from(x);
                let expected = x * below(x);
                assert!((f64::from(y) - expected).abs() < 1e-6, "{x}: {y}");
                let density = (-0.5 * x * x).exp() * f64::from(DENSITY);
                let expected = below(x) + x * density;
                assert!((f64::from(slope) - expected).abs() < 1e-6, "{x}: {slope}");
            }
        }
    }
}
