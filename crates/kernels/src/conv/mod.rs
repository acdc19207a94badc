//! 3-D convolution and transposed convolution, forward and gradients, on dense `[N, C, Z, Y, X]`
//! slices. One engine computes a convolution and its gradient to the input, another the gradient to
//! the weights; a transposed convolution is the gradient of a convolution.

mod direct;
mod finish;
mod fused;
mod gather;
mod micro;
mod plan;
mod shape;
mod tile;
mod weight_gradient;
mod weights;
mod winograd;

pub use fused::{conv_transpose3d_activation, conv3d_activation, conv3d_instance_norm};
pub use shape::{ConvShape, ConvTransposeShape};

use crate::error::{Result, check_length};
use finish::Finish;
use plan::ConvLayout;

/// `output = input ⋆ weight + bias` (a cross-correlation, as deep learning calls convolution).
/// `output` need not be initialised with anything.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv3d_forward(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    let size = shape.output()?;
    check_length("input", input, shape.input_len())?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("output", output, shape.output_len()?)?;
    check_bias(bias, shape.out_channels)?;
    gather::run(
        &ConvLayout::forward(shape, size),
        input,
        weight,
        bias,
        &Finish::default(),
        output,
    );
    Ok(())
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
    gather::run(
        &gather,
        output_gradient,
        weight,
        None,
        &Finish::default(),
        input_gradient,
    );
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

/// A transposed convolution: every input value spreads the kernel over the output.
///
/// # Errors
/// When the shape is not possible or a slice's length does not fit the shape.
pub fn conv_transpose3d_forward(
    shape: &ConvTransposeShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    let adjoint = shape.adjoint()?;
    check_length("input", input, shape.input_len())?;
    check_length("weight", weight, shape.weight_len())?;
    check_length("output", output, shape.output_len()?)?;
    check_bias(bias, shape.out_channels)?;
    gather::run(
        &ConvLayout::adjoint(&adjoint, shape.input),
        input,
        weight,
        bias,
        &Finish::default(),
        output,
    );
    Ok(())
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
    gather::run(
        &gather,
        output_gradient,
        weight,
        None,
        &Finish::default(),
        input_gradient,
    );
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

fn check_bias(bias: Option<&[f32]>, channels: usize) -> Result<()> {
    bias.map_or(Ok(()), |bias| check_length("bias", bias, channels))
}
