//! A convolution with what follows it in a network, for inference: bias and activation while the
//! outputs are in the caches; an instance norm in one further pass, its moments taken on the way.

use rayon::prelude::*;

use super::finish::Finish;
use super::plan::ConvLayout;
use super::shape::{ConvShape, ConvTransposeShape};
use super::{check_bias, gather};
use crate::activation::Activation;
use crate::buffer::Shared;
use crate::error::{Result, check_length};
use crate::norm::{Moments, NormOptions, apply};
use crate::parallel::{PART, plain};
use crate::simd::SimdLevel;

/// `output = activation(input ⋆ weight + bias)`.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv3d_activation(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut [f32],
) -> Result<()> {
    let size = check(shape, input, weight, bias, output)?;
    activation.check(shape.out_channels)?;
    let finish = Finish {
        activation,
        ..Finish::default()
    };
    gather::run(
        &ConvLayout::forward(shape, size),
        input,
        weight,
        bias,
        &finish,
        output,
    );
    Ok(())
}

/// `output = activation(transposed convolution + bias)`.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv_transpose3d_activation(
    shape: &ConvTransposeShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut [f32],
) -> Result<()> {
    let adjoint = shape.adjoint()?;
    check_length("input", input, shape.input_len())?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("output", output, shape.output_len()?)?;
    check_bias(bias, shape.out_channels)?;
    activation.check(shape.out_channels)?;
    let finish = Finish {
        activation,
        ..Finish::default()
    };
    gather::run(
        &ConvLayout::adjoint(&adjoint, shape.input),
        input,
        weight,
        bias,
        &finish,
        output,
    );
    Ok(())
}

/// `output = activation(instance norm(input ⋆ weight + bias))`, with the norm's own weight, bias,
/// epsilon and activation in `norm`.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv3d_instance_norm(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    norm: &NormOptions,
    output: &mut [f32],
) -> Result<()> {
    let size = check(shape, input, weight, bias, output)?;
    norm.check(shape.out_channels)?;
    if output.is_empty() {
        return Ok(());
    }
    let gather = ConvLayout::forward(shape, size);
    let blocks = gather::blocks(&gather);
    let mut moments = vec![Moments::default(); shape.batch * shape.out_channels * blocks];
    let finish = Finish {
        moments: Some(Shared::new(&mut moments)),
        blocks_limit: blocks,
        ..Finish::default()
    };
    gather::run(&gather, input, weight, bias, &finish, output);
    let path = SimdLevel::current();
    let voxels = size.iter().product();
    let rows = output
        .par_chunks_mut(voxels)
        .zip(moments.par_chunks(blocks))
        .enumerate();
    rows.for_each(|(row, (output, moments))| {
        let channel = row % shape.out_channels;
        let moments = moments
            .iter()
            .copied()
            .fold(Moments::default(), Moments::join);
        let reciprocal = moments.reciprocal_deviation(f64::from(norm.epsilon)) as f32;
        let affine = norm.affine(channel, moments.mean as f32, reciprocal);
        let slope = norm.activation.slope(channel);
        output.par_chunks_mut(PART).for_each(|values| {
            plain(path, || {
                values
                    .iter_mut()
                    .for_each(|value| *value = apply(*value, affine, slope))
            });
        });
    });
    Ok(())
}

fn check(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &[f32],
) -> Result<[usize; 3]> {
    let size = shape.output()?;
    check_length("input", input, shape.input_len())?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("output", output, shape.output_len()?)?;
    check_bias(bias, shape.out_channels)?;
    Ok(size)
}
