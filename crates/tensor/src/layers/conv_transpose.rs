//! Transposed 3-D convolution.

use crate::ops::{TransposedOptions, transposed_convolution};
use crate::probe::Place;
use crate::{Error, Fill, Result, Scope, Tensor, axes::reversed};
use burn::module::{Module, Param};

/// Configuration of a [`ConvTranspose3d`]; every array is `[x, y, z]`.
///
/// ```
/// use vesalius_tensor::{ConvTranspose3dConfig, Device, Tensor};
///
/// let device = Device::flex();
/// let doubling = ConvTranspose3dConfig::tiled(4, 2, [2, 2, 2]).check()?.init(&device);
/// assert_eq!(doubling.forward(Tensor::ones([1, 4, 3, 3, 3], &device)).dims(), [1, 2, 6, 6, 6]);
/// # Ok::<(), vesalius_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvTranspose3dConfig {
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Size of the kernel.
    pub kernel: [usize; 3],
    /// Steps between the tiles that input voxels become.
    pub stride: [usize; 3],
    /// Voxels cut from both ends of the output.
    pub padding: [usize; 3],
    /// Voxels added to the far end of the output.
    pub output_padding: [usize; 3],
    /// Distance between the kernel's elements.
    pub dilation: [usize; 3],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Whether a number is added to each output channel.
    pub bias: bool,
    /// First values of the weight; `None` is PyTorch's default.
    pub weight_fill: Option<Fill>,
    /// First values of the bias; `None` is PyTorch's default.
    pub bias_fill: Option<Fill>,
}

impl Default for ConvTranspose3dConfig {
    fn default() -> Self {
        Self {
            in_channels: 1,
            out_channels: 1,
            kernel: [2; 3],
            stride: [2; 3],
            padding: [0; 3],
            output_padding: [0; 3],
            dilation: [1; 3],
            groups: 1,
            bias: true,
            weight_fill: None,
            bias_fill: None,
        }
    }
}

impl ConvTranspose3dConfig {
    /// Every voxel becomes a tile of `stride` voxels: kernel = stride, as nnU-Net does it.
    pub fn tiled(in_channels: usize, out_channels: usize, stride: [usize; 3]) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel: stride,
            stride,
            ..Self::default()
        }
    }

    /// The size times `stride` with an odd kernel: padding `(kernel - 1) / 2` and output padding
    /// `stride - 1`, as MONAI does it.
    pub fn same(
        in_channels: usize,
        out_channels: usize,
        kernel: [usize; 3],
        stride: [usize; 3],
    ) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel,
            stride,
            padding: kernel.map(|k| k.saturating_sub(1) / 2),
            output_padding: stride.map(|s| s.saturating_sub(1)),
            ..Self::default()
        }
    }

    /// The config itself when it can be built.
    ///
    /// # Errors
    /// [`Error::BadLayer`] for a zero, an output padding that is not below stride or dilation, or
    /// groups that do not divide the channels.
    pub fn check(self) -> Result<Self> {
        let bad = |problem: String| {
            Err(Error::BadLayer {
                layer: "ConvTranspose3d",
                problem,
            })
        };
        let numbers = [self.kernel, self.stride, self.dilation];
        if self.in_channels == 0 || self.out_channels == 0 || numbers.as_flattened().contains(&0) {
            return bad("channels, kernel, stride and dilation must be at least 1 each".to_owned());
        }
        if (0..3).any(|a| self.output_padding[a] >= self.stride[a].max(self.dilation[a])) {
            return bad(format!(
                "output padding {:?} must be below the stride {:?} or the dilation {:?}",
                self.output_padding, self.stride, self.dilation
            ));
        }
        let groups = self.groups;
        if groups == 0
            || !self.in_channels.is_multiple_of(groups)
            || !self.out_channels.is_multiple_of(groups)
        {
            return bad(format!(
                "{groups} groups do not divide {} channels in and {} out",
                self.in_channels, self.out_channels
            ));
        }
        Ok(self)
    }

    /// The layer, with keyed first weights.
    pub fn init(&self, scope: impl Into<Scope>) -> ConvTranspose3d {
        let scope = scope.into();
        let [kz, ky, kx] = reversed(self.kernel);
        let outputs = self.out_channels / self.groups;
        // PyTorch takes the second axis of a weight as its inputs, whatever the layer.
        let default = Fill::pytorch(outputs * kz * ky * kx);
        ConvTranspose3d {
            weight: scope.parameter(
                "weight",
                [self.in_channels, outputs, kz, ky, kx],
                self.weight_fill.unwrap_or(default),
            ),
            bias: self.bias.then(|| {
                let fill = self.bias_fill.unwrap_or(default);
                scope.parameter("bias", [self.out_channels], fill)
            }),
            stride: self.stride,
            padding: self.padding,
            output_padding: self.output_padding,
            dilation: self.dilation,
            groups: self.groups,
            place: scope.place(),
        }
    }
}

/// A transposed 3-D convolution, which enlarges.
#[derive(Module, Debug)]
pub struct ConvTranspose3d {
    /// `[in, out / groups, kz, ky, kx]`.
    pub weight: Param<Tensor<5>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    stride: [usize; 3],
    padding: [usize; 3],
    output_padding: [usize; 3],
    dilation: [usize; 3],
    groups: usize,
    #[module(skip)]
    place: Place,
}

impl ConvTranspose3d {
    /// # Shapes
    /// - input `[N, in, Z, Y, X]`
    /// - output `[N, out, Z', Y', X']` with
    ///   `Z' = (Z - 1) · stride - 2 · padding + dilation · (kernel - 1) + output padding + 1`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let weight = self.weight.val();
        let taps: usize = weight.dims().iter().skip(1).product();
        let count = input.dims().iter().product::<usize>() * taps;
        let bias = self.bias.as_ref().map(Param::val);
        let output = transposed_convolution(input, weight, bias, self.options());
        self.place.counted(output, |_| count as u64)
    }

    /// Whether this thread's pass is examined layer by layer.
    pub(crate) fn is_examined(&self) -> bool {
        self.place.is_examined()
    }

    pub(crate) fn options(&self) -> TransposedOptions {
        TransposedOptions {
            stride: self.stride,
            padding: self.padding,
            output_padding: self.output_padding,
            dilation: self.dilation,
            groups: self.groups,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Device;

    #[test]
    fn both_ways_of_doubling_double() {
        let device = Device::flex();
        let input = Tensor::ones([1, 2, 3, 4, 5], &device);
        let tiled = ConvTranspose3dConfig::tiled(2, 3, [2, 2, 1]);
        let same = ConvTranspose3dConfig::same(2, 3, [3, 3, 1], [2, 2, 1]);
        for config in [tiled, same] {
            let layer = config.check().unwrap().init(&device);
            assert_eq!(layer.forward(input.clone()).dims(), [1, 3, 3, 8, 10]);
        }
    }

    #[test]
    fn tiles_agree_with_the_general_form() {
        let device = Device::flex();
        let config = ConvTranspose3dConfig::tiled(3, 2, [2, 1, 3]);
        let layer = config.init(Scope::new(&device, 5));
        let input = Scope::new(&device, 6).parameter("x", [2, 3, 2, 3, 4], Fill::Normal(1.0));
        let options =
            burn::tensor::ops::ConvTransposeOptions::new([3, 1, 2], [0; 3], [0; 3], [1; 3], 1);
        let expected = burn::tensor::module::conv_transpose3d(
            input.val(),
            layer.weight.val(),
            layer.bias.as_ref().map(Param::val),
            options,
        );
        let difference: f32 = (layer.forward(input.val()) - expected)
            .abs()
            .max()
            .into_scalar();
        assert!(difference < 1e-6, "{difference}");
    }
}
