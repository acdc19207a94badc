//! Gradient magnitude, Laplacian and sharpening by differences of neighbours, in millimetres.
//!
//! The border voxel is repeated beyond the image. Conventions of ITK's `GradientMagnitude`, `Laplacian`,
//! `LaplacianSharpening` and `UnsharpMask`.

use super::Order;
use super::recursive::derived;
use crate::buffer;
use crate::lines::filtered_parts;
use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::Volume;

/// The length of the gradient by central differences, per millimetre.
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::gradient_magnitude;
/// use vesalius_volume::{Geometry, Volume};
///
/// // 10 per voxel of 2 mm: 5 per millimetre.
/// let grid = Geometry::axis_aligned([5, 3, 3], [2.0, 1.0, 1.0])?;
/// let ramp = Volume::from_fn(grid, |[x, _, _]| 10.0 * x as f32);
/// assert_eq!(gradient_magnitude(&ramp)?.get(0, [2, 1, 1]), 5.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn gradient_magnitude<R: Real>(input: &Volume<R>) -> Result<Volume<R>> {
    steepness(input, &Work::unwatched())
}

/// As [`gradient_magnitude`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn gradient_magnitude_with<R: Real>(input: &Volume<R>, control: &Control) -> Result<Volume<R>> {
    steepness(input, &Work::new(control, "voxels", input.data().len()))
}

fn steepness<R: Real>(input: &Volume<R>, work: &Work) -> Result<Volume<R>> {
    let half = input.geometry().spacing().map(|s| 0.5 / s);
    let length = |_: f64, before: [f64; 3], after: [f64; 3]| {
        let square = |axis: usize| ((after[axis] - before[axis]) * half[axis]).powi(2);
        (square(0) + square(1) + square(2)).sqrt()
    };
    let out = by_neighbours(input, length, work)?;
    work.finish()?;
    Ok(out)
}

/// The sum of second differences, per square millimetre.
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::laplacian;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([5, 3, 3], [1.0; 3])?;
/// let parabola = Volume::from_fn(grid, |[x, _, _]| (x * x) as f32);
/// assert_eq!(laplacian(&parabola)?.get(0, [2, 1, 1]), 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn laplacian<R: Real>(input: &Volume<R>) -> Result<Volume<R>> {
    bends(input, &Work::unwatched())
}

/// As [`laplacian`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn laplacian_with<R: Real>(input: &Volume<R>, control: &Control) -> Result<Volume<R>> {
    let work = Work::new(control, "voxels", input.data().len());
    let out = bends(input, &work)?;
    work.finish()?;
    Ok(out)
}

/// [`laplacian`] as a step of other work; counts the voxels.
fn bends<R: Real>(input: &Volume<R>, work: &Work) -> Result<Volume<R>> {
    let inverse = input.geometry().spacing().map(|s| 1.0 / (s * s));
    let sum = |here: f64, before: [f64; 3], after: [f64; 3]| {
        let bend = |axis: usize| (after[axis] + before[axis] - 2.0 * here) * inverse[axis];
        bend(0) + bend(1) + bend(2)
    };
    by_neighbours(input, sum, work)
}

/// Computes each voxel from its value and its six neighbours (one before and one after on each
/// axis); counts the voxels.
fn by_neighbours<R: Real>(
    input: &Volume<R>,
    value: impl Fn(f64, [f64; 3], [f64; 3]) -> f64 + Sync,
    work: &Work,
) -> Result<Volume<R>> {
    let [nx, ny, nz] = input.geometry().size();
    let mut out = buffer::filled(R::ZERO, input.data().len());
    if out.is_empty() {
        return Ok(input.clone());
    }
    out.par_chunks_mut(nx)
        .enumerate()
        .for_each(|(line, target)| {
            if !work.goes_on() {
                return;
            }
            work.advance(nx);
            let (y, z, channel) = (line % ny, line / ny % nz, line / (ny * nz));
            let row = |y: usize, z: usize| &input.channel(channel)[(z * ny + y) * nx..][..nx];
            let here = row(y, z);
            let (up, down) = (row(y.saturating_sub(1), z), row((y + 1).min(ny - 1), z));
            let (back, front) = (row(y, z.saturating_sub(1)), row(y, (z + 1).min(nz - 1)));
            for (x, out) in target.iter_mut().enumerate() {
                let before = [here[x.saturating_sub(1)], up[x], back[x]].map(Real::to_f64);
                let after = [here[(x + 1).min(nx - 1)], down[x], front[x]].map(Real::to_f64);
                *out = R::from_f64(value(here[x].to_f64(), before, after));
            }
        });
    work.check()?;
    Ok(Volume::new(*input.geometry(), input.channels(), out)?)
}

/// Subtracts the Laplacian, scaled to the image's range, and restores mean and range: edges gain
/// contrast (ITK `LaplacianSharpening`). Channels are processed separately.
///
/// # Errors
/// None that a well-made input can cause.
///
/// ```
/// use vesalius_filters::laplacian_sharpening;
/// use vesalius_volume::{Geometry, Volume};
///
/// // A ramp between two plateaus becomes steeper; the range is kept.
/// let grid = Geometry::axis_aligned([12, 3, 3], [1.0; 3])?;
/// let ramp = Volume::from_fn(grid, |[x, _, _]| 10.0 * x.clamp(4, 7) as f32);
/// let sharp = laplacian_sharpening(&ramp)?;
/// assert!(sharp.get(0, [7, 1, 1]) - sharp.get(0, [4, 1, 1]) >= 30.0);
/// assert!(sharp.data().iter().all(|value| (40.0..=70.0).contains(value)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn laplacian_sharpening<R: Real>(input: &Volume<R>) -> Result<Volume<R>> {
    sharpened(input, &Work::unwatched())
}

/// As [`laplacian_sharpening`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn laplacian_sharpening_with<R: Real>(
    input: &Volume<R>,
    control: &Control,
) -> Result<Volume<R>> {
    // The Laplacian, two ranges, the difference, two means and the shift.
    let voxels = 7 * input.data().len();
    sharpened(input, &Work::new(control, "voxels", voxels))
}

fn sharpened<R: Real>(input: &Volume<R>, work: &Work) -> Result<Volume<R>> {
    let mut out = bends(input, work)?;
    for channel in 0..input.channels() {
        let source = input.channel(channel);
        let target = out.channel_mut(channel);
        let (low, high) = range(source, work);
        let (bent_low, bent_high) = range(target, work);
        work.check()?;
        if bent_high <= bent_low {
            target.copy_from_slice(source);
            continue;
        }
        work.write(target, |start, part| {
            for (bent, &value) in part.iter_mut().zip(&source[start..]) {
                let scaled = (bent.to_f64() - bent_low) / (bent_high - bent_low);
                *bent = R::from_f64(value.to_f64() - (scaled * (high - low) + low));
            }
        });
        let shift = mean(source, work) - mean(target, work);
        // Where the work was cancelled, this is not computed from all voxels.
        work.check()?;
        work.write(target, |_, part| {
            for value in part {
                *value = R::from_f64((value.to_f64() + shift).clamp(low, high));
            }
        });
    }
    work.finish()?;
    Ok(out)
}

/// Options of [`unsharp_mask`], ITK's defaults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnsharpMaskOptions {
    /// Standard deviation of the blur along `[x, y, z]`, in mm.
    pub sigma: [f64; 3],
    /// How much of the difference to the blur is added.
    pub amount: f64,
    /// Differences up to this are ignored; larger ones are reduced by it.
    pub threshold: f64,
}

impl Default for UnsharpMaskOptions {
    fn default() -> Self {
        Self {
            sigma: [1.0; 3],
            amount: 0.5,
            threshold: 0.0,
        }
    }
}

/// Adds a share of the difference between the image and its blur (ITK `UnsharpMask`).
///
/// # Errors
/// As [`crate::recursive_gaussian`]; [`Error::BadOption`] when the threshold is negative.
///
/// ```
/// use vesalius_filters::{UnsharpMaskOptions, unsharp_mask};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([16, 8, 8], [1.0; 3])?;
/// let edge = Volume::from_fn(grid, |[x, _, _]| if x < 8 { 0.0_f32 } else { 100.0 });
/// let sharp = unsharp_mask(&edge, &UnsharpMaskOptions::default())?;
/// // The edge overshoots on both sides.
/// assert!(sharp.get(0, [7, 4, 4]) < 0.0 && sharp.get(0, [8, 4, 4]) > 100.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn unsharp_mask<R: Real>(input: &Volume<R>, options: &UnsharpMaskOptions) -> Result<Volume<R>> {
    unsharp(input, options, &Work::unwatched())
}

/// As [`unsharp_mask`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`unsharp_mask`]; [`Error::Cancelled`].
pub fn unsharp_mask_with<R: Real>(
    input: &Volume<R>,
    options: &UnsharpMaskOptions,
    control: &Control,
) -> Result<Volume<R>> {
    let voxels = filtered_parts(input) + input.data().len();
    unsharp(input, options, &Work::new(control, "voxels", voxels))
}

fn unsharp<R: Real>(
    input: &Volume<R>,
    options: &UnsharpMaskOptions,
    work: &Work,
) -> Result<Volume<R>> {
    if options.threshold < 0.0 {
        return Err(Error::option(
            "unsharp mask",
            "threshold",
            options.threshold,
            "0 or more",
        ));
    }
    let mut out = derived(input, options.sigma, [Order::Zero; 3], work)?;
    work.write(out.data_mut(), |start, part| {
        for (out, &value) in part.iter_mut().zip(&input.data()[start..]) {
            let value = value.to_f64();
            let difference = value - out.to_f64();
            let beyond = (difference.abs() - options.threshold).max(0.0);
            *out = R::from_f64(value + options.amount * beyond.copysign(difference));
        }
    });
    work.finish()?;
    Ok(out)
}

/// The smallest and the largest value, of those that were looked at where the work is cancelled; counts the values.
pub(crate) fn range<R: Real>(values: &[R], work: &Work) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    work.read(values, |part| {
        range = part.iter().fold(range, |(low, high), v| {
            (low.min(v.to_f64()), high.max(v.to_f64()))
        });
    });
    range
}

/// The mean value; counts the values.
pub(crate) fn mean<R: Real>(values: &[R], work: &Work) -> f64 {
    // As `Iterator::sum` begins.
    let mut sum = -0.0;
    work.read(values, |part| {
        sum = part.iter().fold(sum, |sum, v| sum + v.to_f64());
    });
    sum / values.len().max(1) as f64
}
