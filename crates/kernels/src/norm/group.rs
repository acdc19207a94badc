//! Group norm (Wu and He 2018), and instance norm (Ulyanov 2016), which is the same with one channel
//! a group; each may end in an activation, and its gradient then begins with that of the activation.

use rayon::prelude::*;

use super::Moments;
use crate::activation::{Activation, ChannelShape, leak};
use crate::error::{Error, Result, check_length};
use crate::parallel::{PART, plain};
use crate::simd::Path;

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
    pub(super) fn check(&self, channels: usize) -> Result<()> {
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
    let path = Path::current();
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
                    plain(path, || apply(input, affine, slope, output))
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
    let path = Path::current();
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
pub(super) fn moments(path: Path, values: &[f32]) -> Moments {
    if values.len() <= PART {
        return plain(path, || Moments::of(values));
    }
    let parts: Vec<Moments> = values
        .par_chunks(PART)
        .map(|part| plain(path, || Moments::of(part)))
        .collect();
    parts.into_iter().fold(Moments::default(), Moments::join)
}

/// `output = leak(factor × input + addend)`.
#[inline(always)]
pub(crate) fn apply(input: &[f32], [factor, addend]: [f32; 2], slope: f32, output: &mut [f32]) {
    let values = output.iter_mut().zip(input);
    if slope == 1.0 {
        values.for_each(|(to, &x)| *to = x * factor + addend);
    } else {
        values.for_each(|(to, &x)| *to = leak(x * factor + addend, slope));
    }
}

/// One group of one sample, backwards.
struct Group<'a> {
    path: Path,
    voxels: usize,
    options: &'a NormOptions<'a>,
    first: usize,
    mean: f32,
    reciprocal: f32,
}

impl Group<'_> {
    /// Per channel, `Σ g` and `Σ g × normalised`, where g is the gradient before the activation.
    fn sums(&self, input: &[f32], gradient: &[f32]) -> Vec<[f64; 2]> {
        let channels = input.chunks(self.voxels).zip(gradient.chunks(self.voxels));
        channels
            .enumerate()
            .map(|(channel, (input, gradient))| {
                let channel = self.first + channel;
                let affine = self.options.affine(channel, self.mean, self.reciprocal);
                let slope = self.options.activation.slope(channel);
                let mean = self.mean;
                let parts: Vec<[f64; 2]> = input
                    .par_chunks(PART)
                    .zip(gradient.par_chunks(PART))
                    .map(|(input, gradient)| {
                        plain(self.path, || {
                            gradient_sums(input, gradient, mean, affine, slope)
                        })
                    })
                    .collect();
                let total = parts
                    .iter()
                    .fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
                [total[0], total[1] * f64::from(self.reciprocal)]
            })
            .collect()
    }

    /// The gradient to the input.
    fn write(&self, input: &[f32], gradient: &[f32], sums: &[[f64; 2]], to: &mut [f32]) {
        let weight =
            |channel: usize| f64::from(self.options.weight.map_or(1.0, |weight| weight[channel]));
        let count = input.len() as f64;
        let mut means = [0.0f64; 2];
        for (channel, sums) in sums.iter().enumerate() {
            means[0] += weight(self.first + channel) * sums[0] / count;
            means[1] += weight(self.first + channel) * sums[1] / count;
        }
        let reciprocal = f64::from(self.reciprocal);
        // dx = r (w g − m₀ − m₁ (x − mean) r), as one factor for g, one for x and an addend.
        let of_input = (-means[1] * reciprocal * reciprocal) as f32;
        let addend = (-means[0] * reciprocal - f64::from(of_input) * f64::from(self.mean)) as f32;
        let rows = to
            .par_chunks_mut(self.voxels)
            .zip(input.par_chunks(self.voxels));
        let rows = rows.zip(gradient.par_chunks(self.voxels)).enumerate();
        rows.for_each(|(channel, ((to, input), gradient))| {
            let channel = self.first + channel;
            let affine = self.options.affine(channel, self.mean, self.reciprocal);
            let slope = self.options.activation.slope(channel);
            let of_gradient = (weight(channel) * reciprocal) as f32;
            let factors = [of_gradient, of_input, addend];
            let parts = to.par_chunks_mut(PART).zip(input.par_chunks(PART));
            parts
                .zip(gradient.par_chunks(PART))
                .for_each(|((to, input), gradient)| {
                    plain(self.path, || {
                        write_part(input, gradient, affine, slope, factors, to)
                    });
                });
        });
    }
}

/// The gradient before an activation: where what went into it was not positive, times its slope.
#[inline(always)]
pub(super) fn through(gradient: f32, x: f32, [factor, addend]: [f32; 2], slope: f32) -> f32 {
    if x * factor + addend > 0.0 {
        gradient
    } else {
        gradient * slope
    }
}

/// `Σ g` and `Σ g × (x − mean)`.
#[inline(always)]
pub(super) fn gradient_sums(
    input: &[f32],
    gradient: &[f32],
    mean: f32,
    affine: [f32; 2],
    slope: f32,
) -> [f64; 2] {
    let (mut sums, mut products) = ([0.0f32; 16], [0.0f32; 16]);
    let mut total = [0.0f64; 2];
    for (input, gradient) in input.chunks(2048).zip(gradient.chunks(2048)) {
        for (input, gradient) in input.chunks(16).zip(gradient.chunks(16)) {
            let lanes = input
                .iter()
                .zip(gradient)
                .zip(sums.iter_mut().zip(&mut products));
            for ((&x, &g), (sum, product)) in lanes {
                let g = if slope == 1.0 {
                    g
                } else {
                    through(g, x, affine, slope)
                };
                *sum += g;
                *product += g * (x - mean);
            }
        }
        total[0] += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
        total[1] += products.iter().map(|&sum| f64::from(sum)).sum::<f64>();
        (sums, products) = ([0.0; 16], [0.0; 16]);
    }
    total
}

#[inline(always)]
pub(super) fn write_part(
    input: &[f32],
    gradient: &[f32],
    affine: [f32; 2],
    slope: f32,
    [of_gradient, of_input, addend]: [f32; 3],
    to: &mut [f32],
) {
    for ((to, &x), &g) in to.iter_mut().zip(input).zip(gradient) {
        let g = if slope == 1.0 {
            g
        } else {
            through(g, x, affine, slope)
        };
        *to = of_gradient * g + (of_input * x + addend);
    }
}
