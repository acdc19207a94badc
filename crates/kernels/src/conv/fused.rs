//! A convolution with what follows it in a network, for inference: bias and activation while the
//! outputs are in the caches; an instance norm in one further pass, its moments taken on the way.

use rayon::prelude::*;

use super::check_bias;
use super::finish::Finish;
use super::gather::{self, Method};
use super::plan::ConvLayout;
use super::shape::{ConvShape, ConvTransposeShape};
use crate::activation::Activation;
use crate::buffer::Shared;
use crate::element::{Element, Stored, Values, ValuesMut};
use crate::error::{Result, check_length};
use crate::norm::{Moments, NormOptions, apply};
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;

/// `output = activation(input ⋆ weight + bias)`. Element types are as in [`conv3d_forward`](crate::conv3d_forward).
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv3d_activation<I: Element, W: Element, O: Element>(
    shape: &ConvShape,
    input: &[I],
    weight: &[W],
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut [O],
) -> Result<()> {
    let size = check(shape, input, weight, bias, output)?;
    activation.check(shape.out_channels)?;
    let gather = ConvLayout::forward(shape, size);
    let (input, weight) = (I::values(input), W::values(weight));
    activated(
        &gather,
        input,
        weight,
        bias,
        activation,
        O::values_mut(output),
    );
    Ok(())
}

/// `output = activation(transposed convolution + bias)`. Element types are as in
/// [`conv3d_forward`](crate::conv3d_forward).
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv_transpose3d_activation<I: Element, W: Element, O: Element>(
    shape: &ConvTransposeShape,
    input: &[I],
    weight: &[W],
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut [O],
) -> Result<()> {
    let adjoint = shape.adjoint()?;
    check_length("input", input, shape.input_len())?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("output", output, shape.output_len()?)?;
    check_bias(bias, shape.out_channels)?;
    activation.check(shape.out_channels)?;
    let gather = ConvLayout::adjoint(&adjoint, shape.input);
    let (input, weight) = (I::values(input), W::values(weight));
    activated(
        &gather,
        input,
        weight,
        bias,
        activation,
        O::values_mut(output),
    );
    Ok(())
}

fn activated(
    gather: &ConvLayout,
    input: Values,
    weight: Values,
    bias: Option<&[f32]>,
    activation: Activation,
    output: ValuesMut,
) {
    let method = Method::of(gather, input, weight);
    let finish = Finish::activation(activation);
    gather::run(gather, &method, input, weight, bias, &finish, output);
}

/// `output = activation(instance norm(input ⋆ weight + bias))`, with the norm's own weight, bias,
/// epsilon and activation in `norm`. Element types are as in [`conv3d_forward`](crate::conv3d_forward); the norm's moments
/// are those of the sums in `f32`. Where `output` is bfloat16 the sums are rounded before they are normalised and
/// once more after it, and `bias` is left out: the norm takes it off again, but not what it adds to the first rounding.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv3d_instance_norm<I: Element, W: Element, O: Element>(
    shape: &ConvShape,
    input: &[I],
    weight: &[W],
    bias: Option<&[f32]>,
    norm: &NormOptions,
    output: &mut [O],
) -> Result<()> {
    let size = check(shape, input, weight, bias, output)?;
    norm.check(shape.out_channels)?;
    if output.is_empty() {
        return Ok(());
    }
    let gather = ConvLayout::forward(shape, size);
    let (input, weight) = (I::values(input), W::values(weight));
    normalised(&gather, input, weight, bias, norm, O::values_mut(output));
    Ok(())
}

fn normalised(
    gather: &ConvLayout,
    input: Values,
    weight: Values,
    bias: Option<&[f32]>,
    norm: &NormOptions,
    mut output: ValuesMut,
) {
    let method = Method::of(gather, input, weight);
    let blocks = method.blocks(gather);
    let channels = gather.groups * gather.out_channels;
    let mut moments = vec![Moments::default(); gather.batch * channels * blocks];
    let finish = Finish {
        moments: Some(Shared::new(&mut moments)),
        blocks_limit: blocks,
        ..Finish::default()
    };
    let bias = bias.filter(|_| matches!(output, ValuesMut::F32(_)));
    let to = output.reborrow();
    gather::run(gather, &method, input, weight, bias, &finish, to);
    let moments = moments.chunks(blocks).map(|blocks| {
        let blocks = blocks.iter().copied();
        blocks.fold(Moments::default(), Moments::join)
    });
    let moments: Vec<Moments> = moments.collect();
    match output {
        ValuesMut::F32(output) => apply_norm(&moments, norm, channels, output),
        ValuesMut::Bf16(output) => apply_norm(&moments, norm, channels, output),
    }
}

/// Normalises every channel of every sample by its moments.
fn apply_norm<E: Stored>(
    moments: &[Moments],
    norm: &NormOptions,
    channels: usize,
    output: &mut [E],
) {
    let path = SimdLevel::current();
    let rows = output
        .par_chunks_mut(output.len() / moments.len())
        .zip(moments)
        .enumerate();
    rows.for_each(|(row, (output, moments))| {
        let channel = row % channels;
        let reciprocal = moments.reciprocal_deviation(f64::from(norm.epsilon)) as f32;
        let affine = norm.affine(channel, moments.mean as f32, reciprocal);
        let slope = norm.activation.slope(channel);
        output.par_chunks_mut(PART).for_each(|values| {
            plain(path, || {
                values
                    .iter_mut()
                    .for_each(|value| *value = E::narrow(apply(value.widen(), affine, slope)))
            });
        });
    });
}

fn check<I: Element, W: Element, O: Element>(
    shape: &ConvShape,
    input: &[I],
    weight: &[W],
    bias: Option<&[f32]>,
    output: &[O],
) -> Result<[usize; 3]> {
    let size = shape.output()?;
    check_length("input", input, shape.input_len())?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("output", output, shape.output_len()?)?;
    check_bias(bias, shape.out_channels)?;
    Ok(size)
}
