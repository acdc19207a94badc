//! MONAI's `_target_` form; names and defaults are those of MONAI 1.6.

use super::Arguments;
use super::dints::dints;
use super::transformers::{swin_unetr, unetr};
use crate::{
    AttentionUnetConfig, BasicUNetConfig, DynUNetConfig, Error, MedNeXtConfig, NetworkConfig,
    Result, SegResNetConfig, SegResNetDSConfig, UNetConfig, UpsampleMode, VNetConfig,
};
use serde_json::Value;
use std::sync::LazyLock;
use vesalius_tensor::{
    ActivationConfig, BatchNormConfig, GroupNormConfig, InstanceNormConfig, NormConfig,
};

pub(super) fn read(mut arguments: Arguments) -> Result<NetworkConfig> {
    let target: String = arguments.need("_target_")?;
    let name = target.rsplit('.').next().unwrap_or(&target).to_owned();
    arguments.take("_mode_");
    let mut arguments = arguments.named(&name);
    let config = match name.as_str() {
        "UNet" | "Unet" => NetworkConfig::UNet(unet(&mut arguments)?),
        "BasicUNet" | "BasicUnet" => NetworkConfig::BasicUNet(basic_unet(&mut arguments)?),
        "DiNTS" => NetworkConfig::DiNTS(dints(&mut arguments)?),
        "DynUNet" | "DynUnet" => NetworkConfig::DynUNet(dynunet(&mut arguments)?),
        "SegResNet" => NetworkConfig::SegResNet(segresnet(&mut arguments)?),
        "SegResNetDS" => NetworkConfig::SegResNetDS(segresnet_ds(&mut arguments)?),
        "AttentionUnet" => NetworkConfig::AttentionUnet(attention_unet(&mut arguments)?),
        "VNet" => NetworkConfig::VNet(vnet(&mut arguments)?),
        "UNETR" => NetworkConfig::Unetr(unetr(&mut arguments)?),
        "SwinUNETR" => NetworkConfig::SwinUnetr(swin_unetr(&mut arguments)?),
        "MedNeXt" | "MedNext" => {
            NetworkConfig::MedNeXt(mednext(&mut arguments, MedNeXtConfig::default())?)
        }
        "MedNeXtSmall" | "MedNeXtS" => {
            NetworkConfig::MedNeXt(mednext(&mut arguments, MedNeXtConfig::small())?)
        }
        "MedNeXtBase" | "MedNeXtB" => {
            NetworkConfig::MedNeXt(mednext(&mut arguments, MedNeXtConfig::base())?)
        }
        "MedNeXtMedium" | "MedNeXtM" => {
            NetworkConfig::MedNeXt(mednext(&mut arguments, MedNeXtConfig::medium())?)
        }
        "MedNeXtLarge" | "MedNeXtL" => {
            NetworkConfig::MedNeXt(mednext(&mut arguments, MedNeXtConfig::large())?)
        }
        _ => {
            return Err(Error::UnknownArchitecture {
                what: target,
                problem: "it is not one of MONAI's networks that are built here: UNet, BasicUNet, DynUNet, DiNTS, SegResNet, SegResNetDS, AttentionUnet, VNet, UNETR, SwinUNETR, MedNeXt".to_owned(),
            });
        }
    };
    arguments.finish()?;
    Ok(config)
}

fn unet(arguments: &mut Arguments) -> Result<UNetConfig> {
    arguments.only("adn_ordering", "NDA".into())?;
    let channels: Vec<usize> = arguments.need("channels")?;
    let mut strides = arguments.size_list("strides")?;
    // MONAI warns of strides beyond the last level and does not use them.
    strides.truncate(channels.len().saturating_sub(1));
    Ok(UNetConfig {
        spatial_dims: arguments.need("spatial_dims")?,
        in_channels: arguments.need("in_channels")?,
        out_channels: arguments.need("out_channels")?,
        channels,
        strides,
        kernel_size: arguments.sizes("kernel_size", 3)?,
        up_kernel_size: arguments.sizes("up_kernel_size", 3)?,
        num_res_units: arguments.read("num_res_units", 0)?,
        activation: activation(arguments, "act", ActivationConfig::Prelu { slope: 0.25 })?,
        norm: norm(arguments, "norm", Some(NormConfig::default()))?,
        dropout: arguments.read("dropout", 0.0)?,
        bias: arguments.read("bias", true)?,
    })
}

fn basic_unet(arguments: &mut Arguments) -> Result<BasicUNetConfig> {
    let default = BasicUNetConfig::default();
    Ok(BasicUNetConfig {
        spatial_dims: arguments.read("spatial_dims", 3)?,
        in_channels: arguments.read("in_channels", 1)?,
        out_channels: arguments.read("out_channels", 2)?,
        features: arguments.read("features", default.features)?,
        activation: activation(arguments, "act", default.activation)?,
        norm: norm(arguments, "norm", default.norm)?,
        bias: arguments.read("bias", true)?,
        dropout: arguments.read("dropout", 0.0)?,
        upsample: arguments.read("upsample", default.upsample)?,
    })
}

fn dynunet(arguments: &mut Arguments) -> Result<DynUNetConfig> {
    let default = DynUNetConfig::default();
    let norm = norm(arguments, "norm_name", Some(default.norm))?;
    Ok(DynUNetConfig {
        spatial_dims: arguments.need("spatial_dims")?,
        in_channels: arguments.need("in_channels")?,
        out_channels: arguments.need("out_channels")?,
        kernel_size: arguments.size_list("kernel_size")?,
        strides: arguments.size_list("strides")?,
        upsample_kernel_size: arguments.size_list("upsample_kernel_size")?,
        filters: arguments.read("filters", None)?,
        dropout: arguments.read("dropout", 0.0)?,
        norm: norm.ok_or_else(|| arguments.wrong("norm_name", "is null; a norm is expected"))?,
        activation: activation(arguments, "act_name", default.activation)?,
        deep_supervision: arguments.read("deep_supervision", false)?,
        deep_supr_num: arguments.read("deep_supr_num", 1)?,
        res_block: arguments.read("res_block", false)?,
        trans_bias: arguments.read("trans_bias", false)?,
    })
}

fn segresnet(arguments: &mut Arguments) -> Result<SegResNetConfig> {
    let default = SegResNetConfig::default();
    arguments.only("use_conv_final", true.into())?;
    let norm = norm(arguments, "norm", Some(default.norm))?;
    let norm = match named_norm(arguments)? {
        Some(named) => Some(named),
        None => norm,
    };
    Ok(SegResNetConfig {
        spatial_dims: arguments.read("spatial_dims", 3)?,
        init_filters: arguments.read("init_filters", 8)?,
        in_channels: arguments.read("in_channels", 1)?,
        out_channels: arguments.read("out_channels", 2)?,
        dropout_prob: arguments.read("dropout_prob", 0.0)?,
        activation: activation(arguments, "act", default.activation)?,
        norm: norm.ok_or_else(|| arguments.wrong("norm", "is null; a norm is expected"))?,
        blocks_down: arguments.read("blocks_down", default.blocks_down)?,
        blocks_up: arguments.read("blocks_up", default.blocks_up)?,
        upsample_mode: upsample_mode(arguments, default.upsample_mode)?,
    })
}

/// The older `norm_name` with `num_groups`, which stand for `norm`.
fn named_norm(arguments: &mut Arguments) -> Result<Option<NormConfig>> {
    let name: String = arguments.read("norm_name", String::new())?;
    let groups = arguments.read("num_groups", 8)?;
    match name.to_lowercase().as_str() {
        "" => Ok(None),
        "group" => Ok(Some(NormConfig::Group(GroupNormConfig {
            groups,
            ..GroupNormConfig::default()
        }))),
        _ => Err(arguments.wrong(
            "norm_name",
            format!("is `{name}`; only group is understood"),
        )),
    }
}

fn segresnet_ds(arguments: &mut Arguments) -> Result<SegResNetDSConfig> {
    let default = SegResNetDSConfig::default();
    arguments.only("preprocess", Value::Null)?;
    let norm = norm(arguments, "norm", Some(default.norm))?
        .ok_or_else(|| arguments.wrong("norm", "is null; a norm is expected"))?;
    let resolution: Option<Vec<f64>> = arguments.read("resolution", None)?;
    let resolution = match resolution.as_deref() {
        None => None,
        // The last axis of MONAI's tensors is x here.
        Some(&[z, y, x]) => Some([x, y, z]),
        Some(&[y, x]) => Some([x, y, 1.0]),
        Some(other) => return Err(arguments.wrong("resolution", format!("is {other:?}"))),
    };
    Ok(SegResNetDSConfig {
        spatial_dims: arguments.read("spatial_dims", 3)?,
        init_filters: arguments.read("init_filters", 32)?,
        in_channels: arguments.read("in_channels", 1)?,
        out_channels: arguments.read("out_channels", 2)?,
        activation: activation(arguments, "act", default.activation)?,
        norm: with_affine(norm),
        blocks_down: arguments.read("blocks_down", default.blocks_down)?,
        blocks_up: arguments.read("blocks_up", None)?,
        dsdepth: arguments.read("dsdepth", 1)?,
        upsample_mode: upsample_mode(arguments, default.upsample_mode)?,
        resolution,
    })
}

/// `SegResNetDS` gives a scale and a shift to norms that were named without options.
fn with_affine(norm: NormConfig) -> NormConfig {
    match norm {
        NormConfig::Instance(config) => NormConfig::Instance(InstanceNormConfig {
            affine: true,
            ..config
        }),
        other => other,
    }
}

fn attention_unet(arguments: &mut Arguments) -> Result<AttentionUnetConfig> {
    Ok(AttentionUnetConfig {
        spatial_dims: arguments.need("spatial_dims")?,
        in_channels: arguments.need("in_channels")?,
        out_channels: arguments.need("out_channels")?,
        channels: arguments.need("channels")?,
        strides: arguments.size_list("strides")?,
        kernel_size: arguments.sizes("kernel_size", 3)?,
        up_kernel_size: arguments.sizes("up_kernel_size", 3)?,
        dropout: arguments.read("dropout", 0.0)?,
    })
}

fn vnet(arguments: &mut Arguments) -> Result<VNetConfig> {
    let default = VNetConfig::default();
    arguments.only("dropout_dim", 3.into())?;
    arguments.take("dropout_prob");
    let up: [Option<f64>; 2] = arguments.read("dropout_prob_up", [Some(0.5); 2])?;
    let down = match arguments.has("dropout_prob_down") {
        true => arguments.read("dropout_prob_down", 0.0)?,
        false => default.dropout_prob_down,
    };
    Ok(VNetConfig {
        spatial_dims: arguments.read("spatial_dims", 3)?,
        in_channels: arguments.read("in_channels", 1)?,
        out_channels: arguments.read("out_channels", 1)?,
        activation: activation(arguments, "act", default.activation)?,
        dropout_prob_down: down,
        dropout_prob_up: up.map(|p| p.unwrap_or(0.0)),
        bias: arguments.read("bias", false)?,
    })
}

/// The named sizes leave other arguments than these to the name.
fn mednext(arguments: &mut Arguments, size: MedNeXtConfig) -> Result<MedNeXtConfig> {
    arguments.only("norm_type", "group".into())?;
    Ok(MedNeXtConfig {
        spatial_dims: arguments.read("spatial_dims", 3)?,
        init_filters: arguments.read("init_filters", size.init_filters)?,
        in_channels: arguments.read("in_channels", 1)?,
        out_channels: arguments.read("out_channels", 2)?,
        encoder_expansion_ratio: arguments
            .read("encoder_expansion_ratio", size.encoder_expansion_ratio)?,
        decoder_expansion_ratio: arguments
            .read("decoder_expansion_ratio", size.decoder_expansion_ratio)?,
        bottleneck_expansion_ratio: arguments.read(
            "bottleneck_expansion_ratio",
            size.bottleneck_expansion_ratio,
        )?,
        kernel_size: arguments.read("kernel_size", size.kernel_size)?,
        deep_supervision: arguments.read("deep_supervision", false)?,
        use_residual_connection: arguments
            .read("use_residual_connection", size.use_residual_connection)?,
        blocks_down: arguments.read("blocks_down", size.blocks_down)?,
        blocks_bottleneck: arguments.read("blocks_bottleneck", size.blocks_bottleneck)?,
        blocks_up: arguments.read("blocks_up", size.blocks_up)?,
        global_resp_norm: arguments.read("global_resp_norm", false)?,
    })
}

fn upsample_mode(arguments: &mut Arguments, default: UpsampleMode) -> Result<UpsampleMode> {
    let name: Option<String> = arguments.read("upsample_mode", None)?;
    match name.as_deref() {
        None => Ok(default),
        Some("deconv") => Ok(UpsampleMode::Deconv),
        Some("nontrainable") => Ok(UpsampleMode::Nontrainable),
        Some(other) => Err(arguments.wrong(
            "upsample_mode",
            format!("is `{other}`; only deconv and nontrainable are understood"),
        )),
    }
}

/// `"PRELU"`, or a name with options (`["leakyrelu", {"negative_slope": 0.1}]`).
pub(super) fn activation(
    arguments: &mut Arguments,
    name: &str,
    default: ActivationConfig,
) -> Result<ActivationConfig> {
    let Some(value) = arguments.take(name) else {
        return Ok(default);
    };
    let (kind, mut options) = named(arguments, name, &value)?;
    options.take("inplace");
    let activation = match kind.as_str() {
        "relu" => ActivationConfig::Relu,
        "leakyrelu" => ActivationConfig::LeakyRelu {
            slope: options.read("negative_slope", 0.01)?,
        },
        "prelu" => {
            options.only("num_parameters", 1.into())?;
            ActivationConfig::Prelu {
                slope: options.read("init", 0.25)?,
            }
        }
        "gelu" => ActivationConfig::Gelu,
        "elu" => ActivationConfig::Elu {
            alpha: options.read("alpha", 1.0)?,
        },
        _ => return Err(arguments.wrong(name, format!("is {value}, an unknown activation"))),
    };
    options.finish()?;
    Ok(activation)
}

/// `"INSTANCE"`, or a name with options (`["group", {"num_groups": 8}]`); `None` for null.
pub(super) fn norm(
    arguments: &mut Arguments,
    name: &str,
    default: Option<NormConfig>,
) -> Result<Option<NormConfig>> {
    let given = arguments.has(name);
    let Some(value) = arguments.take(name) else {
        return Ok(if given { None } else { default });
    };
    let (kind, mut options) = named(arguments, name, &value)?;
    let norm = match kind.as_str() {
        "instance" | "instance_nvfuser" => {
            options.only("track_running_stats", false.into())?;
            NormConfig::Instance(InstanceNormConfig {
                epsilon: options.read("eps", 1e-5)?,
                affine: options.read("affine", kind == "instance_nvfuser")?,
            })
        }
        "batch" => NormConfig::Batch(BatchNormConfig {
            epsilon: options.read("eps", 1e-5)?,
            momentum: options.read("momentum", 0.1)?,
            affine: options.read("affine", true)?,
        }),
        "group" => NormConfig::Group(GroupNormConfig {
            groups: options.need("num_groups")?,
            epsilon: options.read("eps", 1e-5)?,
            affine: options.read("affine", true)?,
        }),
        _ => return Err(arguments.wrong(name, format!("is {value}, an unknown norm"))),
    };
    options.finish()?;
    Ok(Some(norm))
}

/// A name in small letters, and its options.
fn named<'v>(
    arguments: &Arguments,
    name: &str,
    value: &'v Value,
) -> Result<(String, Arguments<'v>)> {
    static NO_OPTIONS: LazyLock<Value> = LazyLock::new(|| Value::Object(serde_json::Map::new()));
    let (kind, options) = match value {
        Value::String(kind) => (kind, &*NO_OPTIONS),
        Value::Array(pair) => match &pair[..] {
            [Value::String(kind), options] => (kind, options),
            [Value::String(kind)] => (kind, &*NO_OPTIONS),
            _ => return Err(arguments.wrong(name, format!("is {value}; a name is expected"))),
        },
        _ => return Err(arguments.wrong(name, format!("is {value}; a name is expected"))),
    };
    let options = Arguments::of(options, format!("`{name}`"))?;
    Ok((kind.to_lowercase(), options))
}
