//! MONAI's `SwinUNETR`: attention within windows that shift from layer to layer, and a convolutional
//! decoder.

mod block;
mod network;
mod windows;

pub use network::SwinUnetr;

use crate::monai::parts::{bad, check_common, each_axis};
use crate::{Architecture, Result, standard_channels};
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::{PerAxis, reversed};
use vesalius_tensor::{ActivationConfig, Device, DropoutConfig, NormConfig, Scope};

/// In which order neighbouring tokens are joined at the end of a stage; weights depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Merging {
    /// As MONAI 0.9 did.
    Merging,
    /// The last axis fastest; the same in 2-D.
    MergingV2,
}

/// Configuration of a [`SwinUnetr`]; names and defaults are those of MONAI 1.6, vectors are
/// `[x, y, z]`. Patches have 2 voxels along each axis: the decoder fits no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SwinUnetrConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Layers of each stage.
    pub depths: [usize; 4],
    /// Heads of each stage; they divide its channels, `feature_size` times 1, 2, 4 and 8.
    pub num_heads: [usize; 4],
    /// Tokens of a window.
    pub window_size: PerAxis,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Width of the perceptron after each attention, as a multiple of the channels.
    pub mlp_ratio: f64,
    /// Channels of the first stage, a multiple of 12.
    pub feature_size: usize,
    /// The norm after each convolution.
    pub norm: NormConfig,
    /// The share of numbers that dropout sets to zero.
    pub drop_rate: f64,
    /// The same of the attention.
    pub attn_drop_rate: f64,
    /// The share of samples that skip the last layer; those before it are skipped less.
    pub dropout_path_rate: f64,
    /// Whether each stage's output is normalised over its channels.
    pub normalize: bool,
    /// Whether the embedded patches are.
    pub patch_norm: bool,
    /// The order in which tokens are joined.
    pub downsample: Merging,
    /// Whether each stage starts with two convolutions (SwinUNETR-V2, He et al. 2023).
    pub use_v2: bool,
}

impl Default for SwinUnetrConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 2,
            depths: [2; 4],
            num_heads: [3, 6, 12, 24],
            window_size: PerAxis::Same(7),
            qkv_bias: true,
            mlp_ratio: 4.0,
            feature_size: 24,
            norm: NormConfig::default(),
            drop_rate: 0.0,
            attn_drop_rate: 0.0,
            dropout_path_rate: 0.0,
            normalize: true,
            patch_norm: false,
            downsample: Merging::Merging,
            use_v2: false,
        }
    }
}

impl Architecture for SwinUnetrConfig {
    fn name(&self) -> &'static str {
        "swin_unetr"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let channels = [self.in_channels, self.out_channels, self.feature_size];
        let relu = ActivationConfig::Relu;
        check_common(name, self.spatial_dims, &channels, relu, self.drop_rate)?;
        for share in [self.attn_drop_rate, self.dropout_path_rate] {
            DropoutConfig::elements(share).check()?;
        }
        if !self.feature_size.is_multiple_of(12) {
            return bad(
                name,
                format!(
                    "`feature_size` must be a multiple of 12, not {}",
                    self.feature_size
                ),
            );
        }
        for stage in 0..4 {
            let (heads, channels) = (self.num_heads[stage], self.feature_size << stage);
            if heads == 0 || !channels.is_multiple_of(heads) {
                return bad(
                    name,
                    format!("`num_heads` {heads} must divide the {channels} channels of its stage"),
                );
            }
        }
        if self.depths.contains(&0) {
            return bad(name, "`depths` must be at least 1 each");
        }
        let window = self.window_size.resolve(self.spatial_dims);
        if window.is_none_or(|w| w.contains(&0)) {
            return bad(
                name,
                format!(
                    "`window_size` must be at least 1 along {} axes, not {}",
                    self.spatial_dims, self.window_size
                ),
            );
        }
        if !self.mlp_ratio.is_finite() || self.mlp_width(0) == 0 {
            return bad(
                name,
                format!("`mlp_ratio` {} leaves no width", self.mlp_ratio),
            );
        }
        for level in 0..5 {
            self.norm.check(self.feature_size << level)?;
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        each_axis(32, self.spatial_dims)
    }

    fn is_alias(&self, name: &str) -> bool {
        // Derived from the window's size.
        name.ends_with(".relative_position_index")
    }

    fn derived(&self) -> Vec<(String, Vec<usize>, Vec<f32>)> {
        let Some(window) = self.window_size.resolve(self.spatial_dims) else {
            return Vec::new();
        };
        let places: usize = window.iter().product();
        let index: Vec<f32> = windows::distances(reversed(window), places)
            .into_iter()
            .map(|row| row as f32)
            .collect();
        let stages = self.depths.iter().enumerate();
        let blocks = stages.flat_map(|(stage, &depth)| (0..depth).map(move |b| (stage + 1, b)));
        blocks
            .map(|(stage, block)| {
                let name =
                    format!("swinViT.layers{stage}.0.blocks.{block}.attn.relative_position_index");
                (name, vec![places; 2], index.clone())
            })
            .collect()
    }
}

impl SwinUnetrConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<SwinUnetr> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    /// Width of the perceptrons of a stage.
    pub(crate) fn mlp_width(&self, stage: usize) -> usize {
        ((self.feature_size << stage) as f64 * self.mlp_ratio) as usize
    }
}
