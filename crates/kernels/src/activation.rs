//! ReLU, leaky ReLU and PReLU, forward (also in place) and backward.
//! Elsewhere: the same, fused into a convolution or a norm.

use rayon::prelude::*;

use crate::error::{Error, Result, check_length};
use crate::parallel::{PART, map, map_in_place, map2, plain};
use crate::simd::SimdLevel;
use crate::sum::sum_pairs;

/// What is done to each value after a linear operation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Activation<'a> {
    /// Nothing.
    #[default]
    Identity,
    /// `max(x, 0)`; NaN stays NaN, as in PyTorch.
    Relu,
    /// `x` where it is positive, else `slope × x`.
    LeakyRelu(f32),
    /// Leaky ReLU with learned slopes: one for all channels, or one each.
    PRelu(&'a [f32]),
}

impl Activation<'_> {
    /// The factor of negative values in `channel`; one for the identity.
    #[inline(always)]
    pub(crate) fn slope(&self, channel: usize) -> f32 {
        match self {
            Activation::Identity => 1.0,
            Activation::Relu => 0.0,
            Activation::LeakyRelu(slope) => *slope,
            Activation::PRelu(slopes) => slopes[if slopes.len() == 1 { 0 } else { channel }],
        }
    }

    /// `Ok` when learned slopes are one, or one a channel.
    pub(crate) fn check(&self, channels: usize) -> Result<()> {
        match self {
            Activation::PRelu(slopes) if slopes.len() != 1 => {
                check_length("slopes", slopes, channels)
            }
            _ => Ok(()),
        }
    }
}

/// `x` where it is positive, else `slope × x`. A slope of zero keeps NaN, and makes zero of −∞.
#[inline(always)]
pub(crate) fn leak(x: f32, slope: f32) -> f32 {
    // Both sides are computed and one is taken: no branch, so that it becomes a vector's blend.
    let below = if slope == 0.0 && x <= 0.0 {
        0.0
    } else {
        x * slope
    };
    if x > 0.0 { x } else { below }
}

/// [`leak`] for slopes other than zero.
#[inline(always)]
fn leaky(x: f32, slope: f32) -> f32 {
    let below = x * slope;
    if x > 0.0 { x } else { below }
}

/// The gradient before a leaky ReLU of `x`; both sides computed, one taken, as in [`leak`].
#[inline(always)]
pub(crate) fn leaky_gradient(x: f32, gradient: f32, slope: f32) -> f32 {
    let below = gradient * slope;
    if x > 0.0 { gradient } else { below }
}

/// `max(x, 0)`.
///
/// # Errors
/// When the slices' lengths differ.
pub fn relu_forward(input: &[f32], output: &mut [f32]) -> Result<()> {
    check_length("output", output, input.len())?;
    map(input, output, |x| if x <= 0.0 { 0.0 } else { x });
    Ok(())
}

/// [`relu_forward`] in place.
pub fn relu_in_place(values: &mut [f32]) {
    map_in_place(values, |x| if x <= 0.0 { 0.0 } else { x });
}

/// The gradient to ReLU's input: that to its output where the input (or the output) was positive.
///
/// # Errors
/// When the slices' lengths differ.
pub fn relu_backward(
    input_or_output: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    check_length("output_gradient", output_gradient, input_or_output.len())?;
    check_length("input_gradient", input_gradient, input_or_output.len())?;
    map2(input_or_output, output_gradient, input_gradient, |x, g| {
        if x <= 0.0 { 0.0 } else { g }
    });
    Ok(())
}

/// `x` where it is positive, else `slope × x`.
///
/// # Errors
/// When the slices' lengths differ.
pub fn leaky_relu_forward(input: &[f32], slope: f32, output: &mut [f32]) -> Result<()> {
    check_length("output", output, input.len())?;
    map(input, output, move |x| leaky(x, slope));
    Ok(())
}

/// [`leaky_relu_forward`] in place.
pub fn leaky_relu_in_place(values: &mut [f32], slope: f32) {
    map_in_place(values, move |x| leaky(x, slope));
}

/// The gradient to leaky ReLU's input. With a positive slope, the output may stand for the input.
///
/// # Errors
/// When the slices' lengths differ.
pub fn leaky_relu_backward(
    input: &[f32],
    output_gradient: &[f32],
    slope: f32,
    input_gradient: &mut [f32],
) -> Result<()> {
    check_length("output_gradient", output_gradient, input.len())?;
    check_length("input_gradient", input_gradient, input.len())?;
    map2(input, output_gradient, input_gradient, move |x, g| {
        leaky_gradient(x, g, slope)
    });
    Ok(())
}

/// Size of a tensor whose voxels have no order that matters: `[batch, channels, voxels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelShape {
    /// Samples; zero is allowed.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Voxels of one channel of one sample; zero is allowed.
    pub voxels: usize,
}

impl ChannelShape {
    /// Values of the tensor.
    ///
    /// # Errors
    /// Without channels, or when it cannot be addressed.
    pub fn len(&self) -> Result<usize> {
        if self.channels == 0 {
            return Err(Error::Zero { what: "channels" });
        }
        crate::error::product("tensor", &[self.batch, self.channels, self.voxels])
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.batch == 0 || self.voxels == 0
    }
}

/// Leaky ReLU with learned slopes: one for all channels, or one each.
///
/// # Errors
/// When a slice's length does not fit the shape.
pub fn prelu_forward(
    shape: &ChannelShape,
    input: &[f32],
    slopes: &[f32],
    output: &mut [f32],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("output", output, input.len())?;
    let activation = Activation::PRelu(slopes);
    activation.check(shape.channels)?;
    if shape.is_empty() {
        return Ok(());
    }
    let path = SimdLevel::current();
    let rows = output
        .par_chunks_mut(shape.voxels)
        .zip(input.par_chunks(shape.voxels));
    rows.enumerate().for_each(|(row, (output, input))| {
        let slope = activation.slope(row % shape.channels);
        let parts = output.par_chunks_mut(PART).zip(input.par_chunks(PART));
        parts.for_each(|(output, input)| {
            plain(path, move || {
                for (to, &x) in output.iter_mut().zip(input) {
                    *to = leaky(x, slope);
                }
            });
        });
    });
    Ok(())
}

/// The gradients to PReLU's input and slopes.
///
/// # Errors
/// When a slice's length does not fit the shape.
pub fn prelu_backward(
    shape: &ChannelShape,
    input: &[f32],
    output_gradient: &[f32],
    slopes: &[f32],
    input_gradient: &mut [f32],
    slope_gradient: &mut [f32],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("output_gradient", output_gradient, input.len())?;
    check_length("input_gradient", input_gradient, input.len())?;
    check_length("slope_gradient", slope_gradient, slopes.len())?;
    let activation = Activation::PRelu(slopes);
    activation.check(shape.channels)?;
    slope_gradient.fill(0.0);
    if shape.is_empty() {
        return Ok(());
    }
    let path = SimdLevel::current();
    let inputs = input
        .par_chunks(shape.voxels)
        .zip(output_gradient.par_chunks(shape.voxels));
    let sums: Vec<f64> = input_gradient
        .par_chunks_mut(shape.voxels)
        .zip(inputs)
        .enumerate()
        .map(|(row, (to, (input, gradient)))| {
            let slope = activation.slope(row % shape.channels);
            let parts = input.par_chunks(PART).zip(gradient.par_chunks(PART));
            let sums: Vec<f64> = to
                .par_chunks_mut(PART)
                .zip(parts)
                .map(|(to, (input, gradient))| {
                    plain(path, || prelu_part(input, gradient, slope, to))
                })
                .collect();
            sums.iter().sum()
        })
        .collect();
    let mut totals = vec![0.0f64; slopes.len()];
    for (row, sum) in sums.into_iter().enumerate() {
        totals[if slopes.len() == 1 {
            0
        } else {
            row % shape.channels
        }] += sum;
    }
    slope_gradient
        .iter_mut()
        .zip(totals)
        .for_each(|(to, total)| *to = total as f32);
    Ok(())
}

/// Writes a part of the gradient; yields its share of the slope's.
#[inline(always)]
fn prelu_part(input: &[f32], gradient: &[f32], slope: f32, to: &mut [f32]) -> f64 {
    for ((to, &x), &g) in to.iter_mut().zip(input).zip(gradient) {
        *to = leaky_gradient(x, g, slope);
    }
    sum_pairs(input, gradient, |x, g| {
        let product = g * x;
        if x > 0.0 { 0.0 } else { product }
    })
}
