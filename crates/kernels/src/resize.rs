//! Nearest and trilinear resize, forward and backward, with PyTorch's conventions: along x first,
//! where values are fewest, then whole rows along y, then whole planes along z.

use rayon::prelude::*;

use crate::error::{Error, Result, check_length, product};
use crate::parallel::plain;
use crate::simd::SimdLevel;

/// How values between voxels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// `⌊i × scale⌋`: PyTorch's `nearest`.
    Nearest,
    /// `⌊(i + ½) × scale⌋`: PyTorch's `nearest-exact`, which agrees with other libraries.
    NearestExact,
    /// Linear along each axis, voxels as areas (`align_corners=False`).
    Trilinear,
    /// Linear along each axis, the corner voxels' centres kept in place (`align_corners=True`).
    TrilinearCorners,
}

/// The shape of a resize; three-vectors are `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResizeShape {
    /// Samples × channels.
    pub channels: usize,
    /// Input size.
    pub input: [usize; 3],
    /// Output size.
    pub output: [usize; 3],
}

impl ResizeShape {
    /// Values of the input and the output.
    ///
    /// # Errors
    /// When an axis is empty or a tensor cannot be addressed.
    pub fn lens(&self) -> Result<[usize; 2]> {
        if self.input.contains(&0) || self.output.contains(&0) {
            return Err(Error::Zero {
                what: "an axis of a resize",
            });
        }
        let len = |what, [x, y, z]: [usize; 3]| product(what, &[self.channels, z, y, x]);
        Ok([len("input", self.input)?, len("output", self.output)?])
    }
}

/// Where the outputs along an axis come from: two neighbours and the upper one's share.
struct Axis {
    lower: Vec<usize>,
    upper: Vec<usize>,
    share: Vec<f32>,
}

impl Axis {
    // In f32 throughout, as PyTorch: the same roundings give the same neighbours.
    fn new(input: usize, output: usize, how: Resize) -> Self {
        let last = input - 1;
        let ratio = input as f32 / output as f32;
        let place = |index: usize| match how {
            Resize::Nearest => (index as f32 * ratio).floor(),
            Resize::NearestExact => ((index as f32 + 0.5) * ratio).floor(),
            Resize::Trilinear => (ratio * (index as f32 + 0.5) - 0.5).max(0.0),
            Resize::TrilinearCorners if output == 1 => 0.0,
            Resize::TrilinearCorners => index as f32 * (last as f32 / (output - 1) as f32),
        };
        let places = (0..output).map(place);
        let lower: Vec<usize> = places
            .clone()
            .map(|place| (place as usize).min(last))
            .collect();
        let upper = lower.iter().map(|&lower| (lower + 1).min(last)).collect();
        let share = places
            .zip(&lower)
            .map(|(p, &l)| (p - l as f32).clamp(0.0, 1.0))
            .collect();
        Self {
            lower,
            upper,
            share,
        }
    }
}

/// Resizes every channel.
///
/// ```
/// use vesalius_kernels::{Resize, ResizeShape, resize3d_forward};
///
/// let shape = ResizeShape { channels: 1, input: [2, 1, 1], output: [4, 1, 1] };
/// let mut output = [0.0; 4];
/// resize3d_forward(&shape, Resize::Trilinear, &[0.0, 4.0], &mut output)?;
/// assert_eq!(output, [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), vesalius_kernels::Error>(())
/// ```
///
/// # Errors
/// When an axis is empty or a slice's length does not fit.
pub fn resize3d_forward(
    shape: &ResizeShape,
    how: Resize,
    input: &[f32],
    output: &mut [f32],
) -> Result<()> {
    let [inputs, outputs] = shape.lens()?;
    check_length("input", input, inputs)?;
    check_length("output", output, outputs)?;
    let axes: [Axis; 3] =
        std::array::from_fn(|axis| Axis::new(shape.input[axis], shape.output[axis], how));
    let path = SimdLevel::current();
    let linear = matches!(how, Resize::Trilinear | Resize::TrilinearCorners);
    let (from, to) = (shape.input.iter().product(), shape.output.iter().product());
    output
        .par_chunks_mut(to)
        .zip(input.par_chunks(from))
        .for_each_init(Buffers::default, |buffers, (output, input)| {
            plain(path, || {
                if linear {
                    trilinear(shape, &axes, input, output, buffers);
                } else {
                    nearest(shape, &axes, input, output);
                }
            });
        });
    Ok(())
}

/// The gradient to the input of [`resize3d_forward`].
///
/// # Errors
/// As there.
pub fn resize3d_backward(
    shape: &ResizeShape,
    how: Resize,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    let [inputs, outputs] = shape.lens()?;
    check_length("output_gradient", output_gradient, outputs)?;
    check_length("input_gradient", input_gradient, inputs)?;
    let mut axes: [Axis; 3] =
        std::array::from_fn(|axis| Axis::new(shape.input[axis], shape.output[axis], how));
    if !matches!(how, Resize::Trilinear | Resize::TrilinearCorners) {
        axes.iter_mut().for_each(|axis| axis.share.fill(0.0));
    }
    let path = SimdLevel::current();
    let (to, from) = (shape.input.iter().product(), shape.output.iter().product());
    input_gradient
        .par_chunks_mut(to)
        .zip(output_gradient.par_chunks(from))
        .for_each_init(Buffers::default, |buffers, (to, gradient)| {
            plain(path, || spread(shape, &axes, gradient, to, buffers))
        });
    Ok(())
}

#[derive(Default)]
struct Buffers {
    /// Two planes, interpolated along x and y, and which input planes they are.
    planes: [Vec<f32>; 2],
    rows: [Vec<f32>; 2],
}

#[inline(always)]
fn nearest(shape: &ResizeShape, [xs, ys, zs]: &[Axis; 3], input: &[f32], output: &mut [f32]) {
    let [ix, iy, _] = shape.input;
    let [ox, oy, _] = shape.output;
    for (index, to) in output.chunks_exact_mut(ox).enumerate() {
        let from = &input[(zs.lower[index / oy] * iy + ys.lower[index % oy]) * ix..][..ix];
        to.iter_mut()
            .zip(&xs.lower)
            .for_each(|(to, &x)| *to = from[x]);
    }
}

#[inline(always)]
fn trilinear(
    shape: &ResizeShape,
    [xs, ys, zs]: &[Axis; 3],
    input: &[f32],
    output: &mut [f32],
    buffers: &mut Buffers,
) {
    let [ix, iy, _] = shape.input;
    let [ox, oy, _] = shape.output;
    let mut held = [usize::MAX; 2];
    buffers
        .planes
        .iter_mut()
        .for_each(|plane| plane.resize(ox * oy, 0.0));
    for (z, output) in output.chunks_exact_mut(ox * oy).enumerate() {
        let wanted = [zs.lower[z], zs.upper[z]];
        if held[1] == wanted[0] {
            buffers.planes.swap(0, 1);
            held.swap(0, 1);
        }
        for which in 0..2 {
            if held[which] != wanted[which] {
                let input = &input[wanted[which] * ix * iy..][..ix * iy];
                stretch(
                    xs,
                    ys,
                    [ix, ox],
                    input,
                    &mut buffers.planes[which],
                    &mut buffers.rows,
                );
                held[which] = wanted[which];
            }
        }
        let [lower, upper] = &buffers.planes;
        blend(lower, upper, zs.share[z], output);
    }
}

/// One plane along x and y.
#[inline(always)]
fn stretch(
    xs: &Axis,
    ys: &Axis,
    [ix, ox]: [usize; 2],
    input: &[f32],
    plane: &mut [f32],
    rows: &mut [Vec<f32>; 2],
) {
    let mut held = [usize::MAX; 2];
    rows.iter_mut().for_each(|row| row.resize(ox, 0.0));
    for (y, to) in plane.chunks_exact_mut(ox).enumerate() {
        let wanted = [ys.lower[y], ys.upper[y]];
        if held[1] == wanted[0] {
            rows.swap(0, 1);
            held.swap(0, 1);
        }
        for which in 0..2 {
            if held[which] != wanted[which] {
                let from = &input[wanted[which] * ix..][..ix];
                let neighbours = xs.lower.iter().zip(&xs.upper).zip(&xs.share);
                for (to, ((&lower, &upper), &share)) in rows[which].iter_mut().zip(neighbours) {
                    *to = from[lower] * (1.0 - share) + from[upper] * share;
                }
                held[which] = wanted[which];
            }
        }
        blend(&rows[0], &rows[1], ys.share[y], to);
    }
}

/// `to = lower × (1 − share) + upper × share`.
#[inline(always)]
fn blend(lower: &[f32], upper: &[f32], share: f32, to: &mut [f32]) {
    let rest = 1.0 - share;
    for ((to, &lower), &upper) in to.iter_mut().zip(lower).zip(upper) {
        *to = lower * rest + upper * share;
    }
}

/// `lower += rest × from`, `upper += share × from`, for planes or rows of a buffer.
#[inline(always)]
fn add_shares(buffer: &mut [f32], axis: &Axis, index: usize, from: &[f32]) {
    let share = axis.share[index];
    for (place, share) in [(axis.lower[index], 1.0 - share), (axis.upper[index], share)] {
        if share != 0.0 {
            let to = &mut buffer[place * from.len()..][..from.len()];
            to.iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to += share * from);
        }
    }
}

/// The transpose of [`trilinear`], and with shares of zero of [`nearest`].
#[inline(always)]
fn spread(
    shape: &ResizeShape,
    [xs, ys, zs]: &[Axis; 3],
    gradient: &[f32],
    to: &mut [f32],
    buffers: &mut Buffers,
) {
    let [ix, iy, iz] = shape.input;
    let [ox, oy, _] = shape.output;
    let [planes, _] = &mut buffers.planes;
    planes.clear();
    planes.resize(iz * oy * ox, 0.0);
    for (z, gradient) in gradient.chunks_exact(ox * oy).enumerate() {
        add_shares(planes, zs, z, gradient);
    }
    let [rows, _] = &mut buffers.rows;
    to.fill(0.0);
    for (plane, to) in planes
        .chunks_exact(oy * ox)
        .zip(to.chunks_exact_mut(iy * ix))
    {
        rows.clear();
        rows.resize(iy * ox, 0.0);
        for (y, row) in plane.chunks_exact(ox).enumerate() {
            add_shares(rows, ys, y, row);
        }
        for (row, to) in rows.chunks_exact(ox).zip(to.chunks_exact_mut(ix)) {
            let neighbours = xs.lower.iter().zip(&xs.upper).zip(&xs.share);
            for (&value, ((&lower, &upper), &share)) in row.iter().zip(neighbours) {
                to[lower] += value * (1.0 - share);
                to[upper] += value * share;
            }
        }
    }
}
