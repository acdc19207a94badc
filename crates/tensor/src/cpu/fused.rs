//! Convolution, instance norm and activation as one operation, for inference: nothing between them is
//! written to memory twice, and nothing is kept.

use super::operation::{dense, tensor, values};
use super::{ActivationKind, expect_fit};
use crate::Tensor;
use burn::backend::Flex;
use burn_flex::FlexTensor;
use vesalius_kernels as kernels;
use vesalius_kernels::{Activation, ConvShape, ConvTransposeShape, NormOptions};

/// Either direction of a convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FusedShape {
    Plain(ConvShape),
    Transposed(ConvTransposeShape),
}

/// Everything after the convolution's own weights.
#[derive(Default)]
pub(crate) struct FusedFollow {
    /// Epsilon of an instance norm, with its weight and bias, if any.
    pub norm: Option<(f64, Option<(Tensor<1>, Tensor<1>)>)>,
    /// The activation, with PReLU's slopes.
    pub activation: Option<(ActivationKind, Option<Tensor<1>>)>,
}

/// The fused operation on plain (not autodiff) CPU tensors that [`super::fits`] accepts; nothing
/// when these parts cannot be fused, such as a norm after a transposed convolution.
pub(crate) fn fused(
    input: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    shape: FusedShape,
    follow: FusedFollow,
) -> Option<Tensor<5>> {
    let input = primitive(input)?;
    let weight = primitive(weight)?;
    let bias = optional(bias)?;
    let (kind, slopes) = follow
        .activation
        .unwrap_or((ActivationKind::Identity, None));
    let slopes = optional(slopes)?;
    let activation = kind.with(slopes.as_ref().map(values));
    let bias = bias.as_ref().map(values);
    let (output, dims) = match (shape, follow.norm) {
        (FusedShape::Plain(shape), Some((epsilon, affine))) => {
            let (scale, shift) = affine.unzip();
            let (scale, shift) = (optional(scale)?, optional(shift)?);
            let norm = NormOptions {
                weight: scale.as_ref().map(values),
                bias: shift.as_ref().map(values),
                epsilon: epsilon as f32,
                activation,
            };
            let mut output = kernels::zeros(expect_fit(shape.output_len()));
            let done = kernels::conv3d_instance_norm(
                &shape,
                values(&input),
                values(&weight),
                bias,
                &norm,
                &mut output,
            );
            expect_fit(done);
            (output, (shape.batch, shape.out_channels, shape.output()))
        }
        (FusedShape::Plain(shape), None) => (
            plain(&shape, &input, &weight, bias, activation),
            (shape.batch, shape.out_channels, shape.output()),
        ),
        (FusedShape::Transposed(shape), None) => (
            transposed(&shape, &input, &weight, bias, activation),
            (shape.batch, shape.out_channels, shape.output()),
        ),
        (FusedShape::Transposed(_), Some(_)) => return None,
    };
    let (batch, channels, size) = dims;
    let [x, y, z] = expect_fit(size);
    let output = tensor(output, vec![batch, channels, z, y, x]);
    Some(Tensor::from_primitive::<Flex>(output))
}

fn plain(
    shape: &ConvShape,
    input: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let mut output = kernels::zeros(expect_fit(shape.output_len()));
    let (input, weight) = (values(input), values(weight));
    expect_fit(kernels::conv3d_activation(
        shape,
        input,
        weight,
        bias,
        activation,
        &mut output,
    ));
    output
}

fn transposed(
    shape: &ConvTransposeShape,
    input: &FlexTensor,
    weight: &FlexTensor,
    bias: Option<&[f32]>,
    activation: Activation,
) -> Vec<f32> {
    let mut output = kernels::zeros(expect_fit(shape.output_len()));
    let (input, weight) = (values(input), values(weight));
    expect_fit(kernels::conv_transpose3d_activation(
        shape,
        input,
        weight,
        bias,
        activation,
        &mut output,
    ));
    output
}

fn primitive<const D: usize>(tensor: Tensor<D>) -> Option<FlexTensor> {
    tensor.try_into_primitive::<Flex>().ok().map(dense)
}

/// Nothing within something when there is no tensor; nothing at all when it is none of ours.
fn optional<const D: usize>(tensor: Option<Tensor<D>>) -> Option<Option<FlexTensor>> {
    match tensor {
        None => Some(None),
        Some(tensor) => primitive(tensor).map(Some),
    }
}
