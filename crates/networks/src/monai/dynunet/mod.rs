//! MONAI's `DynUNet`: nnU-Net's first network with kernels and strides a level.

mod network;

pub use network::DynUNet;

use crate::monai::parts::{bad, check_common, check_no_slope};
use crate::{Architecture, Result, standard_channels};
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{ActivationConfig, Device, NormConfig, Scope};

/// Configuration of a [`DynUNet`]; names and defaults are those of MONAI 1.6, vectors are `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DynUNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Size of the kernels of each level, top first; three levels or more.
    pub kernel_size: Vec<PerAxis>,
    /// Stride into each level.
    pub strides: Vec<PerAxis>,
    /// Kernel and stride of the transposed convolution above each level but the top.
    pub upsample_kernel_size: Vec<PerAxis>,
    /// Channels of each level; `None` for 32, 64, … up to 320 (3-D) or 512 (2-D).
    pub filters: Option<Vec<usize>>,
    /// The share of numbers that dropout sets to zero.
    pub dropout: f64,
    /// The norm after each convolution.
    pub norm: NormConfig,
    /// The activation after each norm.
    pub activation: ActivationConfig,
    /// Whether training returns outputs of lower levels too.
    pub deep_supervision: bool,
    /// How many of them.
    pub deep_supr_num: usize,
    /// Whether the encoder has residual blocks.
    pub res_block: bool,
    /// Whether transposed convolutions have a bias.
    pub trans_bias: bool,
}

impl Default for DynUNetConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 2,
            kernel_size: vec![PerAxis::Same(3); 5],
            strides: [1, 2, 2, 2, 2].map(PerAxis::Same).to_vec(),
            upsample_kernel_size: vec![PerAxis::Same(2); 4],
            filters: None,
            dropout: 0.0,
            norm: NormConfig::instance_affine(),
            activation: ActivationConfig::LeakyRelu { slope: 0.01 },
            deep_supervision: false,
            deep_supr_num: 1,
            res_block: false,
            trans_bias: false,
        }
    }
}

impl Architecture for DynUNetConfig {
    fn name(&self) -> &'static str {
        "dynunet"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let filters = self.filters();
        check_common(
            name,
            self.spatial_dims,
            &filters,
            self.activation,
            self.dropout,
        )?;
        check_no_slope(name, self.activation)?;
        let levels = self.strides.len();
        if self.in_channels == 0 || self.out_channels == 0 {
            return bad(name, "`in_channels` and `out_channels` must be at least 1");
        }
        if levels < 3
            || self.kernel_size.len() != levels
            || self.upsample_kernel_size.len() + 1 != levels
        {
            return bad(
                name,
                format!(
                    "`strides` needs three levels or more, `kernel_size` as many and `upsample_kernel_size` one fewer, not {levels}, {} and {}",
                    self.kernel_size.len(),
                    self.upsample_kernel_size.len()
                ),
            );
        }
        if filters.len() < levels {
            return bad(
                name,
                format!("`filters` needs {levels} numbers, not {}", filters.len()),
            );
        }
        let lists = [&self.kernel_size, &self.strides, &self.upsample_kernel_size];
        for sizes in lists.into_iter().flatten() {
            if sizes
                .resolve(self.spatial_dims)
                .is_none_or(|s| s.contains(&0))
            {
                return bad(
                    name,
                    format!(
                        "kernels and strides must be at least 1 along {} axes, not {sizes}",
                        self.spatial_dims
                    ),
                );
            }
        }
        for level in 0..levels {
            let (kernel, stride) = (
                self.at(&self.kernel_size, level),
                self.at(&self.strides, level),
            );
            if (0..3).any(|a| kernel[a] + 1 < stride[a]) {
                return bad(
                    name,
                    format!("kernel {kernel:?} is too small for stride {stride:?}"),
                );
            }
        }
        if self.deep_supervision && !(1..levels - 1).contains(&self.deep_supr_num) {
            return bad(
                name,
                format!("`deep_supr_num` must lie between 1 and {}", levels - 2),
            );
        }
        for &channels in &filters[..levels] {
            self.norm.check(channels)?;
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        (0..self.strides.len()).fold([1; 3], |product, level| {
            let stride = self.at(&self.strides, level);
            std::array::from_fn(|axis| product[axis] * stride[axis])
        })
    }

    fn heads(&self) -> usize {
        if self.deep_supervision {
            1 + self.deep_supr_num
        } else {
            1
        }
    }

    fn is_alias(&self, name: &str) -> bool {
        name.starts_with("skip_layers.")
    }

    fn aliases(&self, name: &str) -> Vec<String> {
        // MONAI's state dict has every block a second time, nested one level in another.
        let nested = |level: usize, part: &str, rest: &str| {
            let place = ".next_layer".repeat(level);
            vec![format!("skip_layers{place}{part}.{rest}")]
        };
        let numbered = |rest: &str| -> Option<(usize, String)> {
            let (number, rest) = rest.split_once('.')?;
            Some((number.parse().ok()?, rest.to_owned()))
        };
        let levels = self.strides.len() - 1;
        if let Some(rest) = name.strip_prefix("input_block.") {
            nested(0, ".downsample", rest)
        } else if let Some(rest) = name.strip_prefix("bottleneck.") {
            nested(levels, "", rest)
        } else if let Some((i, rest)) = name.strip_prefix("downsamples.").and_then(numbered) {
            nested(i + 1, ".downsample", &rest)
        } else if let Some((j, rest)) = name.strip_prefix("upsamples.").and_then(numbered) {
            nested(levels - 1 - j, ".upsample", &rest)
        } else if let Some((i, rest)) = name
            .strip_prefix("deep_supervision_heads.")
            .and_then(numbered)
        {
            nested(i + 1, ".super_head", &rest)
        } else {
            Vec::new()
        }
    }
}

impl DynUNetConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<DynUNet> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    pub(crate) fn filters(&self) -> Vec<usize> {
        let most = if self.spatial_dims == 3 { 320 } else { 512 };
        self.filters.clone().unwrap_or_else(|| {
            let levels = 0..self.strides.len();
            levels.map(|i| (32usize << i.min(30)).min(most)).collect()
        })
    }

    /// `check` passed before, so that every vector resolves.
    pub(crate) fn at(&self, sizes: &[PerAxis], level: usize) -> [usize; 3] {
        sizes[level].resolve(self.spatial_dims).unwrap_or([1; 3])
    }
}
