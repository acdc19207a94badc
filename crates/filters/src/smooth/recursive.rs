//! Gaussian smoothing and derivatives by recursion: the cost does not grow with sigma.
//!
//! R. Deriche, "Recursively implementing the Gaussian and its derivatives", 1993, with the fourth-
//! order coefficients of G. Farnebäck and C.-F. Westin, 2006: what ITK's `RecursiveGaussian` does.

use crate::buffer;
use crate::lines::{LANES, LineFilter, filter_axes, filtered_parts};
use crate::scalar::Real;
use crate::simd::vectorised;
use crate::work::Work;
use crate::{Error, Result};
use vesalius_control::Control;
use vesalius_volume::Volume;

/// Which derivative of the Gaussian is taken along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// None: the axis is smoothed.
    #[default]
    Zero,
    /// The first, per millimetre (ITK's `RecursiveGaussian` gives it per voxel).
    First,
    /// The second, per square millimetre.
    Second,
}

/// Smooths with a Gaussian of standard deviation `sigma` mm along `[x, y, z]`; the border voxel is
/// repeated beyond the image. Axes where sigma is 0 stay as they are.
///
/// The same as ITK's `SmoothingRecursiveGaussian`, except that a short axis (fewer than 4 voxels,
/// which ITK refuses) is smoothed too.
///
/// # Errors
/// [`Error::BadOption`] when a sigma is negative or not finite.
///
/// ```
/// use vesalius_filters::recursive_gaussian;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([32, 8, 8], [1.0, 1.0, 3.0])?;
/// let edge = Volume::from_fn(grid, |[x, _, _]| if x < 16 { 0.0_f32 } else { 100.0 });
/// // Sigma is 2 mm in every direction, whatever the spacing.
/// let blurred = recursive_gaussian(&edge, [2.0; 3])?;
/// assert!((blurred.get(0, [15, 4, 4]) + blurred.get(0, [16, 4, 4]) - 100.0).abs() < 0.1);
/// assert!(recursive_gaussian(&edge, [-1.0; 3]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recursive_gaussian<R: Real>(input: &Volume<R>, sigma: [f64; 3]) -> Result<Volume<R>> {
    recursive_gaussian_derivative(input, sigma, [Order::Zero; 3])
}

/// As [`recursive_gaussian`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`recursive_gaussian`]; [`Error::Cancelled`].
pub fn recursive_gaussian_with<R: Real>(
    input: &Volume<R>,
    sigma: [f64; 3],
    control: &Control,
) -> Result<Volume<R>> {
    recursive_gaussian_derivative_with(input, sigma, [Order::Zero; 3], control)
}

/// As [`recursive_gaussian`], with a derivative along the axes whose order is not [`Order::Zero`].
///
/// # Errors
/// [`Error::BadOption`] when a sigma is negative or not finite, or 0 along a derivative's axis.
///
/// ```
/// use vesalius_filters::{Order, recursive_gaussian_derivative};
/// use vesalius_volume::{Geometry, Volume};
///
/// // 3 per millimetre along x.
/// let grid = Geometry::axis_aligned([32, 8, 8], [1.0; 3])?;
/// let ramp = Volume::from_fn(grid, |[x, _, _]| 3.0 * x as f64);
/// let order = [Order::First, Order::Zero, Order::Zero];
/// let slope = recursive_gaussian_derivative(&ramp, [2.0; 3], order)?;
/// assert!((slope.get(0, [16, 4, 4]) - 3.0).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recursive_gaussian_derivative<R: Real>(
    input: &Volume<R>,
    sigma: [f64; 3],
    order: [Order; 3],
) -> Result<Volume<R>> {
    derived(input, sigma, order, &Work::unwatched())
}

/// As [`recursive_gaussian_derivative`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`recursive_gaussian_derivative`]; [`Error::Cancelled`].
pub fn recursive_gaussian_derivative_with<R: Real>(
    input: &Volume<R>,
    sigma: [f64; 3],
    order: [Order; 3],
    control: &Control,
) -> Result<Volume<R>> {
    let work = Work::new(control, "voxels", filtered_parts(input));
    let out = derived(input, sigma, order, &work)?;
    work.finish()?;
    Ok(out)
}

/// [`recursive_gaussian_derivative`] as a step of other work, of [`filtered_parts`] parts.
pub(super) fn derived<R: Real>(
    input: &Volume<R>,
    sigma: [f64; 3],
    order: [Order; 3],
    work: &Work,
) -> Result<Volume<R>> {
    let spacing = input.geometry().spacing();
    let mut filters: [Option<Recursion>; 3] = [None; 3];
    for axis in 0..3 {
        if !(sigma[axis].is_finite() && sigma[axis] >= 0.0)
            || (sigma[axis] == 0.0 && order[axis] != Order::Zero)
        {
            return Err(Error::option(
                "recursive Gaussian",
                "sigma",
                sigma,
                "millimetres, positive along a derivative's axis and not negative elsewhere",
            ));
        }
        if sigma[axis] > 0.0 {
            filters[axis] = Some(Recursion::new(sigma[axis], spacing[axis], order[axis]));
        }
    }
    let grid = *input.geometry();
    let mut out = Volume::new(grid, input.channels(), buffer::copy(input.data()))?;
    let size = input.geometry().size();
    let filters = filters
        .each_ref()
        .map(|f| f.as_ref().map(|f| f as &dyn LineFilter));
    for channel in 0..out.channels() {
        filter_axes(out.channel_mut(channel), size, filters, work);
        work.check()?;
    }
    Ok(out)
}

/// The coefficients of a causal and an anticausal recursion whose sum is the filter.
#[derive(Debug, Clone, Copy)]
struct Recursion {
    /// Causal weights of this sample and the three before.
    n: [f64; 4],
    /// Anticausal weights of the four samples after.
    m: [f64; 4],
    /// Weights of the four results before (or after), subtracted.
    d: [f64; 4],
    /// What each recursion settles on for a constant signal of one.
    settled: [f64; 2],
}

/// One exponential series: numerator of the causal part and the shared denominator.
struct Series {
    n: [f64; 4],
    d: [f64; 4],
}

impl Series {
    /// The series for derivative `order` at `sigma` voxels.
    fn new(sigma: f64, order: usize) -> Self {
        const A1: [f64; 3] = [1.3530, -0.6724, -1.3563];
        const B1: [f64; 3] = [1.8151, -3.4327, 5.2318];
        const A2: [f64; 3] = [-0.3531, 0.6724, 0.3446];
        const B2: [f64; 3] = [0.0902, 0.6100, -2.2355];
        const W: [f64; 2] = [0.6681, 2.0787];
        const L: [f64; 2] = [-1.3932, -1.3732];
        let (a1, b1, a2, b2) = (A1[order], B1[order], A2[order], B2[order]);
        let (sin1, cos1) = (W[0] / sigma).sin_cos();
        let (sin2, cos2) = (W[1] / sigma).sin_cos();
        let (exp1, exp2) = ((L[0] / sigma).exp(), (L[1] / sigma).exp());
        let n1 = exp2 * (b2 * sin2 - (a2 + 2.0 * a1) * cos2)
            + exp1 * (b1 * sin1 - (a1 + 2.0 * a2) * cos1);
        let n2 =
            2.0 * exp1 * exp2 * ((a1 + a2) * cos2 * cos1 - b1 * cos2 * sin1 - b2 * cos1 * sin2)
                + a2 * exp1 * exp1
                + a1 * exp2 * exp2;
        let n3 = exp2 * exp1 * exp1 * (b2 * sin2 - a2 * cos2)
            + exp1 * exp2 * exp2 * (b1 * sin1 - a1 * cos1);
        let d1 = -2.0 * (exp2 * cos2 + exp1 * cos1);
        let d2 = 4.0 * cos2 * cos1 * exp1 * exp2 + exp1 * exp1 + exp2 * exp2;
        let d3 = -2.0 * cos1 * exp1 * exp2 * exp2 - 2.0 * cos2 * exp2 * exp1 * exp1;
        Self {
            n: [a1 + a2, n1, n2, n3],
            d: [d1, d2, d3, exp1 * exp1 * exp2 * exp2],
        }
    }

    /// Sums of the numerator and of the denominator, weighed by the `power`-th power of the lag.
    fn moments(&self, power: i32) -> (f64, f64) {
        let lag = |k: usize| (k as f64).powi(power);
        let numerator = (0..4).map(|k| self.n[k] * lag(k)).sum();
        let denominator: f64 = (0..4).map(|k| self.d[k] * lag(k + 1)).sum();
        (numerator, denominator + f64::from(u8::from(power == 0)))
    }
}

impl Recursion {
    fn new(sigma: f64, spacing: f64, order: Order) -> Self {
        let voxels = sigma / spacing;
        let mut series = Series::new(voxels, 0);
        let (sn, sd) = series.moments(0);
        match order {
            Order::Zero => {
                let total = 2.0 * sn / sd - series.n[0];
                series.n = series.n.map(|n| n / total);
                Self::from_series(&series, 1.0)
            }
            Order::First => {
                series = Series::new(voxels, 1);
                let ((sn, sd), (dn, dd)) = (series.moments(0), series.moments(1));
                let slope = 2.0 * (sn * dd - dn * sd) / (sd * sd) * spacing;
                series.n = series.n.map(|n| n / slope);
                Self::from_series(&series, -1.0)
            }
            Order::Second => {
                let second = Series::new(voxels, 2);
                let (sn2, sd2) = second.moments(0);
                let beta = -(2.0 * sn2 - sd2 * second.n[0]) / (2.0 * sn - sd * series.n[0]);
                series.n = std::array::from_fn(|k| second.n[k] + beta * series.n[k]);
                let ((sn, sd), (dn, dd), (en, ed)) =
                    (series.moments(0), series.moments(1), series.moments(2));
                let bend = (en * sd * sd - ed * sn * sd - 2.0 * dn * dd * sd + 2.0 * dd * dd * sn)
                    / (sd * sd * sd)
                    * spacing
                    * spacing;
                series.n = series.n.map(|n| n / bend);
                Self::from_series(&series, 1.0)
            }
        }
    }

    /// The anticausal half that makes the whole even (`sign` 1) or odd (-1).
    fn from_series(series: &Series, sign: f64) -> Self {
        let (n, d) = (series.n, series.d);
        let after = |k: usize| n.get(k + 1).copied().unwrap_or(0.0);
        let m: [f64; 4] = std::array::from_fn(|k| sign * (after(k) - d[k] * n[0]));
        let (sn, sd) = series.moments(0);
        Self {
            n,
            m,
            d,
            settled: [sn / sd, m.iter().sum::<f64>() / sd],
        }
    }
}

impl LineFilter for Recursion {
    fn run(&self, input: &[[f64; LANES]], output: &mut [[f64; LANES]]) {
        recurse(self, input, output);
    }
}

vectorised! {
    fn recurse(r: &Recursion, input: &[[f64; LANES]], output: &mut [[f64; LANES]]) {
        let (Some(&first), Some(&last)) = (input.first(), input.last()) else {
            return;
        };
        let mut x = [first; 3];
        let mut y = [first.map(|v| v * r.settled[0]); 4];
        for (&here, out) in input.iter().zip(output.iter_mut()) {
            let mut sum = [0.0; LANES];
            for l in 0..LANES {
                let old = y[1][l] * r.d[1] + y[2][l] * r.d[2] + y[3][l] * r.d[3];
                let new = here[l] * r.n[0] + x[0][l] * r.n[1] + x[1][l] * r.n[2] + x[2][l] * r.n[3];
                sum[l] = (new - old) - y[0][l] * r.d[0];
            }
            x = [here, x[0], x[1]];
            y = [sum, y[0], y[1], y[2]];
            *out = sum;
        }
        let mut x = [last; 4];
        let mut y = [last.map(|v| v * r.settled[1]); 4];
        for (&here, out) in input.iter().zip(output.iter_mut()).rev() {
            let mut sum = [0.0; LANES];
            for l in 0..LANES {
                let old = y[1][l] * r.d[1] + y[2][l] * r.d[2] + y[3][l] * r.d[3];
                let new = x[0][l] * r.m[0] + x[1][l] * r.m[1] + x[2][l] * r.m[2] + x[3][l] * r.m[3];
                sum[l] = (new - old) - y[0][l] * r.d[0];
                out[l] += sum[l];
            }
            x = [here, x[0], x[1], x[2]];
            y = [sum, y[0], y[1], y[2]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn the_moments_are_those_of_a_gaussian_and_its_derivatives() {
        let grid = Geometry::axis_aligned([201, 1, 1], [0.5, 1.0, 1.0]).unwrap();
        let at = |i: usize| (i as f64 - 100.0) * 0.5;
        let impulse = Volume::from_fn(grid, |[x, _, _]| f64::from(u8::from(x == 100)) / 0.5);
        let moment = |order: Order, power: i32| -> f64 {
            let out = recursive_gaussian_derivative(
                &impulse,
                [4.0, 0.0, 0.0],
                [order, Order::Zero, Order::Zero],
            )
            .unwrap();
            out.data()
                .iter()
                .enumerate()
                .map(|(i, v)| v * at(i).powi(power) * 0.5)
                .sum()
        };
        // Twelve sigmas out, where the line ends, the recursion's tails are at 1e-7.
        assert!((moment(Order::Zero, 0) - 1.0).abs() < 1e-6);
        assert!(moment(Order::First, 0).abs() < 1e-6);
        assert!((moment(Order::First, 1) + 1.0).abs() < 1e-5);
        assert!(moment(Order::Second, 0).abs() < 1e-6);
        assert!((moment(Order::Second, 2) - 2.0).abs() < 1e-4);
    }

    #[test]
    fn a_constant_stays_and_a_bad_sigma_is_refused() {
        let grid = Geometry::axis_aligned([9, 1, 13], [0.5, 1.0, 2.0]).unwrap();
        let v = Volume::filled(grid, 7.0f32);
        let out = recursive_gaussian(&v, [2.0; 3]).unwrap();
        assert!(out.data().iter().all(|v| (v - 7.0).abs() < 1e-5));
        assert!(recursive_gaussian(&v, [-1.0, 1.0, 1.0]).is_err());
    }
}
