//! MONAI's transformers in its `_target_` form; names and defaults are those of MONAI 1.6, and those of
//! older versions that bundles still have.

use super::Arguments;
use super::monai::norm;
use crate::{PatchProjection, Result, SwinUnetrConfig, UnetrConfig};
use vesalius_tensor::axes::PerAxis;

pub(super) fn unetr(arguments: &mut Arguments) -> Result<UnetrConfig> {
    let default = UnetrConfig::default();
    // It keeps the attention for a look at it and changes no output.
    arguments.take("save_attn");
    // Older versions had another name for it.
    let projection = arguments.read("pos_embed", PatchProjection::Conv)?;
    let img_size = arguments.sizes("img_size", 0)?;
    if img_size == PerAxis::Same(0) {
        return Err(arguments.wrong("img_size", "must be given, a multiple of 16"));
    }
    let hidden_size = arguments.read("hidden_size", default.hidden_size)?;
    // MONAI takes a width of 0 for the token's.
    let mlp_dim = match arguments.read("mlp_dim", default.mlp_dim)? {
        0 => hidden_size,
        width => width,
    };
    let norm = norm(arguments, "norm_name", Some(default.norm))?;
    Ok(UnetrConfig {
        spatial_dims: arguments.read("spatial_dims", 3)?,
        in_channels: arguments.need("in_channels")?,
        out_channels: arguments.need("out_channels")?,
        img_size,
        feature_size: arguments.read("feature_size", default.feature_size)?,
        hidden_size,
        mlp_dim,
        num_heads: arguments.read("num_heads", default.num_heads)?,
        proj_type: arguments.read("proj_type", projection)?,
        norm: norm.ok_or_else(|| arguments.wrong("norm_name", "is null; a norm is expected"))?,
        conv_block: arguments.read("conv_block", true)?,
        res_block: arguments.read("res_block", true)?,
        dropout_rate: arguments.read("dropout_rate", 0.0)?,
        qkv_bias: arguments.read("qkv_bias", false)?,
    })
}

pub(super) fn swin_unetr(arguments: &mut Arguments) -> Result<SwinUnetrConfig> {
    let default = SwinUnetrConfig::default();
    // The first two change how it is computed and not what; the last is of older versions, which
    // checked it and did not use it.
    for unused in ["use_checkpoint", "use_flash_attention", "img_size"] {
        arguments.take(unused);
    }
    arguments.only("use_hyena", false.into())?;
    let spatial_dims = arguments.read("spatial_dims", 3)?;
    let patch = arguments.sizes("patch_size", 2)?;
    if patch.resolve(spatial_dims) != PerAxis::Same(2).resolve(spatial_dims) {
        let problem = format!("is {patch}; the decoder doubles, so that only 2 can be built");
        return Err(arguments.wrong("patch_size", problem));
    }
    let norm = norm(arguments, "norm_name", Some(default.norm))?;
    Ok(SwinUnetrConfig {
        spatial_dims,
        in_channels: arguments.need("in_channels")?,
        out_channels: arguments.need("out_channels")?,
        depths: arguments.read("depths", default.depths)?,
        num_heads: arguments.read("num_heads", default.num_heads)?,
        window_size: arguments.sizes("window_size", 7)?,
        qkv_bias: arguments.read("qkv_bias", true)?,
        mlp_ratio: arguments.read("mlp_ratio", default.mlp_ratio)?,
        feature_size: arguments.read("feature_size", default.feature_size)?,
        norm: norm.ok_or_else(|| arguments.wrong("norm_name", "is null; a norm is expected"))?,
        drop_rate: arguments.read("drop_rate", 0.0)?,
        attn_drop_rate: arguments.read("attn_drop_rate", 0.0)?,
        dropout_path_rate: arguments.read("dropout_path_rate", 0.0)?,
        normalize: arguments.read("normalize", true)?,
        patch_norm: arguments.read("patch_norm", false)?,
        downsample: arguments.read("downsample", default.downsample)?,
        use_v2: arguments.read("use_v2", false)?,
    })
}
