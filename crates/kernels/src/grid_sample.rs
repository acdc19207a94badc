//! Values of volumes at given places, forward and backward, with PyTorch's conventions
//! (`torch.nn.functional.grid_sample` 2.x): places in −1…1 as (x, y, z), three ways outside.

use rayon::prelude::*;

use crate::error::{Error, Result, check_length, product};

/// How values between voxels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SampleMode {
    /// Linear along each axis.
    #[default]
    Linear,
    /// The nearest voxel; halves go to the even one.
    Nearest,
}

/// What is outside of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SamplePadding {
    /// Zero.
    #[default]
    Zeros,
    /// The nearest voxel.
    Border,
    /// The mirror image.
    Reflection,
}

/// Options of a grid sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SampleOptions {
    /// Between voxels.
    pub mode: SampleMode,
    /// Outside.
    pub padding: SamplePadding,
    /// Whether ±1 are the centres of the outermost voxels, rather than their outer faces.
    pub align_corners: bool,
}

/// The shape of a grid sample; sizes are `[x, y, z]`. The grid is `[batch, Z, Y, X, 3]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleShape {
    /// Samples.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Input size.
    pub input: [usize; 3],
    /// Size of the grid, which is that of the output.
    pub output: [usize; 3],
}

impl SampleShape {
    /// Values of input, grid and output.
    fn lens(&self) -> Result<[usize; 3]> {
        if self.channels == 0 || self.input.contains(&0) {
            return Err(Error::Zero {
                what: "channels or an axis of the input of a grid sample",
            });
        }
        let len = |what, inner: usize, [x, y, z]: [usize; 3]| {
            product(what, &[self.batch, inner, z, y, x])
        };
        Ok([
            len("input", self.channels, self.input)?,
            len("grid", 3, self.output)?,
            len("output", self.channels, self.output)?,
        ])
    }
}

/// A place along one axis: the lower voxel, the upper one's share, and how far a step of the grid
/// moves it.
#[derive(Clone, Copy, Default)]
struct Place {
    lower: i32,
    share: f32,
    slope: f32,
}

impl Place {
    fn new(at: f32, size: usize, options: &SampleOptions) -> Self {
        let length = size as f32;
        let scale = if options.align_corners {
            (length - 1.0) / 2.0
        } else {
            length / 2.0
        };
        let at = if options.align_corners {
            (at + 1.0) * scale
        } else {
            ((at + 1.0) * length - 1.0) / 2.0
        };
        let (at, sign) = match options.padding {
            SamplePadding::Zeros => (at, 1.0),
            SamplePadding::Border => clip(at, length),
            SamplePadding::Reflection => {
                let (at, sign) = reflect(at, length, options.align_corners);
                let (at, inside) = clip(at, length);
                (at, sign * inside)
            }
        };
        // Far outside everything is the same; the limits keep neighbours within an i32.
        let at = if at.is_nan() {
            -2.0
        } else {
            at.clamp(-2.0, length + 1.0)
        };
        if options.mode == SampleMode::Nearest {
            return Self {
                lower: at.round_ties_even() as i32,
                share: 0.0,
                slope: 0.0,
            };
        }
        let lower = at.floor();
        Self {
            lower: lower as i32,
            share: at - lower,
            slope: sign * scale,
        }
    }
}

/// Into 0…size − 1, and the slope: zero where it was outside.
fn clip(at: f32, size: f32) -> (f32, f32) {
    if at <= 0.0 {
        (0.0, 0.0)
    } else if at >= size - 1.0 {
        (size - 1.0, 0.0)
    } else {
        (at, 1.0)
    }
}

/// Mirrored at the outermost centres or faces, and the slope.
fn reflect(at: f32, size: f32, align_corners: bool) -> (f32, f32) {
    let (low, span) = if align_corners {
        (0.0, size - 1.0)
    } else {
        (-0.5, size)
    };
    if span == 0.0 {
        return (0.0, 0.0);
    }
    let (distance, sign) = if at < low {
        (low - at, -1.0)
    } else {
        (at - low, 1.0)
    };
    let (extra, flips) = (distance % span, (distance / span).floor());
    if flips % 2.0 == 0.0 {
        (extra + low, sign)
    } else {
        (span - extra + low, -sign)
    }
}

/// The places of all points of one sample.
fn places(shape: &SampleShape, options: &SampleOptions, grid: &[f32]) -> Vec<[Place; 3]> {
    let place = |point: &[f32; 3]| {
        std::array::from_fn(|axis| Place::new(point[axis], shape.input[axis], options))
    };
    grid.as_chunks::<3>().0.par_iter().map(place).collect()
}

/// Calls `visit(index within a channel, weight, sign of the corner along each axis, shares)` for the
/// voxels around a place that exist.
#[inline(always)]
fn corners(place: &[Place; 3], size: [usize; 3], mut visit: impl FnMut(usize, [f32; 3], [f32; 3])) {
    for corner in 0..8usize {
        let mut index = 0;
        let (mut shares, mut signs) = ([0.0; 3], [0.0; 3]);
        let mut inside = true;
        for axis in (0..3).rev() {
            let upper = corner >> axis & 1;
            let at = place[axis].lower + upper as i32;
            shares[axis] = if upper == 1 {
                place[axis].share
            } else {
                1.0 - place[axis].share
            };
            signs[axis] = if upper == 1 { 1.0 } else { -1.0 };
            inside &= (0..size[axis] as i32).contains(&at);
            index = index * size[axis] + at.max(0) as usize;
        }
        // A share of zero reads nothing, so that NaN next door stays there.
        if inside && shares.iter().all(|&share| share != 0.0) {
            visit(index, shares, signs);
        }
    }
}

/// `output[n, c, p] = input[n, c]` at `grid[n, p]`.
///
/// # Errors
/// When an axis of the input is empty or a slice's length does not fit.
pub fn grid_sample3d_forward(
    shape: &SampleShape,
    options: &SampleOptions,
    input: &[f32],
    grid: &[f32],
    output: &mut [f32],
) -> Result<()> {
    let [inputs, points, outputs] = shape.lens()?;
    check_length("input", input, inputs)?;
    check_length("grid", grid, points)?;
    check_length("output", output, outputs)?;
    if outputs == 0 {
        return Ok(());
    }
    let voxels: usize = shape.input.iter().product();
    for (sample, output) in output.chunks_exact_mut(outputs / shape.batch).enumerate() {
        let grid = &grid[sample * points / shape.batch..][..points / shape.batch];
        let places = places(shape, options, grid);
        output
            .par_chunks_exact_mut(places.len())
            .enumerate()
            .for_each(|(channel, output)| {
                let input = &input[(sample * shape.channels + channel) * voxels..][..voxels];
                output
                    .par_iter_mut()
                    .zip(&places)
                    .with_min_len(1024)
                    .for_each(|(to, place)| {
                        *to = 0.0;
                        corners(place, shape.input, |index, [x, y, z], _| {
                            *to += input[index] * x * y * z
                        });
                    });
            });
    }
    Ok(())
}

/// The gradients of [`grid_sample3d_forward`] to its input and to its grid.
///
/// # Errors
/// As there.
#[allow(clippy::too_many_arguments)]
pub fn grid_sample3d_backward(
    shape: &SampleShape,
    options: &SampleOptions,
    input: &[f32],
    grid: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    grid_gradient: &mut [f32],
) -> Result<()> {
    let [inputs, points, outputs] = shape.lens()?;
    check_length("input", input, inputs)?;
    check_length("grid", grid, points)?;
    check_length("output_gradient", output_gradient, outputs)?;
    check_length("input_gradient", input_gradient, inputs)?;
    check_length("grid_gradient", grid_gradient, points)?;
    input_gradient.fill(0.0);
    if outputs == 0 {
        return Ok(());
    }
    let voxels: usize = shape.input.iter().product();
    for sample in 0..shape.batch {
        let range = sample * points / shape.batch..(sample + 1) * points / shape.batch;
        let places = places(shape, options, &grid[range.clone()]);
        let input = &input[sample * shape.channels * voxels..][..shape.channels * voxels];
        let first = sample * shape.channels * places.len();
        let gradient = &output_gradient[first..][..shape.channels * places.len()];
        input_gradient[sample * shape.channels * voxels..][..shape.channels * voxels]
            .par_chunks_exact_mut(voxels)
            .zip(gradient.par_chunks_exact(places.len()))
            .for_each(|(to, gradient)| {
                for (place, &gradient) in places.iter().zip(gradient) {
                    corners(place, shape.input, |index, [x, y, z], _| {
                        to[index] += gradient * x * y * z
                    });
                }
            });
        let to = grid_gradient[range].as_chunks_mut::<3>().0;
        to.par_iter_mut()
            .zip(&places)
            .enumerate()
            .with_min_len(256)
            .for_each(|(point, (to, place))| {
                *to = grid_point(shape, place, input, |channel| {
                    gradient[channel * places.len() + point]
                });
            });
    }
    Ok(())
}

/// The gradient to one point of the grid.
fn grid_point(
    shape: &SampleShape,
    place: &[Place; 3],
    input: &[f32],
    gradient: impl Fn(usize) -> f32,
) -> [f32; 3] {
    let voxels: usize = shape.input.iter().product();
    let mut sums = [0.0f32; 3];
    if place.iter().all(|place| place.slope == 0.0) {
        return sums;
    }
    // A share of zero must not hide its neighbour here: the slope to it counts.
    let eps = place.map(|place| Place {
        share: place.share.max(f32::MIN_POSITIVE),
        ..place
    });
    corners(&eps, shape.input, |index, [x, y, z], signs| {
        let value: f32 = (0..shape.channels)
            .map(|channel| gradient(channel) * input[channel * voxels + index])
            .sum();
        sums[0] += signs[0] * y * z * value;
        sums[1] += signs[1] * x * z * value;
        sums[2] += signs[2] * x * y * value;
    });
    std::array::from_fn(|axis| sums[axis] * place[axis].slope)
}
