//! Layers with weights, as sketches go through them.

use super::shape_tensor::ShapeTensor;
use vesalius_tensor::{
    ActivationConfig, Conv3dConfig, ConvNormActConfig, ConvTranspose3dConfig, NormConfig,
};

impl ShapeTensor {
    pub fn conv(self, conv: &Conv3dConfig) -> Self {
        let size = std::array::from_fn(|a| {
            let reach = conv.dilation[a] * (conv.kernel[a] - 1) + 1;
            (self.size[a] + 2 * conv.padding[a] - reach) / conv.stride[a] + 1
        });
        let taps = conv.in_channels / conv.groups * conv.kernel.iter().product::<usize>();
        let bias = if conv.bias { conv.out_channels } else { 0 };
        let weights = (conv.out_channels * taps + bias) as u64;
        let wider = std::array::from_fn(|a| (conv.dilation[a] * (conv.kernel[a] - 1)) as f64);
        let mut output = self
            .next(conv.out_channels, size, true, weights)
            .seeing(wider);
        for axis in 0..3 {
            output.reach.jump[axis] *= conv.stride[axis] as f64;
        }
        let count = output.voxels() * (conv.out_channels * taps) as u64;
        self.tracker().work(packed(conv));
        output.with_multiplications(count)
    }

    pub fn conv_transposed(self, conv: &ConvTranspose3dConfig) -> Self {
        let size = std::array::from_fn(|a| {
            (self.size[a] - 1) * conv.stride[a]
                + conv.dilation[a] * (conv.kernel[a] - 1)
                + conv.output_padding[a]
                + 1
                - 2 * conv.padding[a]
        });
        let taps = conv.out_channels / conv.groups * conv.kernel.iter().product::<usize>();
        let bias = if conv.bias { conv.out_channels } else { 0 };
        let weights = (conv.in_channels * taps + bias) as u64;
        let wider = std::array::from_fn(|a| (conv.kernel[a].div_ceil(conv.stride[a]) - 1) as f64);
        let mut output = self
            .next(conv.out_channels, size, true, weights)
            .seeing(wider);
        for axis in 0..3 {
            output.reach.jump[axis] /= conv.stride[axis] as f64;
        }
        let count = self.voxels() * (conv.in_channels * taps) as u64;
        self.tracker().work(4 * (conv.in_channels * taps) as u64);
        output.with_multiplications(count)
    }

    /// A convolution and what follows it, in one where the CPU's inference does so.
    pub fn block(self, conv: &Conv3dConfig, follow: &ConvNormActConfig) -> Self {
        let norm = matches!(follow.norm, None | Some(NormConfig::Instance(_)));
        let fused = !self.training() && norm && follow.activation.is_none_or(simple);
        self.conv(conv).followed(follow, fused)
    }

    /// The same around a transposed convolution.
    pub fn block_transposed(
        self,
        conv: &ConvTranspose3dConfig,
        follow: &ConvNormActConfig,
    ) -> Self {
        let fused =
            !self.training() && follow.norm.is_none() && follow.activation.is_none_or(simple);
        self.conv_transposed(conv).followed(follow, fused)
    }

    fn followed(self, follow: &ConvNormActConfig, fused: bool) -> Self {
        let slope = matches!(follow.activation, Some(ActivationConfig::Prelu { .. }));
        let mut weights = u64::from(slope);
        let mut passes = usize::from(follow.activation.is_some());
        if let Some(norm) = &follow.norm {
            weights += norm_weights(norm, self.channels);
            let joined =
                !matches!(norm, NormConfig::Batch(_)) && follow.activation.is_none_or(simple);
            passes = if joined { 1 } else { passes + 1 };
        }
        if fused || passes == 0 {
            return self.with_parameters(weights as usize);
        }
        let output = self.pointwise(weights);
        (1..passes).fold(output, |x, _| x.pointwise(0))
    }

    /// A norm and then an activation, if any.
    pub fn norm(self, norm: &NormConfig, activation: Option<ActivationConfig>) -> Self {
        let follow = ConvNormActConfig {
            norm: Some(*norm),
            activation,
            ..ConvNormActConfig::default()
        };
        self.followed(&follow, false)
    }

    /// A linear layer on the channels of every voxel.
    pub fn linear(self, to: usize, bias: bool) -> Self {
        let from = self.channels;
        let weights = (from * to + if bias { to } else { 0 }) as u64;
        let output = self.next(to, self.size, true, weights);
        let count = output.voxels() * (from * to) as u64;
        output.with_multiplications(count)
    }

    /// Attention, given queries, keys and values side by side, which are kept; `products` multiplications.
    pub fn attended(self, width: usize, products: u64) -> Self {
        let output = self.next(width, self.size, true, 0);
        output.with_multiplications(2 * products)
    }

    /// The same with a bias, which is kept too.
    pub fn attended_with(self, bias: ShapeTensor, width: usize, products: u64) -> Self {
        let output = self.joined_with(bias, width);
        output.with_multiplications(2 * products)
    }
}

/// Bytes of a convolution's weights as the CPU's kernels read them: as they are, or transformed, with two
/// components along x and y for every tap but one.
fn packed(conv: &Conv3dConfig) -> u64 {
    let [x, y, z] = conv.kernel;
    let channels = conv.in_channels.min(conv.out_channels) / conv.groups;
    let small = matches!((x, y), (3, 3) | (5, 5)) && conv.stride == [1; 3];
    let plane = match small && conv.dilation[..2] == [1; 2] && channels >= 8 {
        true => (x + 1) * (y + 1),
        false => x * y,
    };
    4 * (conv.out_channels * conv.in_channels / conv.groups * plane * z) as u64
}

/// Whether the CPU's kernels join the activation with what comes before it.
fn simple(activation: ActivationConfig) -> bool {
    !matches!(
        activation,
        ActivationConfig::Gelu | ActivationConfig::Elu { .. }
    )
}

/// Trainable numbers of a norm.
pub(super) fn norm_weights(norm: &NormConfig, channels: usize) -> u64 {
    let affine = match norm {
        NormConfig::Instance(config) => config.affine,
        NormConfig::Batch(config) => config.affine,
        NormConfig::Group(config) => config.affine,
    };
    if affine { 2 * channels as u64 } else { 0 }
}
