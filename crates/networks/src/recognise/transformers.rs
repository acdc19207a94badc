//! MONAI's transformers. Windows and images are taken as cubes: only the number of their tokens shows.

use super::{Candidate, Shapes};
use crate::{Merging, NetworkConfig, PatchProjection, SwinUnetrConfig, UnetrConfig, Weights};
use vesalius_tensor::axes::PerAxis;

/// Voxels of a patch of `UNETR` along each axis.
const PATCH: usize = 16;
/// The length of a token that each head of `UNETR` sees by default: 768 in 12 heads.
const HEAD: usize = 64;

/// The side of a square or cube of so many.
fn side(count: usize, dims: usize) -> Option<usize> {
    let side = (count as f64).powf(1.0 / dims as f64).round() as usize;
    (side.checked_pow(u32::try_from(dims).ok()?)? == count).then_some(side)
}

/// `UNETR`.
pub(super) fn unetr(weights: &Weights) -> Option<Vec<Candidate>> {
    let shapes = Shapes::around(weights, "vit.patch_embedding.position_embeddings")?;
    let first = "encoder1.layer.conv1.conv.weight";
    let spatial_dims = shapes.spatial_dims(first)?;
    let tokens = shapes.axis("vit.patch_embedding.position_embeddings", 1)?;
    let hidden_size = shapes.axis("vit.patch_embedding.position_embeddings", 2)?;
    let config = UnetrConfig {
        spatial_dims,
        in_channels: shapes.axis(first, 1)?,
        out_channels: shapes.axis("out.conv.conv.weight", 0)?,
        img_size: PerAxis::Same(PATCH * side(tokens, spatial_dims)?),
        feature_size: shapes.axis(first, 0)?,
        hidden_size,
        mlp_dim: shapes.axis("vit.blocks.0.mlp.linear1.weight", 0)?,
        num_heads: match hidden_size.is_multiple_of(HEAD) {
            true => hidden_size / HEAD,
            false => 1,
        },
        proj_type: match shapes.has("vit.patch_embedding.patch_embeddings.weight") {
            true => PatchProjection::Conv,
            false => PatchProjection::Perceptron,
        },
        norm: shapes.norms("encoder1.layer.norm1").into_iter().next()?,
        conv_block: shapes.has("encoder2.blocks.0.1.conv1.conv.weight"),
        res_block: shapes.has("encoder1.layer.conv3.conv.weight"),
        qkv_bias: shapes.has("vit.blocks.0.attn.qkv.bias"),
        ..UnetrConfig::default()
    };
    Some(vec![Candidate {
        config: NetworkConfig::Unetr(config),
        assumed: vec!["img_size", "num_heads", "norm", "dropout_rate"],
    }])
}

/// `SwinUNETR`: the table of relative positions shows heads and window.
pub(super) fn swin_unetr(weights: &Weights) -> Option<Vec<Candidate>> {
    let anchor = "swinViT.patch_embed.proj.weight";
    let shapes = Shapes::around(weights, anchor)?;
    let spatial_dims = shapes.spatial_dims(anchor)?;
    let feature_size = shapes.axis(anchor, 0)?;
    let table = |stage: usize, block: usize| {
        let stage = stage + 1;
        format!("swinViT.layers{stage}.0.blocks.{block}.attn.relative_position_bias_table")
    };
    let mut num_heads = [0; 4];
    for (stage, heads) in num_heads.iter_mut().enumerate() {
        *heads = shapes.axis(&table(stage, 0), 1)?;
    }
    let width = shapes.axis("swinViT.layers1.0.blocks.0.mlp.linear1.weight", 0)?;
    let config = SwinUnetrConfig {
        spatial_dims,
        in_channels: shapes.axis(anchor, 1)?,
        out_channels: shapes.axis("out.conv.conv.weight", 0)?,
        depths: std::array::from_fn(|stage| shapes.count(0, |block| table(stage, block))),
        num_heads,
        window_size: PerAxis::Same(side(shapes.axis(&table(0, 0), 0)?, spatial_dims)?.div_ceil(2)),
        qkv_bias: shapes.has("swinViT.layers1.0.blocks.0.attn.qkv.bias"),
        mlp_ratio: width as f64 / feature_size as f64,
        feature_size,
        norm: shapes.norms("encoder1.layer.norm1").into_iter().next()?,
        patch_norm: shapes.has("swinViT.patch_embed.norm.weight"),
        downsample: Merging::Merging,
        use_v2: shapes.has("swinViT.layers1c.0.layer.conv1.conv.weight"),
        ..SwinUnetrConfig::default()
    };
    Some(vec![Candidate {
        config: NetworkConfig::SwinUnetr(config),
        assumed: vec![
            "window_size",
            "downsample",
            "normalize",
            "norm",
            "drop rates",
        ],
    }])
}
