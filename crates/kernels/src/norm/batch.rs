//! Batch norm (Ioffe and Szegedy 2015): moments of each channel over all samples. The moments are returned;
//! the caller keeps running averages of them.

use rayon::prelude::*;

use super::Moments;
use super::gradient::{gradient_sums, write_part};
use super::group::{NormOptions, apply_all, moments};
use crate::activation::ChannelShape;
use crate::error::{Result, check_length};
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;

/// Batch norm with the batch's own moments. `mean` and `variance` receive one value a channel; the variance is
/// biased, and a running average multiplies it by n / (n − 1).
///
/// # Errors
/// When a slice's length does not fit the shape.
pub fn batch_norm_forward(
    shape: &ChannelShape,
    options: &NormOptions,
    input: &[f32],
    output: &mut [f32],
    mean: &mut [f32],
    variance: &mut [f32],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("mean", mean, shape.channels)?;
    check_length("variance", variance, shape.channels)?;
    let path = SimdLevel::current();
    mean.par_iter_mut()
        .zip(variance.par_iter_mut())
        .enumerate()
        .for_each(|(channel, (mean, variance))| {
            let all = (0..shape.batch)
                .map(|sample| moments(path, row(shape, input, sample, channel)))
                .fold(Moments::default(), Moments::join);
            *mean = all.mean as f32;
            *variance = all.variance() as f32;
        });
    batch_norm_inference(shape, options, input, mean, variance, output)
}

/// Batch norm with given moments, one value a channel: running averages, at inference.
///
/// # Errors
/// When a slice's length does not fit the shape.
pub fn batch_norm_inference(
    shape: &ChannelShape,
    options: &NormOptions,
    input: &[f32],
    mean: &[f32],
    variance: &[f32],
    output: &mut [f32],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("output", output, input.len())?;
    check_length("mean", mean, shape.channels)?;
    check_length("variance", variance, shape.channels)?;
    options.check(shape.channels)?;
    if shape.is_empty() {
        return Ok(());
    }
    let path = SimdLevel::current();
    let rows = output
        .par_chunks_mut(shape.voxels)
        .zip(input.par_chunks(shape.voxels));
    rows.enumerate().for_each(|(row, (output, input))| {
        let channel = row % shape.channels;
        let reciprocal = reciprocal(variance[channel], options.epsilon);
        let affine = options.affine(channel, mean[channel], reciprocal);
        let slope = options.activation.slope(channel);
        let parts = output.par_chunks_mut(PART).zip(input.par_chunks(PART));
        parts.for_each(|(output, input)| plain(path, || apply_all(input, affine, slope, output)));
    });
    Ok(())
}

/// The gradients of [`batch_norm_forward`] to its input, and to weight and bias (one value a channel;
/// written whether or not the options have them). `output_gradient` is that after the activation.
///
/// # Errors
/// When a slice's length does not fit the shape.
#[allow(clippy::too_many_arguments)]
pub fn batch_norm_backward(
    shape: &ChannelShape,
    options: &NormOptions,
    input: &[f32],
    mean: &[f32],
    variance: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) -> Result<()> {
    check_length("input", input, shape.len()?)?;
    check_length("output_gradient", output_gradient, input.len())?;
    check_length("input_gradient", input_gradient, input.len())?;
    for (what, slice) in [("mean", mean), ("variance", variance)] {
        check_length(what, slice, shape.channels)?;
    }
    check_length("weight_gradient", weight_gradient, shape.channels)?;
    check_length("bias_gradient", bias_gradient, shape.channels)?;
    options.check(shape.channels)?;
    weight_gradient.fill(0.0);
    bias_gradient.fill(0.0);
    if shape.is_empty() {
        return Ok(());
    }
    let path = SimdLevel::current();
    let of_channel = |channel: usize| {
        let reciprocal = reciprocal(variance[channel], options.epsilon);
        let affine = options.affine(channel, mean[channel], reciprocal);
        (reciprocal, affine, options.activation.slope(channel))
    };
    let sums = weight_gradient
        .par_iter_mut()
        .zip(bias_gradient.par_iter_mut())
        .enumerate();
    sums.for_each(|(channel, (weight, bias))| {
        let (reciprocal, affine, slope) = of_channel(channel);
        let mut total = [0.0f64; 2];
        for sample in 0..shape.batch {
            let input = row(shape, input, sample, channel);
            let gradient = row(shape, output_gradient, sample, channel);
            let parts: Vec<[f64; 2]> = input
                .par_chunks(PART)
                .zip(gradient.par_chunks(PART))
                .map(|(x, g)| plain(path, || gradient_sums(x, g, mean[channel], affine, slope)))
                .collect();
            for part in parts {
                total = [total[0] + part[0], total[1] + part[1]];
            }
        }
        *bias = total[0] as f32;
        *weight = (total[1] * f64::from(reciprocal)) as f32;
    });
    let count = (shape.batch * shape.voxels) as f64;
    let (weight_gradient, bias_gradient) = (&*weight_gradient, &*bias_gradient);
    let rows = input_gradient
        .par_chunks_mut(shape.voxels)
        .zip(input.par_chunks(shape.voxels));
    let rows = rows
        .zip(output_gradient.par_chunks(shape.voxels))
        .enumerate();
    rows.for_each(|(row, ((to, input), gradient))| {
        let channel = row % shape.channels;
        let (reciprocal, affine, slope) = of_channel(channel);
        let factor =
            f64::from(options.weight.map_or(1.0, |weight| weight[channel])) * f64::from(reciprocal);
        let of_input =
            -factor * f64::from(weight_gradient[channel]) / count * f64::from(reciprocal);
        let addend = -factor * f64::from(bias_gradient[channel]) / count
            - of_input * f64::from(mean[channel]);
        let factors = [factor as f32, of_input as f32, addend as f32];
        let parts = to.par_chunks_mut(PART).zip(input.par_chunks(PART));
        parts
            .zip(gradient.par_chunks(PART))
            .for_each(|((to, x), g)| {
                plain(path, || write_part(x, g, affine, slope, factors, to));
            });
    });
    Ok(())
}

fn reciprocal(variance: f32, epsilon: f32) -> f32 {
    (1.0 / (f64::from(variance) + f64::from(epsilon)).sqrt()) as f32
}

fn row<'a>(shape: &ChannelShape, values: &'a [f32], sample: usize, channel: usize) -> &'a [f32] {
    &values[(sample * shape.channels + channel) * shape.voxels..][..shape.voxels]
}
