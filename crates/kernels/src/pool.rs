//! Maximum and average pooling, forward and backward: rows of a window are joined first, with whole
//! vectors, and only then the values along x.

use rayon::prelude::*;

use crate::buffer::Shared;
use crate::error::{Error, Result, check_length, product};
use crate::parallel::plain;
use crate::simd::SimdLevel;

/// The shape of a pooling; three-vectors are `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    /// Samples × channels.
    pub channels: usize,
    /// Input size.
    pub input: [usize; 3],
    /// Window size.
    pub kernel: [usize; 3],
    /// Step between windows.
    pub stride: [usize; 3],
    /// Voxels added on both sides: −∞ to a maximum, 0 to an average. At most half the window.
    pub padding: [usize; 3],
}

impl PoolShape {
    /// Windows that touch and do not overlap: stride = kernel, no padding.
    pub fn new(channels: usize, input: [usize; 3], kernel: [usize; 3]) -> Self {
        Self {
            channels,
            input,
            kernel,
            stride: kernel,
            padding: [0; 3],
        }
    }

    /// The output's size, `⌊(input + 2 padding − kernel) / stride⌋ + 1`.
    ///
    /// # Errors
    /// When window or stride are zero, the window does not fit, or padding is over half the window.
    pub fn output(&self) -> Result<[usize; 3]> {
        let mut output = [0; 3];
        for (axis, name) in ['x', 'y', 'z'].into_iter().enumerate() {
            let (kernel, padding) = (self.kernel[axis], self.padding[axis]);
            if kernel == 0 || self.stride[axis] == 0 {
                return Err(Error::Zero {
                    what: "a pooling window or its stride",
                });
            }
            if padding > kernel / 2 {
                return Err(Error::BadAxis {
                    what: "pooling padding",
                    axis: name,
                    found: padding,
                    expected: format!("at most {}, half the window", kernel / 2),
                });
            }
            let padded = self.input[axis] + 2 * padding;
            if kernel > padded {
                return Err(Error::KernelTooLarge {
                    axis: name,
                    span: kernel,
                    padded,
                });
            }
            output[axis] = (padded - kernel) / self.stride[axis] + 1;
        }
        let [x, y, z] = self.input;
        if product("input", &[self.channels, z, y, x])? / self.channels.max(1) > u32::MAX as usize {
            return Err(Error::TooLarge {
                what: "a channel, for 32-bit indices",
            });
        }
        Ok(output)
    }

    /// Values of the input.
    pub fn input_len(&self) -> usize {
        self.channels * self.input.iter().product::<usize>()
    }

    /// Values of the output.
    ///
    /// # Errors
    /// As [`PoolShape::output`].
    pub fn output_len(&self) -> Result<usize> {
        Ok(self.channels * self.output()?.iter().product::<usize>())
    }

    /// The part of the input that a window covers along an axis.
    #[inline(always)]
    fn window(&self, axis: usize, out: usize) -> std::ops::Range<usize> {
        let start = out * self.stride[axis];
        let end = (start + self.kernel[axis]).saturating_sub(self.padding[axis]);
        start.saturating_sub(self.padding[axis])..end.min(self.input[axis])
    }

    /// Starts of the input rows (within a channel) that the windows of an output row cover.
    fn rows(&self, y: usize, z: usize) -> impl Iterator<Item = usize> {
        let ([size_x, size_y, _], ys) = (self.input, self.window(1, y));
        self.window(2, z)
            .flat_map(move |z| ys.clone().map(move |y| (z * size_y + y) * size_x))
    }
}

/// The largest value of each window; NaN is larger than any number, as in PyTorch. `indices` receives its index
/// in its channel, the first where there are several, which the backward pass needs.
///
/// ```
/// use vesalius_kernels::{PoolShape, max_pool3d_forward};
///
/// let shape = PoolShape::new(1, [4, 2, 1], [2, 2, 1]);
/// let mut output = [0.0; 2];
/// max_pool3d_forward(&shape, &[1.0, 5.0, 2.0, 0.0, 3.0, 4.0, 9.0, 7.0], &mut output, None)?;
/// assert_eq!(output, [5.0, 9.0]);
/// # Ok::<(), vesalius_kernels::Error>(())
/// ```
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit.
pub fn max_pool3d_forward(
    shape: &PoolShape,
    input: &[f32],
    output: &mut [f32],
    indices: Option<&mut [u32]>,
) -> Result<()> {
    let size = shape.output()?;
    check_length("input", input, shape.input_len())?;
    check_length("output", output, shape.output_len()?)?;
    let plane = size[0] * size[1];
    if output.is_empty() {
        return Ok(());
    }
    let voxels: usize = shape.input.iter().product();
    let path = SimdLevel::current();
    let Some(indices) = indices else {
        output
            .par_chunks_mut(plane)
            .enumerate()
            .for_each_init(Vec::new, |row, (index, output)| {
                let input = &input[index / size[2] * voxels..][..voxels];
                plain(path, || {
                    max_plane(shape, input, size, index % size[2], row, output)
                });
            });
        return Ok(());
    };
    check_length("indices", indices, output.len())?;
    let planes = output
        .par_chunks_mut(plane)
        .zip(indices.par_chunks_mut(plane));
    planes.enumerate().for_each(|(index, (output, indices))| {
        let input = &input[index / size[2] * voxels..][..voxels];
        plain(path, || {
            max_plane_indices(shape, input, size, index % size[2], output, indices)
        });
    });
    Ok(())
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

#[inline(always)]
fn max_plane(
    shape: &PoolShape,
    input: &[f32],
    size: [usize; 3],
    z: usize,
    row: &mut Vec<f32>,
    output: &mut [f32],
) {
    for (y, output) in output.chunks_exact_mut(size[0]).enumerate() {
        join_rows(shape, input, y, z, f32::NEG_INFINITY, row, larger);
        if shape.kernel[0] == 2 && shape.stride[0] == 2 && shape.padding[0] == 0 {
            let pairs = row.as_chunks::<2>().0;
            output
                .iter_mut()
                .zip(pairs)
                .for_each(|(to, pair)| *to = larger(pair[0], pair[1]));
        } else {
            for (x, to) in output.iter_mut().enumerate() {
                *to = row[shape.window(0, x)]
                    .iter()
                    .fold(f32::NEG_INFINITY, |a, &b| larger(a, b));
            }
        }
    }
}

/// Joins the input rows under an output row, value by value.
#[inline(always)]
fn join_rows(
    shape: &PoolShape,
    input: &[f32],
    y: usize,
    z: usize,
    empty: f32,
    row: &mut Vec<f32>,
    join: impl Fn(f32, f32) -> f32,
) {
    row.clear();
    row.resize(shape.input[0], empty);
    for start in shape.rows(y, z) {
        let from = &input[start..start + shape.input[0]];
        row.iter_mut()
            .zip(from)
            .for_each(|(to, &from)| *to = join(*to, from));
    }
}

#[inline(always)]
fn max_plane_indices(
    shape: &PoolShape,
    input: &[f32],
    size: [usize; 3],
    z: usize,
    output: &mut [f32],
    indices: &mut [u32],
) {
    for y in 0..size[1] {
        for x in 0..size[0] {
            let window = shape.window(0, x);
            let (mut best, mut place) = (f32::NEG_INFINITY, None);
            for start in shape.rows(y, z) {
                let first = start + window.start;
                for (index, &value) in (first..).zip(&input[first..start + window.end]) {
                    if place.is_none() || value > best || value.is_nan() {
                        (best, place) = (value, Some(index));
                    }
                }
            }
            output[y * size[0] + x] = best;
            // A channel has at most u32::MAX voxels; a window without any input has index zero.
            indices[y * size[0] + x] = place.unwrap_or(0) as u32;
        }
    }
}

/// The gradient to the input of a maximum pooling: each output's is added to the voxel of its maximum.
///
/// # Errors
/// When the shape is not possible, a slice's length does not fit, or an index is outside of a channel.
pub fn max_pool3d_backward(
    shape: &PoolShape,
    indices: &[u32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    let outputs: usize = shape.output()?.iter().product();
    check_length("indices", indices, shape.output_len()?)?;
    check_length("output_gradient", output_gradient, indices.len())?;
    check_length("input_gradient", input_gradient, shape.input_len())?;
    let voxels: usize = shape.input.iter().product();
    if let Some(&found) = indices.iter().find(|&&index| index as usize >= voxels) {
        let (expected, found) = (voxels, found as usize);
        return Err(Error::WrongLength {
            what: "a channel that an index points into",
            expected,
            found,
        });
    }
    if voxels == 0 {
        return Ok(());
    }
    let outputs = indices
        .par_chunks(outputs)
        .zip(output_gradient.par_chunks(outputs));
    input_gradient
        .par_chunks_mut(voxels)
        .zip(outputs)
        .for_each(|(to, (indices, gradient))| {
            to.fill(0.0);
            for (&index, &gradient) in indices.iter().zip(gradient) {
                to[index as usize] += gradient;
            }
        });
    Ok(())
}

/// The mean of each window, its padding counted as zeros (PyTorch's default).
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit.
pub fn avg_pool3d_forward(shape: &PoolShape, input: &[f32], output: &mut [f32]) -> Result<()> {
    let size = shape.output()?;
    check_length("input", input, shape.input_len())?;
    check_length("output", output, shape.output_len()?)?;
    if output.is_empty() {
        return Ok(());
    }
    let voxels: usize = shape.input.iter().product();
    let scale = 1.0 / shape.kernel.iter().product::<usize>() as f32;
    let path = SimdLevel::current();
    let planes = output.par_chunks_mut(size[0] * size[1]).enumerate();
    planes.for_each_init(Vec::new, |row, (index, output)| {
        let input = &input[index / size[2] * voxels..][..voxels];
        plain(path, || {
            for (y, output) in output.chunks_exact_mut(size[0]).enumerate() {
                join_rows(shape, input, y, index % size[2], 0.0, row, |a, b| a + b);
                for (x, to) in output.iter_mut().enumerate() {
                    *to = row[shape.window(0, x)].iter().sum::<f32>() * scale;
                }
            }
        });
    });
    Ok(())
}

/// The gradient to the input of an average pooling.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit.
pub fn avg_pool3d_backward(
    shape: &PoolShape,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    let size = shape.output()?;
    check_length("output_gradient", output_gradient, shape.output_len()?)?;
    check_length("input_gradient", input_gradient, shape.input_len())?;
    let voxels: usize = shape.input.iter().product();
    let scale = 1.0 / shape.kernel.iter().product::<usize>() as f32;
    let path = SimdLevel::current();
    let shared = Shared::new(input_gradient);
    (0..shape.channels)
        .into_par_iter()
        .for_each_init(Vec::new, |row: &mut Vec<f32>, channel| {
            // SAFETY: channels with different numbers are `voxels` apart and as long.
            let to = unsafe { shared.part(channel * voxels, voxels) };
            to.fill(0.0);
            plain(path, || {
                for index in 0..size[1] * size[2] {
                    let (y, z) = (index % size[1], index / size[1]);
                    let start = (channel * size[1] * size[2] + index) * size[0];
                    let gradient = &output_gradient[start..start + size[0]];
                    row.clear();
                    row.resize(shape.input[0], 0.0);
                    for (x, gradient) in gradient.iter().enumerate() {
                        row[shape.window(0, x)]
                            .iter_mut()
                            .for_each(|to| *to += gradient * scale);
                    }
                    for start in shape.rows(y, z) {
                        let to = &mut to[start..start + row.len()];
                        to.iter_mut()
                            .zip(row.iter())
                            .for_each(|(to, from)| *to += from);
                    }
                }
            });
        });
    Ok(())
}
