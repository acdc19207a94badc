//! MONAI's `UNETR`: a vision transformer over patches of 16 voxels, its layers' outputs as skips of a
//! convolutional decoder.

use super::parts::{bad, check_common, each_axis};
use super::transformer::{Around, Attention, AttentionConfig, Perceptron, Up, tokens, volume};
use super::two_convs::TwoConvs;
use crate::{Architecture, Result, standard_channels};
use burn::module::{Module, Param};
use serde::{Deserialize, Serialize};
use vesalius_tensor::axes::{PerAxis, reversed};
use vesalius_tensor::{
    ActivationConfig, Conv3d, Conv3dConfig, ConvTranspose3d, Device, Dropout, DropoutConfig, Fill,
    LayerNorm, LayerNormConfig, Linear, LinearConfig, NormConfig, Scope, Tensor,
};

/// Voxels of a patch along each axis.
const PATCH: usize = 16;
/// Layers of the transformer.
const LAYERS: usize = 12;
/// The layers whose outputs are skips, highest resolution first.
const SKIPS: [usize; 3] = [3, 6, 9];

/// How patches become tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PatchProjection {
    /// By a convolution whose kernel is a patch.
    Conv,
    /// By a linear layer over a patch's voxels.
    Perceptron,
}

/// Configuration of a [`Unetr`]; names and defaults are those of MONAI 1.6, vectors are `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnetrConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// The one size of input that it takes, a multiple of 16 along each axis.
    pub img_size: PerAxis,
    /// Channels of the decoder's top level; each level below has twice those of the one above.
    pub feature_size: usize,
    /// Length of a token.
    pub hidden_size: usize,
    /// Width of the perceptron after each attention.
    pub mlp_dim: usize,
    /// Heads of each attention; they divide `hidden_size`.
    pub num_heads: usize,
    /// How patches become tokens.
    pub proj_type: PatchProjection,
    /// The norm after each convolution.
    pub norm: NormConfig,
    /// Whether skips are convolved after each doubling.
    pub conv_block: bool,
    /// Whether pairs of convolutions have a residual.
    pub res_block: bool,
    /// The share of numbers that dropout sets to zero in the transformer.
    pub dropout_rate: f64,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
}

impl Default for UnetrConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 2,
            img_size: PerAxis::Same(96),
            feature_size: 16,
            hidden_size: 768,
            mlp_dim: 3072,
            num_heads: 12,
            proj_type: PatchProjection::Conv,
            norm: NormConfig::default(),
            conv_block: true,
            res_block: true,
            dropout_rate: 0.0,
            qkv_bias: false,
        }
    }
}

impl Architecture for UnetrConfig {
    fn name(&self) -> &'static str {
        "unetr"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let channels = [
            self.in_channels,
            self.out_channels,
            self.feature_size,
            self.hidden_size,
            self.mlp_dim,
        ];
        let relu = ActivationConfig::Relu;
        check_common(name, self.spatial_dims, &channels, relu, self.dropout_rate)?;
        if self.num_heads == 0 || !self.hidden_size.is_multiple_of(self.num_heads) {
            let (heads, width) = (self.num_heads, self.hidden_size);
            return bad(
                name,
                format!("`num_heads` {heads} must divide `hidden_size` {width}"),
            );
        }
        let patch = each_axis(PATCH, self.spatial_dims);
        let fits =
            |size: [usize; 3]| (0..3).all(|a| size[a] > 0 && size[a].is_multiple_of(patch[a]));
        if !self.img_size.resolve(self.spatial_dims).is_some_and(fits) {
            return bad(
                name,
                format!(
                    "`img_size` must be a multiple of {PATCH} along {} axes, not {}",
                    self.spatial_dims, self.img_size
                ),
            );
        }
        for level in 0..4 {
            self.norm.check(self.feature_size << level)?;
        }
        Ok(())
    }

    standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        each_axis(PATCH, self.spatial_dims)
    }

    fn fixed_size(&self) -> Option<[usize; 3]> {
        self.img_size.resolve(self.spatial_dims)
    }

    fn is_alias(&self, name: &str) -> bool {
        // Older versions stored an attention to other tokens here that was never run.
        name.starts_with("vit.blocks.") && name.contains(".cross_attn.")
    }
}

impl UnetrConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<Unetr> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    pub(crate) fn build(&self, scope: &Scope) -> Unetr {
        let around = Around {
            spatial_dims: self.spatial_dims,
            norm: self.norm,
            residual: self.res_block,
        };
        let features = |level: usize| self.feature_size << level;
        let skips = (1..4).map(|level| {
            let place = scope.at(format!("encoder{}", level + 1));
            let to = features(level);
            let doublings = (0..3 - level).map(|i| {
                let place = place.at("blocks").at(i);
                match self.conv_block {
                    true => Doubling {
                        double: around.double([to; 2], &place.at(0)),
                        convs: Some(around.convs([to; 2], &place.at(1))),
                    },
                    false => Doubling {
                        double: around.double([to; 2], &place),
                        convs: None,
                    },
                }
            });
            let first = around.double([self.hidden_size, to], &place.at("transp_conv_init"));
            Skip {
                first,
                doublings: doublings.collect(),
            }
        });
        let ups = (0..4).rev().map(|level| {
            let below = match level {
                3 => self.hidden_size,
                _ => features(level + 1),
            };
            around.up(
                [below, features(level)],
                &scope.at(format!("decoder{}", level + 2)),
            )
        });
        Unetr {
            transformer: self.transformer(&scope.at("vit")),
            top: around.convs(
                [self.in_channels, self.feature_size],
                &scope.at("encoder1.layer"),
            ),
            skips: skips.collect(),
            ups: ups.collect(),
            last: around.head(self.feature_size, self.out_channels, &scope.at("out")),
        }
    }

    fn transformer(&self, scope: &Scope) -> VisionTransformer {
        let patch = each_axis(PATCH, self.spatial_dims);
        let place = scope.at("patch_embedding");
        let projection = match self.proj_type {
            PatchProjection::Conv => {
                let config = Conv3dConfig {
                    stride: patch,
                    padding: [0; 3],
                    ..Conv3dConfig::same(self.in_channels, self.hidden_size, patch)
                };
                Projection::Conv(config.init(place.at("patch_embeddings")))
            }
            PatchProjection::Perceptron => {
                let voxels = self.in_channels * patch.iter().product::<usize>();
                let config = LinearConfig {
                    weight_fill: Some(Fill::TruncatedNormal(0.02)),
                    bias_fill: Some(Fill::Constant(0.0)),
                    ..LinearConfig::new(voxels, self.hidden_size)
                };
                Projection::Perceptron(config.init(place.at("patch_embeddings.1")))
            }
        };
        // `check` passed before, so that the size resolves.
        let size = self.fixed_size().unwrap_or([PATCH; 3]);
        let count = (0..3).map(|a| size[a] / patch[a]).product();
        VisionTransformer {
            projection,
            positions: place.parameter(
                "position_embeddings",
                [1, count, self.hidden_size],
                Fill::TruncatedNormal(0.02),
            ),
            dropout: DropoutConfig::elements(self.dropout_rate).init(place.at("dropout")),
            layers: (0..LAYERS)
                .map(|i| self.layer(&scope.at("blocks").at(i)))
                .collect(),
            norm: LayerNormConfig::default().init(self.hidden_size, scope.at("norm")),
            patch: reversed(patch),
        }
    }

    fn layer(&self, scope: &Scope) -> Layer {
        let norm = |name| LayerNormConfig::default().init(self.hidden_size, scope.at(name));
        let attention = AttentionConfig {
            width: self.hidden_size,
            heads: self.num_heads,
            qkv_bias: self.qkv_bias,
            attention_dropout: self.dropout_rate,
            output_dropout: self.dropout_rate,
            output_name: "out_proj",
        };
        Layer {
            norms: vec![norm("norm1"), norm("norm2")],
            attention: attention.init(&scope.at("attn")),
            perceptron: Perceptron::new(
                self.hidden_size,
                self.mlp_dim,
                self.dropout_rate,
                &scope.at("mlp"),
            ),
            unused: norm("norm_cross_attn"),
        }
    }
}

/// The transformer of Hatamizadeh et al. 2022 (arXiv 2103.10504), as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct Unetr {
    transformer: VisionTransformer,
    top: TwoConvs,
    skips: Vec<Skip>,
    ups: Vec<Up>,
    last: Conv3d,
}

#[derive(Module, Debug)]
struct VisionTransformer {
    projection: Projection,
    positions: Param<Tensor<3>>,
    dropout: Dropout,
    layers: Vec<Layer>,
    norm: LayerNorm,
    /// `[z, y, x]`.
    patch: [usize; 3],
}

#[derive(Module, Debug)]
enum Projection {
    Conv(Conv3d),
    Perceptron(Linear),
}

#[derive(Module, Debug)]
struct Layer {
    norms: Vec<LayerNorm>,
    attention: Attention,
    perceptron: Perceptron,
    /// In MONAI's state dict, and never run.
    unused: LayerNorm,
}

/// Enlarges a layer's output to the size of its level.
#[derive(Module, Debug)]
struct Skip {
    first: ConvTranspose3d,
    doublings: Vec<Doubling>,
}

#[derive(Module, Debug)]
struct Doubling {
    double: ConvTranspose3d,
    convs: Option<TwoConvs>,
}

impl VisionTransformer {
    /// The outputs of the layers in [`SKIPS`] and the normalised last one, as tokens.
    fn forward(&self, input: Tensor<5>) -> (Vec<Tensor<3>>, Tensor<3>) {
        let patches = match &self.projection {
            Projection::Conv(conv) => tokens(conv.forward(input)),
            Projection::Perceptron(linear) => linear.forward(self.cut(input)),
        };
        let mut x = self.dropout.forward(patches + self.positions.val());
        let mut skips = Vec::with_capacity(SKIPS.len());
        for (i, layer) in self.layers.iter().enumerate() {
            let attended = layer
                .attention
                .forward(layer.norms[0].forward(x.clone()), None, None);
            x = x + attended;
            let widened = layer.perceptron.forward(layer.norms[1].forward(x.clone()));
            x = x + widened;
            if SKIPS.contains(&i) {
                skips.push(x.clone());
            }
        }
        (skips, self.norm.forward(x))
    }

    /// `[N, patches, voxels of a patch · C]`, channels fastest.
    fn cut(&self, input: Tensor<5>) -> Tensor<3> {
        let [n, c, z, y, x] = input.dims();
        let [pz, py, px] = self.patch;
        let [cz, cy, cx] = [z / pz, y / py, x / px];
        input
            .reshape([n, c, cz, pz, cy, py, cx, px])
            .permute([0, 2, 4, 6, 3, 5, 7, 1])
            .reshape([n, cz * cy * cx, pz * py * px * c])
    }
}

impl Skip {
    fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        self.doublings
            .iter()
            .fold(self.first.forward(input), |x, doubling| {
                let x = doubling.double.forward(x);
                match &doubling.convs {
                    Some(convs) => convs.forward(x),
                    None => x,
                }
            })
    }
}

impl Unetr {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]` of the size `img_size`
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let [_, _, z, y, x] = input.dims();
        let [pz, py, px] = self.transformer.patch;
        let size = [z / pz, y / py, x / px];
        let (hidden, last) = self.transformer.forward(input.clone());
        let mut skips = vec![self.top.forward(input)];
        for (skip, hidden) in self.skips.iter().zip(hidden) {
            skips.push(skip.forward(volume(hidden, size)));
        }
        let levels = self.ups.iter().zip(skips.into_iter().rev());
        let output = levels.fold(volume(last, size), |x, (up, skip)| up.forward(x, skip));
        self.last.forward(output)
    }
}
