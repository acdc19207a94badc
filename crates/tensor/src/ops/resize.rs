//! Resizing by nearest neighbour and by linear interpolation, an axis at a time.

use crate::cpu::{self, ResizeOperation};
use crate::{Int, Tensor, axes::reversed};
use burn::tensor::TensorData;
use vesalius_kernels::{Resize, ResizeShape};

/// PyTorch's `interpolate(mode="nearest")` to `size` `[x, y, z]`: source voxel `⌊i · in / out⌋`.
pub(crate) fn resize_nearest(input: Tensor<5>, size: [usize; 3]) -> Tensor<5> {
    if cpu::fits(&input) {
        return on_cpu(input, size, Resize::Nearest);
    }
    nearest_fallback(input, size)
}

pub(super) fn nearest_fallback(input: Tensor<5>, size: [usize; 3]) -> Tensor<5> {
    let dims = input.dims();
    let mut output = input;
    for (axis, length) in reversed(size).into_iter().enumerate() {
        let from = dims[axis + 2];
        if from != length {
            let source: Vec<i32> = (0..length).map(|i| (i * from / length) as i32).collect();
            let source =
                Tensor::<1, Int>::from_data(TensorData::new(source, [length]), &output.device());
            output = output.select(axis + 2, source);
        }
    }
    output
}

/// PyTorch's `interpolate(mode="trilinear")` to `size` `[x, y, z]`.
///
/// With `align_corners` the first and last voxels of both grids coincide; without it the grids'
/// outer edges do, and samples beyond the first and last voxel take their value.
pub(crate) fn resize_linear(input: Tensor<5>, size: [usize; 3], align_corners: bool) -> Tensor<5> {
    if cpu::fits(&input) {
        let how = match align_corners {
            true => Resize::TrilinearCorners,
            false => Resize::Trilinear,
        };
        return on_cpu(input, size, how);
    }
    linear_fallback(input, size, align_corners)
}

fn on_cpu(input: Tensor<5>, size: [usize; 3], how: Resize) -> Tensor<5> {
    let [batch, c, z, y, x] = input.dims();
    let shape = ResizeShape {
        channels: batch * c,
        input: [x, y, z],
        output: size,
    };
    let operation = ResizeOperation { batch, shape, how };
    cpu::run(input, [], operation)
}

pub(super) fn linear_fallback(
    input: Tensor<5>,
    size: [usize; 3],
    align_corners: bool,
) -> Tensor<5> {
    let mut output = input;
    for (axis, length) in reversed(size).into_iter().enumerate() {
        let from = output.dims()[axis + 2];
        if from == length {
            continue;
        }
        let matrix = interpolation_matrix(from, length, align_corners);
        let matrix =
            Tensor::<2>::from_data(TensorData::new(matrix, [length, from]), &output.device());
        let mut dims = output.dims();
        let before: usize = dims[..axis + 2].iter().product();
        let after: usize = dims[axis + 3..].iter().product();
        dims[axis + 2] = length;
        output = matrix
            .unsqueeze::<3>()
            .matmul(output.reshape([before, from, after]))
            .reshape(dims);
    }
    output
}

/// `[to, from]` weights of linear interpolation along one axis.
fn interpolation_matrix(from: usize, to: usize, align_corners: bool) -> Vec<f32> {
    let mut matrix = vec![0.0; to * from];
    for (i, row) in matrix.chunks_exact_mut(from).enumerate() {
        let position = if align_corners {
            i as f64 * (from - 1) as f64 / (to.max(2) - 1) as f64
        } else {
            ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0)
        };
        let low = (position as usize).min(from - 1);
        let high = (low + 1).min(from - 1);
        let fraction = (position - low as f64) as f32;
        row[low] += 1.0 - fraction;
        row[high] += fraction;
    }
    matrix
}
