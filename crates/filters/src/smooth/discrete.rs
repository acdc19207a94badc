//! Gaussian smoothing with a sampled kernel: the discrete Gaussian of T. Lindeberg, 1990.
//!
//! Bessel functions as ITK evaluates them (Abramowitz and Stegun 9.8.1 to 9.8.4 and a downward
//! recurrence), because their 7 digits are what decides the 8th digit of its kernels.

use super::convolve::Convolution;
use crate::lines::{LineFilter, filter_axes, filtered_parts};
use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};
use vesalius_control::Control;
use vesalius_volume::Volume;

/// Options of [`discrete_gaussian`], ITK's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiscreteGaussianOptions {
    /// Variance along `[x, y, z]`, in mm².
    pub variance: [f64; 3],
    /// The share of the Gaussian that the kernel may leave out, in (0, 1).
    pub maximum_error: f64,
    /// The kernel stops growing at this many voxels on its positive side.
    pub maximum_kernel_width: usize,
}

impl Default for DiscreteGaussianOptions {
    fn default() -> Self {
        Self {
            variance: [1.0; 3],
            maximum_error: 0.01,
            maximum_kernel_width: 32,
        }
    }
}

/// Smooths with a discrete Gaussian; the border voxel is repeated beyond the image (ITK `DiscreteGaussian`).
///
/// # Errors
/// [`Error::BadOption`] when a variance is negative or the error is not between 0 and 1.
///
/// ```
/// use vesalius_filters::{DiscreteGaussianOptions, discrete_gaussian};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([9, 9, 9], [1.0; 3])?;
/// let point = Volume::from_fn(grid, |i| if i == [4, 4, 4] { 1000.0_f32 } else { 0.0 });
/// let blurred = discrete_gaussian(&point, &DiscreteGaussianOptions::default())?;
/// assert!((blurred.data().iter().sum::<f32>() - 1000.0).abs() < 0.1, "the sum is kept");
/// assert_eq!(blurred.get(0, [3, 4, 4]), blurred.get(0, [5, 4, 4]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn discrete_gaussian<R: Real>(
    input: &Volume<R>,
    options: &DiscreteGaussianOptions,
) -> Result<Volume<R>> {
    smoothed(input, options, &Work::unwatched())
}

/// As [`discrete_gaussian`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`discrete_gaussian`]; [`Error::Cancelled`].
pub fn discrete_gaussian_with<R: Real>(
    input: &Volume<R>,
    options: &DiscreteGaussianOptions,
    control: &Control,
) -> Result<Volume<R>> {
    let work = Work::new(control, "voxels", filtered_parts(input));
    smoothed(input, options, &work)
}

fn smoothed<R: Real>(
    input: &Volume<R>,
    options: &DiscreteGaussianOptions,
    work: &Work,
) -> Result<Volume<R>> {
    let spacing = input.geometry().spacing();
    let mut kernels: [Option<Convolution>; 3] = [None, None, None];
    for (axis, kernel) in kernels.iter_mut().enumerate() {
        let variance = options.variance[axis] / spacing[axis].powi(2);
        let half = gaussian_kernel(
            variance,
            options.maximum_error,
            options.maximum_kernel_width,
        )?;
        *kernel = (half.len() > 1).then_some(Convolution(half));
    }
    let mut out = input.clone();
    let size = input.geometry().size();
    let filters = kernels
        .each_ref()
        .map(|k| k.as_ref().map(|k| k as &dyn LineFilter));
    for channel in 0..out.channels() {
        filter_axes(out.channel_mut(channel), size, filters, work);
    }
    work.finish()?;
    Ok(out)
}

/// The discrete Gaussian of a variance in voxels²: the centre's weight, a neighbour's, … ; the
/// whole kernel (centre once, the others twice) sums to one.
///
/// # Errors
/// [`Error::BadOption`] when the variance is negative or the error is not between 0 and 1.
///
/// ```
/// use vesalius_filters::gaussian_kernel;
///
/// let kernel = gaussian_kernel(1.0, 0.01, 32)?;
/// let sum = kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>();
/// assert!((sum - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gaussian_kernel(
    variance: f64,
    maximum_error: f64,
    maximum_width: usize,
) -> Result<Vec<f64>> {
    if !(variance.is_finite() && variance >= 0.0) {
        return Err(Error::option(
            "discrete Gaussian",
            "variance",
            variance,
            "0 or more",
        ));
    }
    if !(maximum_error > 0.0 && maximum_error < 1.0) {
        let found = maximum_error;
        return Err(Error::option(
            "discrete Gaussian",
            "maximum_error",
            found,
            "between 0 and 1",
        ));
    }
    if variance == 0.0 {
        return Ok(vec![1.0]);
    }
    let scale = (-variance).exp();
    let mut half = vec![scale * bessel_i0(variance), scale * bessel_i1(variance)];
    let mut sum = half[0] + 2.0 * half[1];
    while sum < 1.0 - maximum_error {
        let next = scale * bessel_i(half.len(), variance);
        half.push(next);
        sum += 2.0 * next;
        if next < sum * f64::EPSILON || half.len() > maximum_width {
            break;
        }
    }
    half.iter_mut().for_each(|weight| *weight /= sum);
    Ok(half)
}

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// I₀ of a positive argument.
fn bessel_i0(x: f64) -> f64 {
    if x < 3.75 {
        let small = [
            1.0,
            3.5156229,
            3.0899424,
            1.2067492,
            0.2659732,
            0.360768e-1,
            0.45813e-2,
        ];
        return polynomial(&small, (x / 3.75).powi(2));
    }
    let large = [
        0.39894228,
        0.1328592e-1,
        0.225319e-2,
        -0.157565e-2,
        0.916281e-2,
        -0.2057706e-1,
        0.2635537e-1,
        -0.1647633e-1,
        0.392377e-2,
    ];
    x.exp() / x.sqrt() * polynomial(&large, 3.75 / x)
}

/// I₁ of a positive argument.
fn bessel_i1(x: f64) -> f64 {
    if x < 3.75 {
        let small = [
            0.5,
            0.87890594,
            0.51498869,
            0.15084934,
            0.2658733e-1,
            0.301532e-2,
            0.32411e-3,
        ];
        return x * polynomial(&small, (x / 3.75).powi(2));
    }
    let large = [
        0.39894228,
        -0.3988024e-1,
        -0.362018e-2,
        0.163801e-2,
        -0.1031555e-1,
        0.2282967e-1,
        -0.2895312e-1,
        0.1787654e-1,
        -0.420059e-2,
    ];
    x.exp() / x.sqrt() * polynomial(&large, 3.75 / x)
}

/// Iₙ of a positive argument for n of 2 and more, by Miller's downward recurrence.
fn bessel_i(n: usize, x: f64) -> f64 {
    const DIGITS: f64 = 10.0;
    let start = 2 * (n + (DIGITS * n as f64).sqrt() as usize);
    let (mut later, mut here, mut result) = (0.0, 1.0, 0.0);
    for j in (1..=start).rev() {
        let earlier = later + j as f64 * 2.0 / x * here;
        later = here;
        here = earlier;
        if here.abs() > 1e10 {
            result *= 1e-10;
            here *= 1e-10;
            later *= 1e-10;
        }
        if j == n {
            result = later;
        }
    }
    result * bessel_i0(x) / here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_sum_to_one_and_have_their_variance() {
        for variance in [0.3, 1.0, 4.0, 25.0] {
            let half = gaussian_kernel(variance, 1e-6, 100).unwrap();
            let sum = half[0] + 2.0 * half[1..].iter().sum::<f64>();
            let second: f64 = half
                .iter()
                .enumerate()
                .map(|(k, w)| 2.0 * (k * k) as f64 * w)
                .sum();
            assert!((sum - 1.0).abs() < 1e-12);
            assert!(
                (second / variance - 1.0).abs() < 1e-3,
                "{variance} {second}"
            );
        }
        assert!(gaussian_kernel(-1.0, 0.01, 32).is_err());
        assert!(gaussian_kernel(1.0, 0.0, 32).is_err());
    }
}
