//! Enlarging without parameters.

use crate::Tensor;
use crate::ops::{resize_linear, resize_nearest};
use burn::module::Module;
use serde::{Deserialize, Serialize};

/// How values between voxels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResizeMode {
    /// The nearest voxel's.
    Nearest,
    /// Trilinear, with the outer edges of the two grids aligned (PyTorch's `align_corners=False`).
    #[default]
    Linear,
    /// Trilinear, with the centres of the corner voxels aligned (PyTorch's `align_corners=True`).
    LinearAligned,
}

/// Enlarges by a whole factor `[x, y, z]`.
#[derive(Module, Debug)]
pub struct Upsample {
    /// The factor along `[x, y, z]`.
    pub factor: [usize; 3],
    /// How values between voxels are found.
    #[module(skip)]
    pub interpolation: ResizeMode,
}

impl Upsample {
    /// `[N, C, Z, Y, X]` to `[N, C, Z · fz, Y · fy, X · fx]`.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let [_, _, z, y, x] = input.dims();
        let [fx, fy, fz] = self.factor;
        resize(input, [x * fx, y * fy, z * fz], self.interpolation)
    }
}

/// `[N, C, Z, Y, X]` resized to `size` `[x, y, z]`.
///
/// ```
/// use vesalius_tensor::{Device, ResizeMode, Tensor, resize};
///
/// let input = Tensor::<5>::ones([1, 2, 2, 3, 4], &Device::flex());
/// // The size is [x, y, z], the tensor [N, C, Z, Y, X].
/// let output = resize(input, [8, 6, 2], ResizeMode::Nearest);
/// assert_eq!(output.dims(), [1, 2, 2, 6, 8]);
/// ```
pub fn resize(input: Tensor<5>, size: [usize; 3], interpolation: ResizeMode) -> Tensor<5> {
    match interpolation {
        ResizeMode::Nearest => resize_nearest(input, size),
        ResizeMode::Linear => resize_linear(input, size, false),
        ResizeMode::LinearAligned => resize_linear(input, size, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, tensor_from_values, values_of};

    #[test]
    fn a_row_is_doubled_as_pytorch_does_it() {
        let row = || tensor_from_values(vec![0.0, 3.0], 1, 1, [2, 1, 1], &Device::flex()).unwrap();
        let doubled = |interpolation| {
            let upsample = Upsample {
                factor: [2, 1, 1],
                interpolation,
            };
            values_of(upsample.forward(row())).unwrap()
        };
        assert_eq!(doubled(ResizeMode::Nearest), [0.0, 0.0, 3.0, 3.0]);
        assert_eq!(doubled(ResizeMode::Linear), [0.0, 0.75, 2.25, 3.0]);
        assert_eq!(doubled(ResizeMode::LinearAligned), [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn axes_do_not_get_mixed_up() {
        let values = vec![1.0, 2.0, 3.0, 4.0];
        let square = tensor_from_values(values, 1, 1, [1, 2, 2], &Device::flex()).unwrap();
        let tall = resize(square, [1, 2, 4], ResizeMode::Nearest);
        assert_eq!(
            values_of(tall).unwrap(),
            [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]
        );
    }
}
