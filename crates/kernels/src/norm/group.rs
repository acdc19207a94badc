//! Group norm (Wu and He 2018), and instance norm (Ulyanov 2016), which is the same with one channel
//! a group; each may end in an activation, and its gradient then begins with that of the activation.

use rayon::prelude::*;

use super::Moments;
use super::gradient::Group;
use crate::activation::{Activation, ChannelShape, leak};
use crate::error::{Error, Result, check_length};
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;

/// What a norm does besides normalising.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormOptions<'a> {
    /// A factor a channel, after normalising.
    pub weight: Option<&'a [f32]>,
    /// An addend a channel, after the factor.
    pub bias: Option<&'a [f32]>,
    /// Added to the variance, which is the biased one.
    pub epsilon: f32,
    /// Applied last.
    pub activation: Activation<'a>,
}

impl Default for NormOptions<'_> {
    /// No weight, bias or activation; ε = 10⁻⁵.
    fn default() -> Self {
        Self {
            weight: None,
            bias: None,
            epsilon: 1e-5,
            activation: Activation::Identity,
        }
    }
}

impl NormOptions<'_> {
    pub(crate) fn check(&self, channels: usize) -> Result<()> {
        self.weight
            .map_or(Ok(()), |weight| check_length("weight", weight, channels))?;
        self.bias
            .map_or(Ok(()), |bias| check_length("bias", bias, channels))?;
        self.activation.check(channels)
    }

    /// Factor and addend that map a channel's values straight to its normalised ones.
    #[inline(always)]
    pub(crate) fn affine(&self, channel: usize, mean: f32, reciprocal: f32) -> [f32; 2] {
        let factor = reciprocal * self.weight.map_or(1.0, |weight| weight[channel]);
        let bias = self.bias.map_or(0.0, |bias| bias[channel]);
        [
            factor,
            (f64::from(bias) - f64::from(mean) * f64::from(factor)) as f32,
        ]
    }
}

/// Group norm. `mean` and `reciprocal_deviation` (1/√(variance + ε)) receive one value a sample and
/// group, `[batch, groups]`, which the backward pass needs.
///
/// # Errors
/// When channels do not divide into groups or a slice's length does not fit.
pub fn group_norm_forward(
    shape: &ChannelShape,
    groups: usize,
    options: &NormOptions,
    input: &[f32],
    output: &mut [f32],
    mean: &mut [f32],
    reciprocal_deviation: &mut [f32],
) -> Result<()> {
    let run = check_groups(shape, groups, options, input)?;
    check_length("output", output, input.len())?;
    check_length("mean", mean, shape.batch * groups)?;
    check_length(
        "reciprocal_deviation",
        reciprocal_deviation,
        shape.batch * groups,
    )?;
    if shape.is_empty() {
        mean.fill(0.0);
        reciprocal_deviation.fill(0.0);
        return Ok(());
    }
    let path = SimdLevel::current();
    let statistics = mean.par_iter_mut().zip(reciprocal_deviation);
    let values = output.par_chunks_mut(run).zip(input.par_chunks(run));
    values.zip(statistics).enumerate().for_each(
        |(index, ((output, input), (mean, reciprocal)))| {
            let moments = moments(path, input);
            *mean = moments.mean as f32;
            *reciprocal = moments.reciprocal_deviation(f64::from(options.epsilon)) as f32;
            let first = index % groups * (shape.channels / groups);
            let channels = output
                .par_chunks_mut(shape.voxels)
                .zip(input.par_chunks(shape.voxels));
            channels.enumerate().for_each(|(channel, (output, input))| {
                let affine = options.affine(first + channel, *mean, *reciprocal);
                let slope = options.activation.slope(first + channel);
                let parts = output.par_chunks_mut(PART).zip(input.par_chunks(PART));
                parts.for_each(|(output, input)| {
                    plain(path, || apply_all(input, affine, slope, output))
                });
            });
        },
    );
    Ok(())
}

/// The gradients of [`group_norm_forward`] to its input, and to weight and bias (one value a channel;
/// written whether or not the options have them). `output_gradient` is that after the activation.
///
/// # Errors
/// As [`group_norm_forward`].
#[allow(clippy::too_many_arguments)]
pub fn group_norm_backward(
    shape: &ChannelShape,
    groups: usize,
    options: &NormOptions,
    input: &[f32],
    mean: &[f32],
    reciprocal_deviation: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) -> Result<()> {
    let run = check_groups(shape, groups, options, input)?;
    check_length("mean", mean, shape.batch * groups)?;
    check_length(
        "reciprocal_deviation",
        reciprocal_deviation,
        shape.batch * groups,
    )?;
    check_length("output_gradient", output_gradient, input.len())?;
    check_length("input_gradient", input_gradient, input.len())?;
    check_length("weight_gradient", weight_gradient, shape.channels)?;
    check_length("bias_gradient", bias_gradient, shape.channels)?;
    weight_gradient.fill(0.0);
    bias_gradient.fill(0.0);
    if shape.is_empty() {
        return Ok(());
    }
    let path = SimdLevel::current();
    let channels = shape.channels / groups;
    let inputs = input.par_chunks(run).zip(output_gradient.par_chunks(run));
    let sums: Vec<Vec<[f64; 2]>> = input_gradient
        .par_chunks_mut(run)
        .zip(inputs)
        .enumerate()
        .map(|(index, (to, (input, gradient)))| {
            let first = index % groups * channels;
            let group = Group {
                path,
                voxels: shape.voxels,
                options,
                first,
                mean: mean[index],
                reciprocal: reciprocal_deviation[index],
            };
            let sums = group.sums(input, gradient);
            group.write(input, gradient, &sums, to);
            sums
        })
        .collect();
    for channel in 0..shape.channels {
        let of = |index: usize| {
            (0..shape.batch)
                .map(|sample| sums[sample * groups + channel / channels][channel % channels][index])
                .sum::<f64>() as f32
        };
        bias_gradient[channel] = of(0);
        weight_gradient[channel] = of(1);
    }
    Ok(())
}

/// [`group_norm_forward`] with every channel a group of its own.
///
/// # Errors
/// As there.
pub fn instance_norm_forward(
    shape: &ChannelShape,
    options: &NormOptions,
    input: &[f32],
    output: &mut [f32],
    mean: &mut [f32],
    reciprocal_deviation: &mut [f32],
) -> Result<()> {
    let groups = shape.channels;
    group_norm_forward(
        shape,
        groups,
        options,
        input,
        output,
        mean,
        reciprocal_deviation,
    )
}

/// [`group_norm_backward`] with every channel a group of its own.
///
/// # Errors
/// As there.
#[allow(clippy::too_many_arguments)]
pub fn instance_norm_backward(
    shape: &ChannelShape,
    options: &NormOptions,
    input: &[f32],
    mean: &[f32],
    reciprocal_deviation: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) -> Result<()> {
    group_norm_backward(
        shape,
        shape.channels,
        options,
        input,
        mean,
        reciprocal_deviation,
        output_gradient,
        input_gradient,
        weight_gradient,
        bias_gradient,
    )
}

/// Values of one group of one sample.
fn check_groups(
    shape: &ChannelShape,
    groups: usize,
    options: &NormOptions,
    input: &[f32],
) -> Result<usize> {
    check_length("input", input, shape.len()?)?;
    if groups == 0 {
        return Err(Error::Zero { what: "groups" });
    }
    if !shape.channels.is_multiple_of(groups) {
        return Err(Error::Groups {
            what: "channels",
            channels: shape.channels,
            groups,
        });
    }
    options.check(shape.channels)?;
    Ok(shape.channels / groups * shape.voxels)
}

/// The moments of a long run, its parts in parallel and joined in order.
pub(super) fn moments(path: SimdLevel, values: &[f32]) -> Moments {
    if values.len() <= PART {
        return plain(path, || Moments::of(values));
    }
    let parts: Vec<Moments> = values
        .par_chunks(PART)
        .map(|part| plain(path, || Moments::of(part)))
        .collect();
    parts.into_iter().fold(Moments::default(), Moments::join)
}

/// `leak(factor × x + addend)`.
#[inline(always)]
pub(crate) fn apply(x: f32, [factor, addend]: [f32; 2], slope: f32) -> f32 {
    leak(x * factor + addend, slope)
}

/// [`apply`] for all of `input`.
#[inline(always)]
pub(super) fn apply_all(input: &[f32], affine: [f32; 2], slope: f32, output: &mut [f32]) {
    output
        .iter_mut()
        .zip(input)
        .for_each(|(to, &x)| *to = apply(x, affine, slope));
}
