//! 3-D convolution and transposed convolution, forward and gradients, on dense `[N, C, Z, Y, X]`
//! slices. One engine computes a convolution and its gradient to the input, another the gradient to
//! the weights; a transposed convolution is the gradient of a convolution. Forward, values may be stored as bfloat16.

mod direct;
mod finish;
mod fused;
mod gather;
mod lanes;
mod micro;
mod plan;
mod shape;
mod terms;
mod tile;
mod weight_gradient;
mod weights;
mod winograd;
mod write;

pub use fused::{conv_transpose3d_activation, conv3d_activation, conv3d_instance_norm};
pub use shape::{ConvShape, ConvTransposeShape};

use crate::activation::Activation;
use crate::element::{Element, Values, ValuesMut};
use crate::error::{Result, check_length};
use finish::Finish;
use gather::Method;
use plan::ConvLayout;

/// `output = input ⋆ weight + bias` (a cross-correlation, as deep learning calls convolution).
/// `output` need not be initialised with anything.
///
/// Each of input, weights and output is `f32` or [`bf16`](crate::bf16). Sums are taken in `f32` and rounded once, when they
/// are written. Products are taken in `f32` too, except of bfloat16 inputs and weights at the level `avx512bf16`, where
/// that takes less time: its instruction takes numbers below 2⁻¹²⁶ as zeros. Levels sum in different orders, so that
/// results differ between them by roundings; at one level they do not depend on the number of threads.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv3d_forward<I: Element, W: Element, O: Element>(
    shape: &ConvShape,
    input: &[I],
    weight: &[W],
    bias: Option<&[f32]>,
    output: &mut [O],
) -> Result<()> {
    conv3d_activation(shape, input, weight, bias, Activation::Identity, output)
}

/// The gradient to the convolution's input, given that to its output.
///
/// # Errors
/// As [`conv3d_forward`].
pub fn conv3d_backward_input(
    shape: &ConvShape,
    output_gradient: &[f32],
    weight: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    let size = shape.output()?;
    check_length("output_gradient", output_gradient, shape.output_len()?)?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("input_gradient", input_gradient, shape.input_len())?;
    let gather = ConvLayout::adjoint(shape, size);
    plain(&gather, output_gradient, weight, input_gradient);
    Ok(())
}

/// The gradients to the convolution's weights and bias, given that to its output.
///
/// # Errors
/// As [`conv3d_forward`].
pub fn conv3d_backward_weight(
    shape: &ConvShape,
    input: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: Option<&mut [f32]>,
) -> Result<()> {
    let size = shape.output()?;
    check_length("input", input, shape.input_len())?;
    check_length("output_gradient", output_gradient, shape.output_len()?)?;
    check_length("weight_gradient", weight_gradient, shape.weight_len())?;
    check_bias(bias_gradient.as_deref(), shape.out_channels)?;
    let gather = ConvLayout::forward(shape, size);
    weight_gradient::run(
        &gather,
        input,
        output_gradient,
        weight_gradient,
        bias_gradient,
    );
    Ok(())
}

/// A transposed convolution: every input value spreads the kernel over the output. Element types are as in
/// [`conv3d_forward`].
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv_transpose3d_forward<I: Element, W: Element, O: Element>(
    shape: &ConvTransposeShape,
    input: &[I],
    weight: &[W],
    bias: Option<&[f32]>,
    output: &mut [O],
) -> Result<()> {
    conv_transpose3d_activation(shape, input, weight, bias, Activation::Identity, output)
}

/// The gradient to the transposed convolution's input, given that to its output.
///
/// # Errors
/// As [`conv_transpose3d_forward`].
pub fn conv_transpose3d_backward_input(
    shape: &ConvTransposeShape,
    output_gradient: &[f32],
    weight: &[f32],
    input_gradient: &mut [f32],
) -> Result<()> {
    let adjoint = shape.adjoint()?;
    check_length("output_gradient", output_gradient, shape.output_len()?)?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("input_gradient", input_gradient, shape.input_len())?;
    let gather = ConvLayout::forward(&adjoint, shape.input);
    plain(&gather, output_gradient, weight, input_gradient);
    Ok(())
}

/// The gradients to the transposed convolution's weights and bias, given that to its output.
///
/// # Errors
/// As [`conv_transpose3d_forward`].
pub fn conv_transpose3d_backward_weight(
    shape: &ConvTransposeShape,
    input: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: Option<&mut [f32]>,
) -> Result<()> {
    let adjoint = shape.adjoint()?;
    check_length("input", input, shape.input_len())?;
    check_length("output_gradient", output_gradient, shape.output_len()?)?;
    check_length("weight_gradient", weight_gradient, shape.weight_len())?;
    check_bias(bias_gradient.as_deref(), shape.out_channels)?;
    let gather = ConvLayout::forward(&adjoint, shape.input);
    weight_gradient::run(&gather, output_gradient, input, weight_gradient, None);
    if let Some(bias) = bias_gradient {
        crate::sum::channel_sums(output_gradient, shape.batch, shape.out_channels, bias);
    }
    Ok(())
}

/// A gather of `f32` without bias or activation.
fn plain(gather: &ConvLayout, input: &[f32], weights: &[f32], output: &mut [f32]) {
    let (input, weights) = (Values::F32(input), Values::F32(weights));
    gather::run(
        gather,
        &Method::of(gather, input, weights),
        input,
        weights,
        None,
        &Finish::default(),
        ValuesMut::F32(output),
    );
}

fn check_bias(bias: Option<&[f32]>, channels: usize) -> Result<()> {
    bias.map_or(Ok(()), |bias| check_length("bias", bias, channels))
}
