//! 3-D convolution.

use crate::ops::{ConvolutionOptions, convolution};
use crate::probe::Place;
use crate::{Error, Fill, Result, Scope, Tensor, axes::reversed};
use burn::module::{Module, Param};

/// Configuration of a [`Conv3d`]; every array is `[x, y, z]`.
///
/// ```
/// use vesalius_tensor::{Conv3dConfig, Device, Tensor};
///
/// let device = Device::flex();
/// let halving = Conv3dConfig { stride: [2, 2, 1], ..Conv3dConfig::same(1, 4, [3, 3, 1]) };
/// let conv = halving.check()?.init(&device);
/// // Thick slices along z are kept: [N, C, Z, Y, X].
/// assert_eq!(conv.forward(Tensor::ones([1, 1, 5, 8, 8], &device)).dims(), [1, 4, 5, 4, 4]);
/// # Ok::<(), vesalius_tensor::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conv3dConfig {
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Size of the kernel.
    pub kernel: [usize; 3],
    /// Steps of the kernel.
    pub stride: [usize; 3],
    /// Zeros around the input; half the dilated kernel keeps the size.
    pub padding: [usize; 3],
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

impl Default for Conv3dConfig {
    fn default() -> Self {
        Self {
            in_channels: 1,
            out_channels: 1,
            kernel: [3; 3],
            stride: [1; 3],
            padding: [1; 3],
            dilation: [1; 3],
            groups: 1,
            bias: true,
            weight_fill: None,
            bias_fill: None,
        }
    }
}

impl Conv3dConfig {
    /// A convolution that keeps the size where its stride is 1: padding `(kernel - 1) / 2`.
    pub fn same(in_channels: usize, out_channels: usize, kernel: [usize; 3]) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel,
            padding: kernel.map(|k| k.saturating_sub(1) / 2),
            ..Self::default()
        }
    }

    /// The config itself when it can be built.
    ///
    /// # Errors
    /// [`Error::BadLayer`] for a zero, or groups that do not divide the channels.
    pub fn check(self) -> Result<Self> {
        let bad = |problem: String| {
            Err(Error::BadLayer {
                layer: "Conv3d",
                problem,
            })
        };
        let numbers = [self.kernel, self.stride, self.dilation];
        if self.in_channels == 0 || self.out_channels == 0 || numbers.as_flattened().contains(&0) {
            return bad("channels, kernel, stride and dilation must be at least 1 each".to_owned());
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
    pub fn init(&self, scope: impl Into<Scope>) -> Conv3d {
        let scope = scope.into();
        let [kz, ky, kx] = reversed(self.kernel);
        let inputs = self.in_channels / self.groups;
        let fan_in = inputs * kz * ky * kx;
        let default = Fill::pytorch(fan_in);
        Conv3d {
            weight: scope.parameter(
                "weight",
                [self.out_channels, inputs, kz, ky, kx],
                self.weight_fill.unwrap_or(default),
            ),
            bias: self.bias.then(|| {
                let fill = self.bias_fill.unwrap_or(default);
                scope.parameter("bias", [self.out_channels], fill)
            }),
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
            groups: self.groups,
            place: scope.place(),
        }
    }
}

/// A 3-D convolution; with a kernel of 1 along Z, a 2-D one.
#[derive(Module, Debug)]
pub struct Conv3d {
    /// `[out, in / groups, kz, ky, kx]`.
    pub weight: Param<Tensor<5>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    stride: [usize; 3],
    padding: [usize; 3],
    dilation: [usize; 3],
    groups: usize,
    #[module(skip)]
    place: Place,
}

impl Conv3d {
    /// # Shapes
    /// - input `[N, in, Z, Y, X]`
    /// - output `[N, out, Z', Y', X']` with `Z' = (Z + 2 · padding - dilation · (kernel - 1) - 1) / stride + 1`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let weight = self.weight.val();
        let taps: usize = weight.dims().iter().skip(1).product();
        let bias = self.bias.as_ref().map(Param::val);
        let output = convolution(input, weight, bias, self.options());
        self.place.counted(output, |shape| {
            (shape.iter().product::<usize>() * taps) as u64
        })
    }

    /// Whether this thread's pass is examined layer by layer.
    pub(crate) fn is_examined(&self) -> bool {
        self.place.is_examined()
    }

    pub(crate) fn options(&self) -> ConvolutionOptions {
        ConvolutionOptions {
            stride: self.stride,
            padding: self.padding,
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
    fn axes_are_x_y_z_in_the_config() {
        let config = Conv3dConfig {
            in_channels: 2,
            out_channels: 4,
            stride: [2, 1, 1],
            bias: false,
            ..Conv3dConfig::same(2, 4, [5, 3, 1])
        };
        let conv = config.check().unwrap().init(&Device::flex());
        assert_eq!(conv.weight.dims(), [4, 2, 1, 3, 5]);
        let output = conv.forward(Tensor::ones([1, 2, 3, 4, 6], &Device::flex()));
        assert_eq!(output.dims(), [1, 4, 3, 4, 3]);
    }

    #[test]
    fn groups_must_divide_channels() {
        let config = Conv3dConfig {
            in_channels: 4,
            out_channels: 6,
            groups: 4,
            ..Conv3dConfig::default()
        };
        let message = config.check().unwrap_err().to_string();
        assert!(message.contains("4 groups"), "{message}");
    }
}
