//! The network itself: four stages of the Swin transformer, each halving the grid, and the decoder.

use super::SwinUnetrConfig;
use super::block::{Block, Cut, Merge};
use crate::monai::parts::each_axis;
use crate::monai::transformer::{Around, AttentionConfig, Perceptron, Up, tokens, volume};
use crate::monai::two_convs::TwoConvs;
use burn::module::Module;
use vesalius_tensor::axes::reversed;
use vesalius_tensor::{
    Conv3d, Conv3dConfig, Dropout, DropoutConfig, Fill, LayerNorm, LayerNormConfig, NormConfig,
    Scope, Tensor,
};

impl SwinUnetrConfig {
    pub(crate) fn build(&self, scope: &Scope) -> SwinUnetr {
        let around = Around {
            spatial_dims: self.spatial_dims,
            norm: self.norm,
            residual: true,
        };
        let features = self.feature_size;
        let encoder = |number: usize, from, to| {
            around.convs([from, to], &scope.at(format!("encoder{number}.layer")))
        };
        let skips = (0..3).map(|level| encoder(level + 2, features << level, features << level));
        // From the lowest resolution up; the last doubles without halving the channels.
        let ups = (0..5).rev().map(|level: usize| {
            let channels = [features << level, features << level.saturating_sub(1)];
            around.up(channels, &scope.at(format!("decoder{}", level + 1)))
        });
        let vit = scope.at("swinViT");
        let patch = each_axis(2, self.spatial_dims);
        let place = vit.at("patch_embed");
        let embed = Conv3dConfig {
            stride: patch,
            padding: [0; 3],
            ..Conv3dConfig::same(self.in_channels, features, patch)
        };
        let bare = LayerNormConfig {
            affine: false,
            ..LayerNormConfig::default()
        };
        SwinUnetr {
            embed: embed.init(place.at("proj")),
            embed_norm: self
                .patch_norm
                .then(|| LayerNormConfig::default().init(features, place.at("norm"))),
            dropout: DropoutConfig::elements(self.drop_rate).init(vit.at("pos_drop")),
            stages: (0..4).map(|i| self.stage(i, &vit)).collect(),
            normalize: self
                .normalize
                .then(|| bare.init(features, vit.at("proj_out"))),
            top: encoder(1, self.in_channels, features),
            skips: skips.collect(),
            bottom: encoder(10, 16 * features, 16 * features),
            ups: ups.collect(),
            last: around.head(features, self.out_channels, &scope.at("out")),
        }
    }

    fn stage(&self, number: usize, scope: &Scope) -> Stage {
        let channels = self.feature_size << number;
        let place = scope.at(format!("layers{}", number + 1)).at(0);
        let window = self.window_size.resolve(self.spatial_dims);
        // `check` passed before, so that the window resolves.
        let window = reversed(window.unwrap_or([1; 3]));
        let convs = self.use_v2.then(|| {
            let around = Around {
                spatial_dims: self.spatial_dims,
                norm: NormConfig::default(),
                residual: true,
            };
            let place = scope.at(format!("layers{}c", number + 1)).at("0.layer");
            around.convs([channels; 2], &place)
        });
        let before: usize = self.depths[..number].iter().sum();
        let blocks = (0..self.depths[number]).map(|i| {
            let place = place.at("blocks").at(i);
            self.block(number, window, self.drop_path(before + i), &place)
        });
        Stage {
            convs,
            blocks: blocks.collect(),
            merge: Merge::new(
                channels,
                self.downsample,
                self.spatial_dims,
                &place.at("downsample"),
            ),
            window,
        }
    }

    /// The share grows from layer to layer, from nothing to the whole rate.
    fn drop_path(&self, layer: usize) -> f64 {
        let layers: usize = self.depths.iter().sum();
        self.dropout_path_rate * layer as f64 / (layers - 1).max(1) as f64
    }

    fn block(&self, stage: usize, window: [usize; 3], drop_path: f64, scope: &Scope) -> Block {
        let channels = self.feature_size << stage;
        let heads = self.num_heads[stage];
        let attention = AttentionConfig {
            width: channels,
            heads,
            qkv_bias: self.qkv_bias,
            attention_dropout: self.attn_drop_rate,
            output_dropout: self.drop_rate,
            output_name: "proj",
        };
        let norm = |name| LayerNormConfig::default().init(channels, scope.at(name));
        let drop = |name| DropoutConfig::elements(drop_path).init(scope.at(name));
        let rows = window.iter().map(|w| 2 * w - 1).product();
        let place = scope.at("attn");
        Block {
            norms: vec![norm("norm1"), norm("norm2")],
            table: place.parameter(
                "relative_position_bias_table",
                [rows, heads],
                Fill::TruncatedNormal(0.02),
            ),
            attention: attention.init(&place),
            perceptron: Perceptron::new(
                channels,
                self.mlp_width(stage),
                self.drop_rate,
                &scope.at("mlp"),
            ),
            drop_paths: match drop_path > 0.0 {
                true => vec![drop("drop_path1"), drop("drop_path2")],
                false => Vec::new(),
            },
            window,
        }
    }
}

/// The network of Hatamizadeh et al. 2022 (arXiv 2201.01266), as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct SwinUnetr {
    embed: Conv3d,
    embed_norm: Option<LayerNorm>,
    dropout: Dropout,
    stages: Vec<Stage>,
    /// Without parameters: for what leaves the transformer, of any length.
    normalize: Option<LayerNorm>,
    top: TwoConvs,
    skips: Vec<TwoConvs>,
    bottom: TwoConvs,
    ups: Vec<Up>,
    last: Conv3d,
}

#[derive(Module, Debug)]
struct Stage {
    convs: Option<TwoConvs>,
    blocks: Vec<Block>,
    merge: Merge,
    /// `[z, y, x]`.
    window: [usize; 3],
}

impl Stage {
    /// `[N, C, Z, Y, X]` to `[N, 2C, Z / 2, Y / 2, X / 2]`, Z as it is in 2-D.
    fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let input = match &self.convs {
            Some(convs) => convs.forward(input),
            None => input,
        };
        let ([_, _, z, y, x], device) = (input.dims(), input.device());
        let size = [z, y, x];
        let cut = |shifted| Cut::new(size, self.window, shifted, &device);
        let (still, shifted) = (cut(false), (self.blocks.len() > 1).then(|| cut(true)));
        let layers = self.blocks.iter().enumerate();
        let x = layers.fold(tokens(input), |x, (i, block)| match &shifted {
            Some(shifted) if i % 2 == 1 => block.forward(x, shifted),
            _ => block.forward(x, &still),
        });
        let (x, size) = self.merge.forward(x, size);
        volume(x, size)
    }
}

impl SwinUnetr {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by 32, Z = 1 in 2-D
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let along = |norm: &Option<LayerNorm>, x: Tensor<5>| match norm {
            Some(norm) => {
                let [_, _, z, h, w] = x.dims();
                volume(norm.forward(tokens(x)), [z, h, w])
            }
            None => x,
        };
        let embedded = along(&self.embed_norm, self.embed.forward(input.clone()));
        let mut x = self.dropout.forward(embedded);
        let mut skips = vec![self.top.forward(input)];
        for (level, stage) in self.stages.iter().enumerate() {
            let skip = along(&self.normalize, x.clone());
            skips.push(match self.skips.get(level) {
                Some(convs) => convs.forward(skip),
                // The deepest skip goes as it is.
                None => skip,
            });
            x = stage.forward(x);
        }
        let bottom = self.bottom.forward(along(&self.normalize, x));
        let levels = self.ups.iter().zip(skips.into_iter().rev());
        let output = levels.fold(bottom, |x, (up, skip)| up.forward(x, skip));
        self.last.forward(output)
    }
}
