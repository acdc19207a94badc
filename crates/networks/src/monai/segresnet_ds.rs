//! MONAI's `SegResNetDS`, the network of Auto3DSeg: `SegResNet` with heads at several levels and
//! strides that follow the voxels' shape.

use super::parts::{
    Enlarge, PreActivated, UpsampleMode, bad, check_common, check_no_slope, each_axis,
};
use crate::{Architecture, Result, standard_channels};
use burn::module::Module;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{
    ActivationConfig, BatchNormConfig, Conv3d, Conv3dConfig, Device, NormConfig, Scope, Tensor,
};
use vesalius_volume::limits;

/// Configuration of a [`SegResNetDS`]; names and defaults are those of MONAI 1.6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SegResNetDSConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the top level; each level below has twice those of the one above.
    pub init_filters: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// The activation after each norm.
    pub activation: ActivationConfig,
    /// The norm before each convolution; MONAI gives every norm a scale and a shift here.
    pub norm: NormConfig,
    /// Residual blocks of each level of the encoder, top first.
    pub blocks_down: Vec<usize>,
    /// Residual blocks of each level of the decoder, lowest resolution first; `None` for 1 each.
    pub blocks_up: Option<Vec<usize>>,
    /// How many levels of the decoder have a head; training returns all of them.
    pub dsdepth: usize,
    /// How the decoder enlarges.
    pub upsample_mode: UpsampleMode,
    /// Spacing `[x, y, z]` of the images in mm: axes with large voxels are halved later. `None` for
    /// all axes alike.
    pub resolution: Option<[f64; 3]>,
}

impl Default for SegResNetDSConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            init_filters: 32,
            in_channels: 1,
            out_channels: 2,
            activation: ActivationConfig::Relu,
            norm: NormConfig::Batch(BatchNormConfig::default()),
            blocks_down: vec![1, 2, 2, 4],
            blocks_up: None,
            dsdepth: 1,
            upsample_mode: UpsampleMode::Deconv,
            resolution: None,
        }
    }
}

impl Architecture for SegResNetDSConfig {
    fn name(&self) -> &'static str {
        "segresnet_ds"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let channels = [self.init_filters, self.in_channels, self.out_channels];
        check_common(name, self.spatial_dims, &channels, self.activation, 0.0)?;
        check_no_slope(name, self.activation)?;
        let levels = self.blocks_down.len();
        if !(2..=16).contains(&levels) || self.blocks_up().len() + 1 != levels {
            return bad(
                name,
                format!(
                    "`blocks_down` needs 2 to 16 levels and `blocks_up` one fewer, not {levels} and {}",
                    self.blocks_up().len()
                ),
            );
        }
        if let Some(resolution) = self.resolution
            && resolution.iter().any(|r| !r.is_finite() || *r <= 0.0)
        {
            return bad(
                name,
                format!("`resolution` must be positive, not {resolution:?}"),
            );
        }
        for level in 0..levels {
            self.norm.check(self.init_filters << level)?;
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        let scales = self.scales();
        let used = &scales[..scales.len() - 1];
        used.iter().fold([1; 3], |product, scale| {
            std::array::from_fn(|axis| product[axis] * scale[axis])
        })
    }

    fn heads(&self) -> usize {
        self.dsdepth.clamp(1, self.blocks_down.len() - 1)
    }
}

impl SegResNetDSConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<SegResNetDS> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    pub(crate) fn blocks_up(&self) -> Vec<usize> {
        let levels = self.blocks_down.len();
        self.blocks_up
            .clone()
            .unwrap_or_else(|| vec![1; levels.saturating_sub(1)])
    }

    /// The stride below each level: an axis is halved once its voxels are as large as the largest.
    pub(crate) fn scales(&self) -> Vec<[usize; 3]> {
        let axes = self.spatial_dims;
        let late = match self.resolution {
            None => [0; 3],
            Some(resolution) => {
                let largest = resolution[..axes].iter().fold(0.0f64, |a, &b| a.max(b));
                resolution.map(|r| limits::floor((largest / r).log2()) as i32)
            }
        };
        let most = late[..axes].iter().copied().max().unwrap_or(0);
        (0..self.blocks_down.len() as i32)
            .map(|level| {
                std::array::from_fn(|axis| {
                    // The finest axis is halved from the start, the others wait for it.
                    let waits = level < most && level >= late[axis];
                    if axis >= axes || waits { 1 } else { 2 }
                })
            })
            .collect()
    }

    /// 3 along the axes that are halved, 1 along the others; 3 everywhere without a resolution.
    pub(crate) fn kernel(&self, scale: [usize; 3]) -> [usize; 3] {
        match self.resolution {
            None => each_axis(3, self.spatial_dims),
            Some(_) => scale.map(|s| if s > 1 { 3 } else { 1 }),
        }
    }

    pub(crate) fn build(&self, scope: &Scope) -> SegResNetDS {
        let scales = self.scales();
        let conv = |from, to, kernel, stride| Conv3dConfig {
            stride,
            bias: false,
            ..Conv3dConfig::same(from, to, kernel)
        };
        let blocks = |count: usize, channels, kernel, place: &Scope| {
            (0..count)
                .map(|b| {
                    let place = place.at("blocks").at(b);
                    PreActivated::new(channels, kernel, self.norm, self.activation, "", &place)
                })
                .collect()
        };
        let filters = self.init_filters;
        let last = self.blocks_down.len() - 1;
        let encoder = scope.at("encoder");
        let down = self.blocks_down.iter().enumerate().map(|(i, &count)| {
            let place = encoder.at("layers").at(i);
            let (channels, kernel) = (filters << i, self.kernel(scales[i]));
            Down {
                blocks: blocks(count, channels, kernel, &place),
                shrink: (i < last).then(|| {
                    conv(channels, 2 * channels, kernel, scales[i]).init(place.at("downsample"))
                }),
            }
        });
        let up = self.blocks_up().into_iter().enumerate().map(|(i, count)| {
            let place = scope.at("up_layers").at(i);
            let level = last - 1 - i;
            let (channels, kernel) = (filters << level, self.kernel(scales[level]));
            Up {
                enlarge: Enlarge::new(
                    self.upsample_mode,
                    [2 * channels, channels],
                    kernel,
                    scales[level],
                    false,
                    false,
                    &place.at("upsample"),
                ),
                blocks: blocks(count, channels, kernel, &place),
                head: (last - i <= self.dsdepth.max(1)).then(|| {
                    Conv3dConfig::same(channels, self.out_channels, [1; 3]).init(place.at("head"))
                }),
            }
        });
        let kernel = self.kernel(scales[0]);
        SegResNetDS {
            first: conv(self.in_channels, filters, kernel, [1; 3]).init(encoder.at("conv_init")),
            down: down.collect(),
            up: up.collect(),
        }
    }
}

/// The network of Auto3DSeg (Myronenko et al. 2023), as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct SegResNetDS {
    first: Conv3d,
    down: Vec<Down>,
    up: Vec<Up>,
}

#[derive(Module, Debug)]
struct Down {
    blocks: Vec<PreActivated>,
    shrink: Option<Conv3d>,
}

#[derive(Module, Debug)]
struct Up {
    enlarge: Enlarge,
    blocks: Vec<PreActivated>,
    head: Option<Conv3d>,
}

impl SegResNetDS {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by the product of its strides
    /// - outputs `[N, out_channels, Z, Y, X]`, full resolution first; the lower ones only where the
    ///   input records gradients
    pub fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let run = |blocks: &[PreActivated], x| blocks.iter().fold(x, |x, block| block.forward(x));
        let all = input.device().is_autodiff();
        let mut x = self.first.forward(input);
        let mut skips = Vec::with_capacity(self.down.len());
        for down in &self.down {
            x = run(&down.blocks, x);
            if let Some(shrink) = &down.shrink {
                skips.push(x.clone());
                x = shrink.forward(x);
            }
        }
        let mut outputs = Vec::new();
        for up in &self.up {
            x = up.enlarge.forward(x);
            if let Some(skip) = skips.pop() {
                x = x + skip;
            }
            x = run(&up.blocks, x);
            if let Some(head) = up.head.as_ref().filter(|_| all || skips.is_empty()) {
                outputs.push(head.forward(x.clone()));
            }
        }
        outputs.reverse();
        outputs
    }
}
