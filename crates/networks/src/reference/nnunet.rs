//! nnU-Net's plans: `network_class_name` with `arch_kwargs` (v2.4 on), and the flat form before it.

use super::Arguments;
use crate::{
    Error, NetworkConfig, PerStage, PlainConvUNetConfig, ResidualEncoderUNetConfig, Result,
};
use serde_json::Value;
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{ActivationConfig, BatchNormConfig, InstanceNormConfig, NormConfig};

/// The newer form.
pub(super) fn read(mut arguments: Arguments) -> Result<NetworkConfig> {
    let class: String = arguments.need("network_class_name")?;
    let kwargs: Value = arguments.need("arch_kwargs")?;
    let name = class.rsplit('.').next().unwrap_or(&class).to_owned();
    let channels = channels(&mut arguments)?;
    let mut layers = Arguments::of(&kwargs, name.clone())?;
    let config = match name.as_str() {
        "PlainConvUNet" => NetworkConfig::PlainConvUNet(plain(&mut layers, channels)?),
        "ResidualEncoderUNet" => {
            NetworkConfig::ResidualEncoderUNet(residual(&mut layers, channels)?)
        }
        _ => return Err(unknown(class)),
    };
    layers.finish()?;
    Ok(config)
}

fn unknown(class: String) -> Error {
    Error::UnknownArchitecture {
        what: class,
        problem: "it is not one of nnU-Net's networks that are built here: PlainConvUNet, ResidualEncoderUNet".to_owned(),
    }
}

fn channels(arguments: &mut Arguments) -> Result<[usize; 2]> {
    Ok([
        arguments.need("input_channels")?,
        arguments.need("num_classes")?,
    ])
}

fn plain(layers: &mut Arguments, [from, to]: [usize; 2]) -> Result<PlainConvUNetConfig> {
    layers.only("nonlin_first", false.into())?;
    let shared = Shared::read(layers)?;
    Ok(PlainConvUNetConfig {
        spatial_dims: shared.spatial_dims,
        input_channels: from,
        num_classes: to,
        features_per_stage: shared.features,
        kernel_sizes: shared.kernels,
        strides: shared.strides,
        n_conv_per_stage: layers.need("n_conv_per_stage")?,
        n_conv_per_stage_decoder: layers.need("n_conv_per_stage_decoder")?,
        conv_bias: shared.bias,
        norm: shared.norm,
        activation: shared.activation,
        dropout: shared.dropout,
        deep_supervision: layers.read("deep_supervision", false)?,
    })
}

fn residual(layers: &mut Arguments, [from, to]: [usize; 2]) -> Result<ResidualEncoderUNetConfig> {
    layers.only("bottleneck_channels", Value::Null)?;
    let block = "dynamic_network_architectures.building_blocks.residual.BasicBlockD";
    layers.only("block", block.into())?;
    let shared = Shared::read(layers)?;
    Ok(ResidualEncoderUNetConfig {
        spatial_dims: shared.spatial_dims,
        input_channels: from,
        num_classes: to,
        features_per_stage: shared.features,
        kernel_sizes: shared.kernels,
        strides: shared.strides,
        n_blocks_per_stage: layers.need("n_blocks_per_stage")?,
        n_conv_per_stage_decoder: layers.need("n_conv_per_stage_decoder")?,
        stem_channels: layers.read("stem_channels", None)?,
        conv_bias: shared.bias,
        norm: shared.norm,
        activation: shared.activation,
        dropout: shared.dropout,
        deep_supervision: layers.read("deep_supervision", false)?,
    })
}

/// What both networks take.
struct Shared {
    spatial_dims: usize,
    features: Vec<usize>,
    kernels: PerStage<PerAxis>,
    strides: PerStage<PerAxis>,
    bias: bool,
    norm: Option<NormConfig>,
    activation: ActivationConfig,
    dropout: f64,
}

impl Shared {
    fn read(layers: &mut Arguments) -> Result<Self> {
        let features = match layers.need::<PerStage<usize>>("features_per_stage")? {
            PerStage::Each(features) => {
                layers.only("n_stages", features.len().into())?;
                features
            }
            PerStage::Same(features) => vec![features; layers.need("n_stages")?],
        };
        let class: String = layers.need("conv_op")?;
        let spatial_dims = match class.rsplit('.').next() {
            Some("Conv3d") => 3,
            Some("Conv2d") => 2,
            _ => return Err(layers.wrong("conv_op", format!("is `{class}`, not Conv2d or Conv3d"))),
        };
        Ok(Self {
            spatial_dims,
            features,
            kernels: per_stage(layers, "kernel_sizes")?,
            strides: per_stage(layers, "strides")?,
            bias: layers.read("conv_bias", false)?,
            norm: norm(layers)?,
            activation: activation(layers)?,
            dropout: dropout(layers)?,
        })
    }
}

/// A number for all stages, or a list of numbers or vectors.
fn per_stage(layers: &mut Arguments, name: &str) -> Result<PerStage<PerAxis>> {
    match layers.take(name) {
        Some(Value::Number(n)) => n
            .as_u64()
            .map(|n| PerStage::Same(PerAxis::Same(n as usize)))
            .ok_or_else(|| layers.wrong(name, format!("is {n}, not a whole number"))),
        Some(list) => {
            let wrapped = serde_json::json!({ name: list });
            let mut one = Arguments::of(&wrapped, "nnU-Net's plans")?;
            Ok(PerStage::Each(one.size_list(name)?))
        }
        None => Err(layers.wrong(name, "is missing")),
    }
}

fn norm(layers: &mut Arguments) -> Result<Option<NormConfig>> {
    let options = layers
        .take("norm_op_kwargs")
        .unwrap_or_else(|| serde_json::json!({}));
    let Some(class) = layers.take("norm_op") else {
        return Ok(None);
    };
    let class = class.as_str().unwrap_or_default().to_owned();
    let kind = class.rsplit('.').next().unwrap_or_default();
    let mut options = Arguments::of(&options, "`norm_op_kwargs`")?;
    if kind.starts_with("BatchNorm") {
        // What `nnUNetTrainerBN` makes of a plan.
        let config = BatchNormConfig {
            epsilon: options.read("eps", 1e-5)?,
            momentum: options.read("momentum", 0.1)?,
            affine: options.read("affine", true)?,
        };
        options.only("track_running_stats", true.into())?;
        options.finish()?;
        return Ok(Some(NormConfig::Batch(config)));
    }
    if !kind.starts_with("InstanceNorm") {
        let problem = format!("is `{class}`, not an instance or a batch norm");
        return Err(layers.wrong("norm_op", problem));
    }
    let config = InstanceNormConfig {
        epsilon: options.read("eps", 1e-5)?,
        affine: options.read("affine", false)?,
    };
    options.only("track_running_stats", false.into())?;
    options.take("momentum");
    options.finish()?;
    Ok(Some(NormConfig::Instance(config)))
}

fn activation(layers: &mut Arguments) -> Result<ActivationConfig> {
    let options = layers
        .take("nonlin_kwargs")
        .unwrap_or_else(|| serde_json::json!({}));
    let class: String = layers.need("nonlin")?;
    let mut options = Arguments::of(&options, "`nonlin_kwargs`")?;
    options.take("inplace");
    let config = match class.rsplit('.').next() {
        Some("LeakyReLU") => ActivationConfig::LeakyRelu {
            slope: options.read("negative_slope", 0.01)?,
        },
        Some("ReLU") => ActivationConfig::Relu,
        _ => return Err(layers.wrong("nonlin", format!("is `{class}`, not LeakyReLU or ReLU"))),
    };
    options.finish()?;
    Ok(config)
}

fn dropout(layers: &mut Arguments) -> Result<f64> {
    let options = layers
        .take("dropout_op_kwargs")
        .unwrap_or_else(|| serde_json::json!({}));
    if layers.take("dropout_op").is_none() {
        return Ok(0.0);
    }
    let mut options = Arguments::of(&options, "`dropout_op_kwargs`")?;
    options.take("inplace");
    let share = options.read("p", 0.5)?;
    options.finish()?;
    Ok(share)
}

/// The form before v2.4: a class name and numbers among settings of other parts; features double from
/// `UNet_base_num_features` to `unet_max_num_features`.
pub(super) fn read_flat(mut flat: Arguments) -> Result<NetworkConfig> {
    let class: String = flat.need("UNet_class_name")?;
    let [from, to] = channels(&mut flat)?;
    let encoder: PerStage<usize> = flat.need("n_conv_per_stage_encoder")?;
    let decoder: PerStage<usize> = flat.need("n_conv_per_stage_decoder")?;
    let strides = flat.size_list("pool_op_kernel_sizes")?;
    let kernels = flat.size_list("conv_kernel_sizes")?;
    let base: usize = flat.need("UNet_base_num_features")?;
    let most: usize = flat.need("unet_max_num_features")?;
    let spatial_dims = match strides.first() {
        Some(PerAxis::Flat(_)) => 2,
        _ => 3,
    };
    let stages = strides.len();
    let features = (0..stages).map(|s| (base << s.min(30)).min(most)).collect();
    let (kernel_sizes, strides) = (PerStage::Each(kernels), PerStage::Each(strides));
    Ok(match class.as_str() {
        "PlainConvUNet" => NetworkConfig::PlainConvUNet(PlainConvUNetConfig {
            spatial_dims,
            input_channels: from,
            num_classes: to,
            features_per_stage: features,
            kernel_sizes,
            strides,
            n_conv_per_stage: encoder,
            n_conv_per_stage_decoder: decoder,
            ..PlainConvUNetConfig::default()
        }),
        "ResidualEncoderUNet" => NetworkConfig::ResidualEncoderUNet(ResidualEncoderUNetConfig {
            spatial_dims,
            input_channels: from,
            num_classes: to,
            features_per_stage: features,
            kernel_sizes,
            strides,
            n_blocks_per_stage: encoder,
            n_conv_per_stage_decoder: decoder,
            ..ResidualEncoderUNetConfig::default()
        }),
        _ => return Err(unknown(class)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_older_form_is_understood() {
        let plans = json!({
            "batch_size": 2, "patch_size": [128, 128, 128], "UNet_class_name": "PlainConvUNet",
            "UNet_base_num_features": 32, "unet_max_num_features": 320,
            "n_conv_per_stage_encoder": [2, 2, 2, 2, 2, 2], "n_conv_per_stage_decoder": [2, 2, 2, 2, 2],
            "num_pool_per_axis": [5, 5, 4],
            "pool_op_kernel_sizes": [[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 1]],
            "conv_kernel_sizes": [[3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]]
        });
        let config = NetworkConfig::from_nnunet_plans(&plans, 1, 25).unwrap();
        let NetworkConfig::PlainConvUNet(unet) = config else {
            panic!("a plain U-Net was described");
        };
        assert_eq!(unet.features_per_stage, [32, 64, 128, 256, 320, 320]);
        let PerStage::Each(strides) = unet.strides else {
            panic!("one stride a stage");
        };
        // The plans' last axis is x.
        assert_eq!(strides[5], PerAxis::Each([1, 2, 2]));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let message = |value: Value| {
            NetworkConfig::from_monai_or_nnunet(&value)
                .unwrap_err()
                .to_string()
        };
        let odd = message(
            json!({"_target_": "monai.networks.nets.UNet", "spatial_dims": 3,
            "in_channels": 1, "out_channels": 2, "channels": [8, 16], "strides": [2], "magic": 7}),
        );
        assert!(odd.contains("`magic`"), "{odd}");
        let odd = message(json!({"_target_": "monai.networks.nets.DiNTS"}));
        assert!(odd.contains("DiNTS"), "{odd}");
        let odd = message(
            json!({"network_class_name": "x.PlainConvUNet", "input_channels": 1,
            "num_classes": 2, "arch_kwargs": {"features_per_stage": [8, 16], "conv_op": "Conv4d"}}),
        );
        assert!(odd.contains("`conv_op`"), "{odd}");
    }
}
