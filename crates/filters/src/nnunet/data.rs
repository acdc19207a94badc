//! Images: cubic in all axes, or in the plane and nearest across, clipped to the input's range.

use super::{NnUnetOptions, half_pixel, with_thick_axis_last};
use crate::Result;
use crate::buffer;
use crate::resample::axis::Axis;
use crate::resample::kernel::{Cubic, Kernel, Linear, Nearest};
use crate::resample::separable::{separable, separable_nearest};
use crate::resample::spline::{Border, coefficients_along};
use crate::resample::{Interpolation, resized_grid};
use crate::scalar::Real;
use crate::work::Work;
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Volume, Voxel};

/// Resizes an image to `size` voxels `[x, y, z]` over the same extent, as nnU-Net does for a target
/// of `spacing` mm, which decides only whether thick slices are resampled separately.
///
/// # Errors
/// [`crate::Error::NoVoxels`] when a size is zero.
///
/// ```
/// use vesalius_filters::{NnUnetOptions, resample_nnunet};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
/// let small = resample_nnunet(&image, [4, 4, 4], [2.0; 3], &NnUnetOptions::default())?;
/// assert_eq!(small.geometry().size(), [4, 4, 4]);
/// assert_eq!(small.geometry().spacing(), [2.0; 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resample_nnunet<R: Real>(
    input: &Volume<R>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &NnUnetOptions,
) -> Result<Volume<R>> {
    resampled(input, size, spacing, options, &Work::unwatched())
}

/// As [`resample_nnunet`], cancelled and followed through a control, in the stage `resampling`.
///
/// # Errors
/// As [`resample_nnunet`]; [`crate::Error::Cancelled`].
pub fn resample_nnunet_with<R: Real>(
    input: &Volume<R>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &NnUnetOptions,
    control: &Control,
) -> Result<Volume<R>> {
    let work = Work::without_total(control, "resampling");
    resampled(input, size, spacing, options, &work)
}

fn resampled<R: Real>(
    input: &Volume<R>,
    size: [usize; 3],
    spacing: [f64; 3],
    options: &NnUnetOptions,
    work: &Work,
) -> Result<Volume<R>> {
    let resize_axes = |input: &Volume<R>, size: [usize; 3], separate: bool| {
        let depth = input.geometry().size()[2];
        let rows = |[_, y, z]: [usize; 3]| y * z * input.channels();
        if !separate || options.across == Interpolation::Nearest || depth == size[2] {
            work.set_total(rows(size));
            return resize(input, size, options.interpolation, separate, work);
        }
        // The planes first, slice by slice; then across them, from plane to plane.
        let planes = [size[0], size[1], depth];
        work.set_total(rows(planes) + rows(size));
        let planes = resize(input, planes, options.interpolation, true, work)?;
        across(&planes, size, options.across, work)
    };
    with_thick_axis_last(input, size, spacing, options.separate, work, resize_axes)
}

/// Resizes along the last axis alone, without clipping: scipy's `map_coordinates`. Counts the rows of the result.
fn across<R: Real>(
    input: &Volume<R>,
    size: [usize; 3],
    interpolation: Interpolation,
    work: &Work,
) -> Result<Volume<R>> {
    if interpolation != Interpolation::Cubic {
        return resize(input, size, interpolation, false, work);
    }
    let from = input.geometry().size();
    let target = resized_grid(input.geometry(), size)?;
    let voxels = target.voxel_count();
    let mut out = buffer::filled(R::ZERO, voxels * input.channels());
    for (channel, out) in out.chunks_mut(voxels).enumerate() {
        let source = input.channel(channel);
        let filtered = [false, false, true];
        let (coefficients, padded) = coefficients_along(source, from, Border::Edge, filtered, work);
        let mut axes = axes::<R, Cubic, 4>(from, size, false);
        for axis in [0, 1] {
            // The planes stay as they are: no coefficients, so no kernel either.
            let same: Vec<usize> = (0..from[axis]).collect();
            axes[axis].copy(&same, Cubic::MARGIN);
        }
        separable(&coefficients, padded, &axes, out, size, work);
    }
    work.check()?;
    Ok(Volume::new(target, input.channels(), out)?)
}

/// Counts the rows of the result.
fn resize<R: Real>(
    input: &Volume<R>,
    size: [usize; 3],
    interpolation: Interpolation,
    separate: bool,
    work: &Work,
) -> Result<Volume<R>> {
    let from = input.geometry().size();
    let target = resized_grid(input.geometry(), size)?;
    let voxels = target.voxel_count();
    buffer::check::<R>(&target, input.channels(), 0)?;
    let mut out = buffer::filled(R::ZERO, voxels * input.channels());
    for (channel, out) in out.chunks_mut(voxels).enumerate() {
        let source = input.channel(channel);
        match interpolation {
            Interpolation::Nearest => {
                let axes = axes::<f32, Nearest, 1>(from, size, separate);
                separable_nearest(source, from, &axes, out, size, work);
            }
            Interpolation::Linear => {
                let axes = axes::<R, Linear, 2>(from, size, separate);
                separable(source, from, &axes, out, size, work);
            }
            Interpolation::Cubic => {
                let filtered = [true, true, !separate];
                let (coefficients, padded) =
                    coefficients_along(source, from, Border::Edge, filtered, work);
                let axes = axes::<R, Cubic, 4>(from, size, separate);
                separable(&coefficients, padded, &axes, out, size, work);
                work.check()?;
                clip(source, from, out, size, separate);
            }
        }
    }
    work.check()?;
    Ok(Volume::new(target, input.channels(), out)?)
}

/// The tables of a resize; the last axis is copied from its nearest slice when it is separate.
fn axes<R: Real, K: Kernel<N>, const N: usize>(
    from: [usize; 3],
    to: [usize; 3],
    separate: bool,
) -> [Axis<R, N>; 3] {
    let separate = separate.then_some(2);
    std::array::from_fn(|axis| {
        let limit = (from[axis] - 1) as f64;
        let place = |i| match separate == Some(axis) {
            true => nearest_slice(i, from[axis], to[axis]) as f64,
            // The border voxel is repeated, so there is nothing new beyond half a voxel.
            false => half_pixel(i, from[axis], to[axis]).clamp(-K::REACH, limit + K::REACH),
        };
        let positions: Vec<Option<f64>> = (0..to[axis]).map(|i| Some(place(i))).collect();
        let mut axis_table = Axis::at::<K>(&positions, from[axis]);
        if separate == Some(axis) {
            let slices: Vec<usize> = positions.iter().flatten().map(|&p| p as usize).collect();
            axis_table.copy(&slices, K::MARGIN);
        }
        axis_table
    })
}

/// The slice nearest to target slice `i`; halves go up.
pub(super) fn nearest_slice(i: usize, from: usize, to: usize) -> usize {
    let at = half_pixel(i, from, to).clamp(0.0, (from - 1) as f64);
    ((at + 0.5).floor() as usize).min(from - 1)
}

/// Keeps a spline's overshoot within the range of what it was made from: the whole image, or each
/// slice's own where slices are resampled separately.
fn clip<R: Real>(source: &[R], from: [usize; 3], out: &mut [R], to: [usize; 3], separate: bool) {
    let slices: Vec<(R, R)> = source.par_chunks(from[0] * from[1]).map(range).collect();
    let whole = slices
        .iter()
        .fold((R::INFINITY, -R::INFINITY), |(low, high), s| {
            (low.min(s.0), high.max(s.1))
        });
    out.par_chunks_mut(to[0] * to[1])
        .enumerate()
        .for_each(|(z, slice)| {
            let (low, high) = match separate {
                true => slices[nearest_slice(z, from[2], to[2])],
                false => whole,
            };
            for value in slice {
                *value = value.max(low).min(high);
            }
        });
}

fn range<R: Real + Voxel>(values: &[R]) -> (R, R) {
    let mut lanes = [(R::INFINITY, -R::INFINITY); 8];
    for chunk in values.chunks(8) {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = (lane.0.min(value), lane.1.max(value));
        }
    }
    lanes.into_iter().fold((R::INFINITY, -R::INFINITY), |a, b| {
        (a.0.min(b.0), a.1.max(b.1))
    })
}
