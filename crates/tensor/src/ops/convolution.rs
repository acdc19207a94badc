//! 3-D convolution and its transpose.

use crate::cpu::{self, ConvolutionOperation, Operand, TransposedOperation};
use crate::{Tensor, axes::reversed};
use burn::tensor::module::{conv_transpose3d, conv3d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use vesalius_kernels::{ConvShape, ConvTransposeShape};

/// Stride, padding, dilation and groups of a convolution; every array is `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConvolutionOptions {
    pub stride: [usize; 3],
    pub padding: [usize; 3],
    pub dilation: [usize; 3],
    pub groups: usize,
}

/// Stride, paddings, dilation and groups of a transposed convolution; every array is `[x, y, z]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TransposedOptions {
    pub stride: [usize; 3],
    pub padding: [usize; 3],
    pub output_padding: [usize; 3],
    pub dilation: [usize; 3],
    pub groups: usize,
}

/// `[N, C, Z, Y, X]` with weight `[O, C / groups, kz, ky, kx]` and bias `[O]`.
pub(crate) fn convolution(
    input: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    options: ConvolutionOptions,
) -> Tensor<5> {
    if !cpu::fits(&input) {
        return fallback(input, weight, bias, options);
    }
    let shape = convolution_shape(&input, &weight, options);
    cpu::run(input, operands(weight, bias), ConvolutionOperation(shape))
}

/// The kernels' form of a convolution of these tensors.
pub(crate) fn convolution_shape(
    input: &Tensor<5>,
    weight: &Tensor<5>,
    options: ConvolutionOptions,
) -> ConvShape {
    let [batch, in_channels, z, y, x] = input.dims();
    let [out_channels, _, kz, ky, kx] = weight.dims();
    ConvShape {
        batch,
        in_channels,
        out_channels,
        input: [x, y, z],
        kernel: [kx, ky, kz],
        stride: options.stride,
        padding: options.padding.map(|zeros| [zeros; 2]),
        dilation: options.dilation,
        groups: options.groups,
    }
}

/// The kernels' form of a transposed convolution of these tensors.
pub(crate) fn transposed_shape(
    input: &Tensor<5>,
    weight: &Tensor<5>,
    options: TransposedOptions,
) -> ConvTransposeShape {
    let [batch, in_channels, z, y, x] = input.dims();
    let [_, outputs, kz, ky, kx] = weight.dims();
    ConvTransposeShape {
        batch,
        in_channels,
        out_channels: outputs * options.groups,
        input: [x, y, z],
        kernel: [kx, ky, kz],
        stride: options.stride,
        padding: options.padding,
        output_padding: options.output_padding,
        dilation: options.dilation,
        groups: options.groups,
    }
}

fn operands(weight: Tensor<5>, bias: Option<Tensor<1>>) -> impl Iterator<Item = Operand> {
    std::iter::once(Operand::from(weight)).chain(bias.map(Operand::from))
}

pub(super) fn fallback(
    input: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    options: ConvolutionOptions,
) -> Tensor<5> {
    let options = ConvOptions::new(
        reversed(options.stride),
        reversed(options.padding),
        reversed(options.dilation),
        options.groups,
    );
    conv3d(input, weight, bias, options)
}

/// `[N, C, Z, Y, X]` with weight `[C, O / groups, kz, ky, kx]` and bias `[O]`.
pub(crate) fn transposed_convolution(
    input: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    options: TransposedOptions,
) -> Tensor<5> {
    if !cpu::fits(&input) {
        return transposed_fallback(input, weight, bias, options);
    }
    let shape = transposed_shape(&input, &weight, options);
    cpu::run(input, operands(weight, bias), TransposedOperation(shape))
}

pub(super) fn transposed_fallback(
    input: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    options: TransposedOptions,
) -> Tensor<5> {
    let [_, _, kz, ky, kx] = weight.dims();
    let exact = options.stride == [kx, ky, kz]
        && options.padding == [0; 3]
        && options.output_padding == [0; 3]
        && options.dilation == [1; 3]
        && options.groups == 1;
    if exact {
        return tiles(input, weight, bias);
    }
    let options = ConvTransposeOptions::new(
        reversed(options.stride),
        reversed(options.padding),
        reversed(options.output_padding),
        reversed(options.dilation),
        options.groups,
    );
    conv_transpose3d(input, weight, bias, options)
}

/// A transposed convolution whose kernel is its stride: every input voxel becomes a tile of its
/// own, so that a matrix product and a reordering do it (GPU kernels for the general case are slow).
fn tiles(input: Tensor<5>, weight: Tensor<5>, bias: Option<Tensor<1>>) -> Tensor<5> {
    let [n, c, z, y, x] = input.dims();
    let [_, o, kz, ky, kx] = weight.dims();
    let voxels = input.reshape([n, c, z * y * x]);
    let weight = weight
        .reshape([c, o * kz * ky * kx])
        .transpose()
        .unsqueeze::<3>();
    let tiles: Tensor<8> = weight
        .matmul(voxels)
        .reshape([n, o, kz, ky, kx, z, y, x])
        .permute([0, 1, 5, 2, 6, 3, 7, 4]);
    let output = tiles.reshape([n, o, z * kz, y * ky, x * kx]);
    match bias {
        Some(bias) => output + bias.reshape([1, o, 1, 1, 1]),
        None => output,
    }
}
