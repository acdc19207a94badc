//! The layers of transformers between attentions: linear layers, GELU, layer norm.

use crate::Tensor;
use crate::cpu::{self, GeluOperation, LayerNormOperation, LinearOperation, Operand};
use vesalius_kernels::LinearShape;

/// `input · weightᵀ + bias` along the last axis: `[…, in]`, `[out, in]` and `[out]` to `[…, out]`.
pub(crate) fn linear<const D: usize>(
    input: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    if !cpu::fits(&input) || !cpu::fits(&weight) {
        return linear_fallback(input, weight, bias);
    }
    let mut shape = input.dims();
    let [out_features, in_features] = weight.dims();
    shape[D - 1] = out_features;
    let operation = LinearOperation {
        shape: shape.to_vec(),
        layer: LinearShape {
            rows: shape[..D - 1].iter().product(),
            in_features,
            out_features,
        },
    };
    let others = std::iter::once(weight.into()).chain(bias.map(Operand::from));
    cpu::run(input, others, operation)
}

pub(super) fn linear_fallback<const D: usize>(
    input: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    let [out, width] = weight.dims();
    let mut shape = input.dims();
    let rows: usize = shape[..D - 1].iter().product();
    let mut output = input.reshape([rows, width]).matmul(weight.transpose());
    if let Some(bias) = bias {
        output = output + bias.reshape([1, out]);
    }
    shape[D - 1] = out;
    output.reshape(shape)
}

/// The Gaussian error linear unit, by the error function.
pub fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    if !cpu::fits(&input) {
        return burn::tensor::activation::gelu(input);
    }
    let operation = GeluOperation {
        shape: input.dims().to_vec(),
    };
    cpu::run(input, [], operation)
}

/// Every vector along the last axis by its own mean and variance (biased, plus `epsilon`), then scaled
/// and shifted a place.
pub(crate) fn layer_norm<const D: usize>(
    input: Tensor<D>,
    scale_and_shift: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
) -> Tensor<D> {
    if !cpu::fits(&input) {
        return layer_norm_fallback(input, scale_and_shift, epsilon);
    }
    let operation = LayerNormOperation {
        shape: input.dims().to_vec(),
        affine: scale_and_shift.is_some(),
        epsilon,
    };
    let others = scale_and_shift.map(|(scale, shift)| [scale.into(), shift.into()]);
    cpu::run(input, others.into_iter().flatten(), operation)
}

pub(super) fn layer_norm_fallback<const D: usize>(
    input: Tensor<D>,
    scale_and_shift: Option<(Tensor<1>, Tensor<1>)>,
    epsilon: f64,
) -> Tensor<D> {
    let shape = input.dims();
    let length = shape[D - 1];
    let rows = input.reshape([shape[..D - 1].iter().product(), length]);
    let (variance, mean) = rows.clone().var_mean_bias(1);
    let normal = (rows - mean) * (variance + epsilon).sqrt().recip();
    let output = match scale_and_shift {
        Some((weight, bias)) => normal * weight.reshape([1, length]) + bias.reshape([1, length]),
        None => normal,
    };
    output.reshape(shape)
}
