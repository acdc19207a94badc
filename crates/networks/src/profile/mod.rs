//! The cost of a network on a patch, computed from its config: nothing is run and nothing allocated, except for a
//! user-defined network.
//!
//! A network's forward pass is repeated with [`ShapeTensor`]s, tensors of a size without values; the bytes that are
//! alive at one time are counted as they are made and dropped.

mod custom;
mod dints;
mod layers;
mod memory_tracker;
mod monai;
mod nnunet;
mod shape_tensor;
mod transformers;

use crate::{NetworkConfig, Result};
use serde::Serialize;
use shape_tensor::ShapeTensor;

/// What a process holds besides tensors: its code, its threads' stacks, the kernels' working memory.
const BESIDE: u64 = 25 << 20;

/// What a network costs on one batch of patches, in 32-bit floats on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Trainable numbers.
    pub parameters: u64,
    /// Floating-point operations of a forward pass: two for each multiplication of a convolution or a
    /// product of matrices; norms, activations and sums do not count, as in PyTorch's `flop_counter`.
    pub flops: u64,
    /// Bytes of the tensors that are alive at once during inference, the weights not counted.
    pub inference_activations: u64,
    /// Bytes that a process holds at the peak of inference: weights, activations, and 25 MiB for the rest.
    pub inference_memory: u64,
    /// The same at the peak of a training step: weights, gradients, AdamW's moments, and what the backward
    /// pass needs.
    pub training_memory: u64,
    /// The most input voxels that an output voxel depends on, `[x, y, z]`, through convolutions and windows; `None`
    /// where attention makes it the whole patch. Statistics of norms, which depend on all voxels, are not counted.
    pub receptive_field: Option<[u64; 3]>,
}

impl NetworkConfig {
    /// What the network costs on a batch of patches of size `[x, y, z]`.
    ///
    /// ```
    /// use vesalius_networks::NetworkConfig;
    ///
    /// let config: NetworkConfig = serde_saphyr::from_str("unet: {channels: [8, 16], strides: [2]}")?;
    /// let cost = config.profile([32, 32, 32], 1)?;
    /// let twice = config.profile([32, 32, 32], 2)?;
    /// assert_eq!((twice.parameters, twice.flops), (cost.parameters, 2 * cost.flops));
    /// assert!(cost.training_memory > cost.inference_memory);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`NetworkConfig::check`] and [`NetworkConfig::check_input`]; what the forward pass of a network of the user's
    /// own gives.
    pub fn profile(&self, patch: [usize; 3], batch: usize) -> Result<Profile> {
        self.validate()?;
        self.check_input(self.architecture().in_channels(), patch)?;
        if let Self::Custom(network) = self {
            return custom::profile(network, self, patch, batch);
        }
        let run = |training| {
            let input =
                ShapeTensor::input(self.architecture().in_channels(), patch, batch, training);
            let tracker = input.tracker();
            let reach = self.trace(input)?;
            Ok::<_, crate::Error>((tracker, reach))
        };
        let (inference, reach) = run(false)?;
        let (training, _) = run(true)?;
        let weights = 4 * inference.parameters();
        Ok(Profile {
            parameters: inference.parameters(),
            flops: 2 * inference.multiplications(),
            inference_activations: inference.peak(),
            inference_memory: weights + inference.peak() + BESIDE,
            training_memory: training.training_peak() + BESIDE,
            receptive_field: reach,
        })
    }

    /// Goes through the forward pass; the receptive field of the first output.
    fn trace(&self, input: ShapeTensor) -> Result<Option<[u64; 3]>> {
        let outputs = match self {
            Self::UNet(config) => vec![monai::unet(config, input)],
            Self::BasicUNet(config) => vec![monai::basic_unet(config, input)],
            Self::DiNTS(config) => vec![dints::dints(config, input)],
            Self::DynUNet(config) => monai::dynunet(config, input),
            Self::SegResNet(config) => vec![monai::segresnet(config, input)],
            Self::SegResNetDS(config) => monai::segresnet_ds(config, input),
            Self::AttentionUnet(config) => vec![monai::attention_unet(config, input)],
            Self::VNet(config) => vec![monai::vnet(config, input)],
            Self::MedNeXt(config) => monai::mednext(config, input),
            Self::Unetr(config) => vec![transformers::unetr(config, input)],
            Self::SwinUnetr(config) => vec![transformers::swin_unetr(config, input)],
            Self::PlainConvUNet(config) => nnunet::plain(config, input)?,
            Self::ResidualEncoderUNet(config) => nnunet::residual(config, input)?,
            Self::Custom(_) => Vec::new(),
        };
        Ok(shape_tensor::finish(outputs))
    }
}
