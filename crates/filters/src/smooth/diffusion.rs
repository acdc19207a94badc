//! Edge-preserving smoothing: the modified curvature diffusion equation.
//!
//! R. Whitaker and X. Xue, "Variable-conductance, level-set curvature for image denoising", 2001,
//! discretised as in ITK's `CurvatureAnisotropicDiffusion`.

use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::Volume;

/// The most time steps: what more of them would give is flat within regions.
const MOST_ITERATIONS: usize = 100_000;

/// Options of [`curvature_anisotropic_diffusion`], SimpleITK's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DiffusionOptions {
    /// Time step; stable up to about the smallest spacing over 16.
    pub time_step: f64,
    /// Contrast, relative to the mean gradient, above which edges are kept.
    pub conductance: f64,
    /// Number of time steps, at most 100,000.
    pub iterations: usize,
}

impl Default for DiffusionOptions {
    fn default() -> Self {
        Self {
            time_step: 0.0625,
            conductance: 3.0,
            iterations: 5,
        }
    }
}

/// Smooths within regions and along edges, not across them. Channels are processed separately.
///
/// # Errors
/// [`Error::BadOption`] when the time step is not positive, the conductance is negative or there are too many time
/// steps.
///
/// ```
/// use vesalius_filters::{DiffusionOptions, curvature_anisotropic_diffusion};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
/// let noisy = Volume::from_fn(grid, |[x, y, z]| 100.0_f32 + ((x * 7 + y * 5 + z * 3) % 5) as f32);
/// let smooth = curvature_anisotropic_diffusion(&noisy, &DiffusionOptions::default())?;
/// let spread = |v: &Volume<f32>| {
///     let mean = v.data().iter().sum::<f32>() / 512.0;
///     v.data().iter().map(|x| (x - mean).powi(2)).sum::<f32>()
/// };
/// assert!(spread(&smooth) < 0.7 * spread(&noisy));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn curvature_anisotropic_diffusion<R: Real>(
    input: &Volume<R>,
    options: &DiffusionOptions,
) -> Result<Volume<R>> {
    diffused(input, options, &Work::unwatched())
}

/// As [`curvature_anisotropic_diffusion`], cancelled and followed through a control, in the stage `iterations`.
///
/// # Errors
/// As [`curvature_anisotropic_diffusion`]; [`Error::Cancelled`].
pub fn curvature_anisotropic_diffusion_with<R: Real>(
    input: &Volume<R>,
    options: &DiffusionOptions,
    control: &Control,
) -> Result<Volume<R>> {
    let iterations = options.iterations.saturating_mul(input.channels());
    diffused(
        input,
        options,
        &Work::new(control, "iterations", iterations),
    )
}

fn diffused<R: Real>(
    input: &Volume<R>,
    options: &DiffusionOptions,
    work: &Work,
) -> Result<Volume<R>> {
    if !(options.time_step.is_finite() && options.time_step > 0.0) {
        return Err(Error::option(
            "diffusion",
            "time_step",
            options.time_step,
            "more than 0",
        ));
    }
    if !(options.conductance.is_finite() && options.conductance >= 0.0) {
        return Err(Error::option(
            "diffusion",
            "conductance",
            options.conductance,
            "0 or more",
        ));
    }
    if options.iterations > MOST_ITERATIONS {
        return Err(Error::option(
            "diffusion",
            "iterations",
            options.iterations,
            "at most 100000",
        ));
    }
    let mut out = input.clone();
    if input.data().is_empty() {
        return Ok(out);
    }
    let size = input.geometry().size();
    let scale = input.geometry().spacing().map(|s| 1.0 / s);
    for channel in 0..input.channels() {
        let mut here = input.channel(channel).to_vec();
        let mut next = here.clone();
        for _ in 0..options.iterations {
            step(&here, &mut next, size, scale, options, work);
            work.check()?;
            work.advance(1);
            std::mem::swap(&mut here, &mut next);
        }
        out.channel_mut(channel).copy_from_slice(&here);
    }
    Ok(out)
}

/// The 3 × 3 rows around a row, and its length.
struct Rows<'a, R> {
    rows: [[&'a [R]; 3]; 3],
}

impl<'a, R: Real> Rows<'a, R> {
    fn new(data: &'a [R], [nx, ny, nz]: [usize; 3], y: usize, z: usize) -> Self {
        let near =
            |centre: usize, step: usize, n: usize| (centre + step).saturating_sub(1).min(n - 1);
        let rows = std::array::from_fn(|k| {
            std::array::from_fn(|j| &data[(near(z, k, nz) * ny + near(y, j, ny)) * nx..][..nx])
        });
        Self { rows }
    }

    /// The 27 values around voxel `x`, as `[z][y][x]`.
    fn around(&self, x: usize) -> [[[f64; 3]; 3]; 3] {
        let last = self.rows[1][1].len() - 1;
        let xs = [x.saturating_sub(1), x, (x + 1).min(last)];
        self.rows
            .map(|rows| rows.map(|row| xs.map(|x| row[x].to_f64())))
    }
}

/// The value at an offset of -1, 0 or 1 along each axis.
fn at(v: &[[[f64; 3]; 3]; 3], offset: [i32; 3]) -> f64 {
    let [x, y, z] = offset.map(|o| (o + 1) as usize);
    v[z][y][x]
}

fn unit(axis: usize, length: i32) -> [i32; 3] {
    std::array::from_fn(|a| if a == axis { length } else { 0 })
}

fn step<R: Real>(
    here: &[R],
    next: &mut [R],
    size: [usize; 3],
    scale: [f64; 3],
    options: &DiffusionOptions,
    work: &Work,
) {
    let [nx, ny, _] = size;
    // Summed by row and then in order, so that threads do not change the last digits.
    let sums: Vec<f64> = (0..here.len() / nx)
        .into_par_iter()
        .map(|line| {
            if !work.goes_on() {
                return 0.0;
            }
            let rows = Rows::new(here, size, line % ny, line / ny);
            let square = |x: usize| -> f64 {
                let v = rows.around(x);
                let slope = |a: usize| 0.5 * (at(&v, unit(a, 1)) - at(&v, unit(a, -1))) * scale[a];
                (0..3).map(|a| slope(a).powi(2)).sum()
            };
            (0..nx).map(square).sum()
        })
        .collect();
    let average = sums.iter().sum::<f64>() / here.len() as f64;
    let k = -2.0 * average * options.conductance.powi(2);
    next.par_chunks_mut(nx)
        .enumerate()
        .for_each(|(line, target)| {
            if !work.goes_on() {
                return;
            }
            let rows = Rows::new(here, size, line % ny, line / ny);
            for (x, out) in target.iter_mut().enumerate() {
                let v = rows.around(x);
                *out = R::from_f64(v[1][1][1] + options.time_step * speed(&v, scale, k));
            }
        });
}

/// The change of the centre of 27 values per unit of time.
fn speed(v: &[[[f64; 3]; 3]; 3], scale: [f64; 3], k: f64) -> f64 {
    const SMALLEST: f64 = 1e-10;
    let centre = v[1][1][1];
    let forward: [f64; 3] = std::array::from_fn(|a| (at(v, unit(a, 1)) - centre) * scale[a]);
    let backward: [f64; 3] = std::array::from_fn(|a| (centre - at(v, unit(a, -1))) * scale[a]);
    // The slope along `b` at an offset along `a`.
    let slope = |a: usize, offset: i32, b: usize| {
        let (mut high, mut low) = (unit(a, offset), unit(a, offset));
        high[b] += 1;
        low[b] -= 1;
        0.5 * (at(v, high) - at(v, low)) * scale[b]
    };
    let flux = |a: usize, difference: f64, offset: i32| {
        let mut square = difference * difference;
        for b in (0..3).filter(|&b| b != a) {
            square += 0.25 * (slope(a, 0, b) + slope(a, offset, b)).powi(2);
        }
        let conductance = if k == 0.0 { 0.0 } else { (square / k).exp() };
        difference / (SMALLEST + square).sqrt() * conductance
    };
    let curvature: f64 = (0..3)
        .map(|a| flux(a, forward[a], 1) - flux(a, backward[a], -1))
        .sum();
    // Upwind: the gradient on the side that the front comes from.
    let square = |a: usize| match curvature > 0.0 {
        true => backward[a].min(0.0).powi(2) + forward[a].max(0.0).powi(2),
        false => backward[a].max(0.0).powi(2) + forward[a].min(0.0).powi(2),
    };
    (square(0) + square(1) + square(2)).sqrt() * curvature
}
