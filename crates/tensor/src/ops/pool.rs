//! Pooling over boxes: an axis at a time through Burn's 2-D pooling, which gives the same maxima
//! and, with padding counted, the same means.

use crate::Tensor;
use crate::cpu::{self, PoolKind, PoolOperation};
use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use vesalius_kernels::PoolShape;

/// The largest value of every box; arrays are `[x, y, z]`, padding counts as minus infinity.
pub(crate) fn max_pool(
    input: Tensor<5>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
) -> Tensor<5> {
    if cpu::fits(&input) {
        return on_cpu(input, kernel, stride, padding, PoolKind::Max);
    }
    max_pool_fallback(input, kernel, stride, padding)
}

pub(super) fn max_pool_fallback(
    input: Tensor<5>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
) -> Tensor<5> {
    separate(
        input,
        kernel,
        stride,
        padding,
        |image, kernel, stride, padding| {
            max_pool2d(
                image,
                MaxPoolOptions::new(kernel)
                    .with_stride(stride)
                    .with_padding(padding),
            )
        },
    )
}

/// The mean of every box; arrays are `[x, y, z]`, padding counts as zeros.
pub(crate) fn average_pool(
    input: Tensor<5>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
) -> Tensor<5> {
    if cpu::fits(&input) {
        return on_cpu(input, kernel, stride, padding, PoolKind::Average);
    }
    average_pool_fallback(input, kernel, stride, padding)
}

pub(super) fn average_pool_fallback(
    input: Tensor<5>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
) -> Tensor<5> {
    separate(
        input,
        kernel,
        stride,
        padding,
        |image, kernel, stride, padding| {
            avg_pool2d(
                image,
                AvgPoolOptions::new(kernel)
                    .with_stride(stride)
                    .with_padding(padding),
            )
        },
    )
}

fn on_cpu(
    input: Tensor<5>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    kind: PoolKind,
) -> Tensor<5> {
    let [batch, c, z, y, x] = input.dims();
    let shape = PoolShape {
        channels: batch * c,
        input: [x, y, z],
        kernel,
        stride,
        padding,
    };
    let operation = PoolOperation { batch, shape, kind };
    cpu::run(input, [], operation)
}

fn separate(
    input: Tensor<5>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    pool: impl Fn(Tensor<4>, [usize; 2], [usize; 2], [usize; 2]) -> Tensor<4>,
) -> Tensor<5> {
    let [n, c, z, y, x] = input.dims();
    let yx = |v: [usize; 3]| [v[1], v[0]];
    let slices = pool(
        input.reshape([n * c, z, y, x]),
        yx(kernel),
        yx(stride),
        yx(padding),
    );
    let [_, _, y, x] = slices.dims();
    if kernel[2] == 1 && stride[2] == 1 && padding[2] == 0 {
        return slices.reshape([n, c, z, y, x]);
    }
    let columns = pool(
        slices.reshape([n * c, 1, z, y * x]),
        [kernel[2], 1],
        [stride[2], 1],
        [padding[2], 0],
    );
    let z = columns.dims()[2];
    columns.reshape([n, c, z, y, x])
}
