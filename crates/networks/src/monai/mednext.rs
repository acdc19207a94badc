//! MedNeXt, as MONAI builds it: depthwise convolutions with wide 1×1×1 ones between, in four sizes.

use super::parts::{bad, check_common, each_axis};
use crate::{Architecture, PerStage, Result, standard_channels};
use burn::module::{Module, Param};
use burn::tensor::ops::PadMode;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{
    ActivationConfig, Conv3d, Conv3dConfig, ConvTranspose3d, ConvTranspose3dConfig, Convolution,
    Device, Fill, Norm, NormConfig, Scope, Tensor, gelu,
};

/// Configuration of a [`MedNeXt`]; names and defaults are those of MONAI 1.6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MedNeXtConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the top level; each level below has twice those of the one above.
    pub init_filters: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// How many times wider a block is inside, in each level of the encoder.
    pub encoder_expansion_ratio: PerStage<usize>,
    /// The same in each level of the decoder, lowest resolution first.
    pub decoder_expansion_ratio: PerStage<usize>,
    /// The same at the bottom.
    pub bottleneck_expansion_ratio: usize,
    /// Size of the depthwise kernels; odd.
    pub kernel_size: usize,
    /// Whether training returns outputs of lower levels too.
    pub deep_supervision: bool,
    /// Whether blocks are summed with their input.
    pub use_residual_connection: bool,
    /// Blocks of each level of the encoder, top first.
    pub blocks_down: Vec<usize>,
    /// Blocks at the bottom.
    pub blocks_bottleneck: usize,
    /// Blocks of each level of the decoder, lowest resolution first.
    pub blocks_up: Vec<usize>,
    /// Whether channels are weighed by their share of the response (ConvNeXt V2).
    pub global_resp_norm: bool,
}

impl Default for MedNeXtConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            init_filters: 32,
            in_channels: 1,
            out_channels: 2,
            encoder_expansion_ratio: PerStage::Same(2),
            decoder_expansion_ratio: PerStage::Same(2),
            bottleneck_expansion_ratio: 2,
            kernel_size: 7,
            deep_supervision: false,
            use_residual_connection: false,
            blocks_down: vec![2; 4],
            blocks_bottleneck: 2,
            blocks_up: vec![2; 4],
            global_resp_norm: false,
        }
    }
}

impl MedNeXtConfig {
    /// The small size of Roy et al. 2023, kernel 3.
    pub fn small() -> Self {
        Self {
            kernel_size: 3,
            use_residual_connection: true,
            ..Self::default()
        }
    }

    /// The base size, kernel 3.
    pub fn base() -> Self {
        Self {
            encoder_expansion_ratio: PerStage::Each(vec![2, 3, 4, 4]),
            decoder_expansion_ratio: PerStage::Each(vec![4, 4, 3, 2]),
            bottleneck_expansion_ratio: 4,
            ..Self::small()
        }
    }

    /// The medium size, kernel 3.
    pub fn medium() -> Self {
        Self {
            blocks_down: vec![3, 4, 4, 4],
            blocks_bottleneck: 4,
            blocks_up: vec![4, 4, 4, 3],
            ..Self::base()
        }
    }

    /// The large size, kernel 3.
    pub fn large() -> Self {
        Self {
            encoder_expansion_ratio: PerStage::Each(vec![3, 4, 8, 8]),
            decoder_expansion_ratio: PerStage::Each(vec![8, 8, 4, 3]),
            bottleneck_expansion_ratio: 8,
            blocks_down: vec![3, 4, 8, 8],
            blocks_bottleneck: 8,
            blocks_up: vec![8, 8, 4, 3],
            ..Self::small()
        }
    }
}

impl Architecture for MedNeXtConfig {
    fn name(&self) -> &'static str {
        "mednext"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let channels = [self.init_filters, self.in_channels, self.out_channels];
        check_common(
            name,
            self.spatial_dims,
            &channels,
            ActivationConfig::Gelu,
            0.0,
        )?;
        let levels = self.blocks_down.len();
        if levels == 0 || levels > 16 || self.blocks_up.len() != levels {
            return bad(
                name,
                format!(
                    "`blocks_down` needs 1 to 16 levels and `blocks_up` as many, not {levels} and {}",
                    self.blocks_up.len()
                ),
            );
        }
        for (key, ratios) in [
            ("encoder_expansion_ratio", &self.encoder_expansion_ratio),
            ("decoder_expansion_ratio", &self.decoder_expansion_ratio),
        ] {
            if ratios
                .resolve(levels)
                .is_none_or(|ratios| ratios.contains(&0))
            {
                return bad(
                    name,
                    format!("`{key}` needs {levels} numbers of at least 1, or one"),
                );
            }
        }
        if self.kernel_size.is_multiple_of(2) || self.bottleneck_expansion_ratio == 0 {
            return bad(
                name,
                "`kernel_size` must be odd and `bottleneck_expansion_ratio` at least 1",
            );
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        each_axis(1 << self.blocks_down.len(), self.spatial_dims)
    }

    fn heads(&self) -> usize {
        if self.deep_supervision {
            1 + self.blocks_up.len()
        } else {
            1
        }
    }
}

/// What a block does to the size.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Keep,
    Halve,
    Double,
}

impl MedNeXtConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<MedNeXt> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    pub(crate) fn build(&self, scope: &Scope) -> MedNeXt {
        let levels = self.blocks_down.len();
        let at = |level: usize| self.init_filters << level;
        // `check` passed before, so that there is a ratio for every level.
        let ratios = |given: &PerStage<usize>| given.resolve(levels).unwrap_or_default();
        let blocks = |count: usize, channels: usize, ratio: usize, place: &Scope| {
            (0..count)
                .map(|b| self.block([channels; 2], ratio, Change::Keep, &place.at(b)))
                .collect::<Vec<_>>()
        };
        let (mut down, mut up) = (Vec::new(), Vec::new());
        for (i, ratio) in ratios(&self.encoder_expansion_ratio)
            .into_iter()
            .enumerate()
        {
            let place = scope.at("enc_stages").at(i);
            let change = scope.at("down_blocks").at(i);
            down.push(Stage {
                blocks: blocks(self.blocks_down[i], at(i), ratio, &place),
                change: self.block([at(i), at(i + 1)], ratio, Change::Halve, &change),
            });
        }
        for (i, ratio) in ratios(&self.decoder_expansion_ratio)
            .into_iter()
            .enumerate()
        {
            let level = levels - i - 1;
            let place = scope.at("dec_stages").at(i);
            let change = scope.at("up_blocks").at(i);
            up.push(Stage {
                change: self.block([at(level + 1), at(level)], ratio, Change::Double, &change),
                blocks: blocks(self.blocks_up[i], at(level), ratio, &place),
            });
        }
        let head = |channels, place: Scope| {
            let config = ConvTranspose3dConfig::tiled(channels, self.out_channels, [1; 3]);
            config.init(place.at("conv_out"))
        };
        let heads = if self.deep_supervision { levels } else { 0 };
        MedNeXt {
            stem: Conv3dConfig::same(self.in_channels, at(0), [1; 3]).init(scope.at("stem")),
            down,
            bottom: blocks(
                self.blocks_bottleneck,
                at(levels),
                self.bottleneck_expansion_ratio,
                &scope.at("bottleneck"),
            ),
            up,
            output: head(at(0), scope.at("out_0")),
            heads: (0..heads)
                .map(|i| head(at(levels - i), scope.at("out_blocks").at(i)))
                .collect(),
        }
    }

    fn block(&self, [from, to]: [usize; 2], ratio: usize, change: Change, scope: &Scope) -> Block {
        let wide = ratio * from;
        let kernel = each_axis(self.kernel_size, self.spatial_dims);
        let two = each_axis(2, self.spatial_dims);
        let transposed = |from, to, kernel: [usize; 3], groups, place: Scope| {
            let config = ConvTranspose3dConfig {
                in_channels: from,
                out_channels: to,
                kernel,
                stride: two,
                padding: kernel.map(|k| k / 2),
                groups,
                ..ConvTranspose3dConfig::default()
            };
            Convolution::Transposed(config.init(place))
        };
        let plain = |from, to, kernel, stride, groups, place: Scope| {
            let config = Conv3dConfig {
                stride,
                groups,
                ..Conv3dConfig::same(from, to, kernel)
            };
            Convolution::Plain(config.init(place))
        };
        let place = scope.at("conv1");
        let depthwise = match change {
            Change::Keep => plain(from, from, kernel, [1; 3], from, place),
            Change::Halve => plain(from, from, kernel, two, from, place),
            Change::Double => transposed(from, from, kernel, from, place),
        };
        let shortcut = self.use_residual_connection && change != Change::Keep;
        let shortcut = shortcut.then(|| match change {
            Change::Double => transposed(from, to, [1; 3], 1, scope.at("res_conv")),
            _ => plain(from, to, [1; 3], two, 1, scope.at("res_conv")),
        });
        let response = |name| scope.parameter(name, [1, wide, 1, 1, 1], Fill::Constant(0.0));
        let responding = self.global_resp_norm && change != Change::Halve;
        Block {
            depthwise,
            norm: NormConfig::instance_affine().init(from, scope.at("norm")),
            widen: Conv3dConfig::same(from, wide, [1; 3]).init(scope.at("conv2")),
            narrow: Conv3dConfig::same(wide, to, [1; 3]).init(scope.at("conv3")),
            beta: responding.then(|| response("global_resp_beta")),
            gamma: responding.then(|| response("global_resp_gamma")),
            shortcut,
            identity: self.use_residual_connection && change == Change::Keep,
            front: if change == Change::Double {
                two.map(|f| f - 1)
            } else {
                [0; 3]
            },
        }
    }
}

/// MedNeXt (Roy et al. 2023), as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct MedNeXt {
    stem: Conv3d,
    down: Vec<Stage>,
    bottom: Vec<Block>,
    up: Vec<Stage>,
    output: ConvTranspose3d,
    heads: Vec<ConvTranspose3d>,
}

#[derive(Module, Debug)]
struct Stage {
    blocks: Vec<Block>,
    change: Block,
}

#[derive(Module, Debug)]
struct Block {
    depthwise: Convolution,
    norm: Norm,
    widen: Conv3d,
    narrow: Conv3d,
    beta: Option<Param<Tensor<5>>>,
    gamma: Option<Param<Tensor<5>>>,
    shortcut: Option<Convolution>,
    identity: bool,
    /// Zeros added before the first voxel along `[x, y, z]` of what was doubled.
    front: [usize; 3],
}

impl Block {
    fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let x = self.norm.forward(self.depthwise.forward(input.clone()));
        let mut x = gelu(self.widen.forward(x));
        if let (Some(beta), Some(gamma)) = (&self.beta, &self.gamma) {
            let response = x.clone().square().sum_dims(&[2, 3, 4]).sqrt();
            let mean = response.clone().mean_dim(1).add_scalar(1e-6);
            x = gamma.val() * (x.clone() * (response / mean)) + beta.val() + x;
        }
        let mut x = self.padded(self.narrow.forward(x));
        if let Some(shortcut) = &self.shortcut {
            x = x + self.padded(shortcut.forward(input));
        } else if self.identity {
            x = x + input;
        }
        x
    }

    fn padded(&self, x: Tensor<5>) -> Tensor<5> {
        if self.front == [0; 3] {
            return x;
        }
        let [fx, fy, fz] = self.front;
        x.pad([(fz, 0), (fy, 0), (fx, 0)], PadMode::Constant(0.0))
    }
}

impl MedNeXt {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by 2 to the power of levels
    /// - outputs `[N, out_channels, Z, Y, X]`, full resolution first; the lower ones only with deep
    ///   supervision and where the input records gradients
    pub fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let run = |blocks: &[Block], x| blocks.iter().fold(x, |x, block| block.forward(x));
        let all = input.device().is_autodiff();
        let mut x = self.stem.forward(input);
        let mut skips = Vec::with_capacity(self.down.len());
        for stage in &self.down {
            x = run(&stage.blocks, x);
            skips.push(x.clone());
            x = stage.change.forward(x);
        }
        x = run(&self.bottom, x);
        let mut outputs = Vec::new();
        for (i, stage) in self.up.iter().enumerate() {
            if let Some(head) = self.heads.get(i).filter(|_| all) {
                outputs.push(head.forward(x.clone()));
            }
            x = stage.change.forward(x);
            // Every level pushed its skip on the way down.
            if let Some(skip) = skips.pop() {
                x = x + skip;
            }
            x = run(&stage.blocks, x);
        }
        outputs.push(self.output.forward(x));
        outputs.reverse();
        outputs
    }
}
