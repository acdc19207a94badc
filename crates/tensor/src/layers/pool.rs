//! Pooling layers without parameters.

use crate::Tensor;
use crate::ops::{average_pool, max_pool};
use burn::module::Module;

/// The largest value of every box; every array is `[x, y, z]`.
///
/// ```
/// use vesalius_tensor::{Device, MaxPool3d, Tensor};
///
/// let input = Tensor::<5>::from_data([[[[[1.0, 5.0, 2.0, 0.0]]]]], &Device::flex());
/// let output = MaxPool3d::new([2, 1, 1]).forward(input);
/// assert_eq!(output.into_data().to_vec::<f32>()?, [5.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct MaxPool3d {
    /// Size of the box.
    pub kernel: [usize; 3],
    /// Steps of the box.
    pub stride: [usize; 3],
    /// Padding with minus infinity.
    pub padding: [usize; 3],
}

impl MaxPool3d {
    /// Boxes side by side: stride = kernel, no padding.
    pub fn new(kernel: [usize; 3]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [0; 3],
        }
    }

    /// `[N, C, Z, Y, X]` to `[N, C, Z', Y', X']` with `Z' = (Z + 2 · padding - kernel) / stride + 1`.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        max_pool(input, self.kernel, self.stride, self.padding)
    }
}

/// The mean of every box; every array is `[x, y, z]`.
#[derive(Module, Debug)]
pub struct AvgPool3d {
    /// Size of the box.
    pub kernel: [usize; 3],
    /// Steps of the box.
    pub stride: [usize; 3],
    /// Padding with zeros, which count.
    pub padding: [usize; 3],
}

impl AvgPool3d {
    /// Boxes side by side: stride = kernel, no padding.
    pub fn new(kernel: [usize; 3]) -> Self {
        Self {
            kernel,
            stride: kernel,
            padding: [0; 3],
        }
    }

    /// `[N, C, Z, Y, X]` to `[N, C, Z', Y', X']` with `Z' = (Z + 2 · padding - kernel) / stride + 1`.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        average_pool(input, self.kernel, self.stride, self.padding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, tensor_from_values, values_of};

    #[test]
    fn boxes_are_three_dimensional() {
        let values: Vec<f32> = (0..4 * 2 * 4).map(|v| v as f32).collect();
        let input = tensor_from_values(values, 1, 1, [4, 2, 4], &Device::flex()).unwrap();
        let largest = MaxPool3d::new([2, 2, 2]).forward(input.clone());
        assert_eq!(values_of(largest).unwrap(), [13.0, 15.0, 29.0, 31.0]);
        let mean = AvgPool3d::new([4, 2, 2]).forward(input);
        assert_eq!(values_of(mean).unwrap(), [7.5, 23.5]);
    }
}
