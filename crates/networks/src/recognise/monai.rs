//! MONAI's convolutional networks.

use super::{Candidate, Shapes};
use crate::{
    BasicUNetConfig, DynUNetConfig, NetworkConfig, SegResNetConfig, UNetConfig, UpsampleMode,
    Weights,
};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{ActivationConfig, NormConfig};

const LEAKY: ActivationConfig = ActivationConfig::LeakyRelu { slope: 0.01 };

/// `UNet`: each level lies within the one above it.
pub(super) fn unet(weights: &Weights) -> Option<Vec<Candidate>> {
    let residual = guess_unet(weights, "model.0.conv.unit0.conv.weight");
    let plain = guess_unet(weights, "model.0.conv.weight");
    residual.or(plain)
}

fn guess_unet(weights: &Weights, anchor: &str) -> Option<Vec<Candidate>> {
    let shapes = Shapes::around(weights, anchor)?;
    let conv = anchor.strip_prefix("model.0.")?;
    // Where the blocks of a level stand: `model.0.`, `model.1.submodule.0.`, and the bottom without the last `0.`.
    let inner = |level: usize| format!("model.{}", "1.submodule.".repeat(level));
    let levels = shapes.count(0, |level| format!("{}0.{conv}", inner(level)));
    let mut channels = Vec::new();
    for level in 0..levels {
        channels.push(shapes.axis(&format!("{}0.{conv}", inner(level)), 0)?);
    }
    channels.push(shapes.axis(&format!("{}{conv}", inner(levels)), 0)?);
    let unit = |number: usize| format!("model.0.conv.unit{number}.conv.weight");
    let (enlarge, after) = match shapes.count(0, unit) {
        0 => ("model.2.conv.weight", "model.0.adn"),
        _ => ("model.2.0.conv.weight", "model.0.conv.unit0.adn"),
    };
    let config = UNetConfig {
        spatial_dims: shapes.spatial_dims(anchor)?,
        in_channels: shapes.axis(anchor, 1)?,
        out_channels: shapes.axis(enlarge, 1)?,
        strides: vec![PerAxis::Same(2); levels],
        channels,
        kernel_size: shapes.kernel(anchor)?,
        up_kernel_size: shapes.kernel(enlarge)?,
        num_res_units: shapes.count(0, unit),
        activation: shapes.activation(&format!("{after}.A"), ActivationConfig::Relu),
        norm: None,
        bias: shapes.has(&anchor.replace(".weight", ".bias")),
        ..UNetConfig::default()
    };
    let mut assumed = vec!["strides", "norm", "dropout"];
    if config.activation == ActivationConfig::Relu {
        assumed.push("activation");
    }
    let each = shapes.norms(&format!("{after}.N")).into_iter().map(|norm| {
        let norm = Some(norm);
        NetworkConfig::UNet(UNetConfig {
            norm,
            ..config.clone()
        })
    });
    Some(candidates(each, &assumed))
}

fn candidates(
    configs: impl IntoIterator<Item = NetworkConfig>,
    assumed: &[&'static str],
) -> Vec<Candidate> {
    let each = configs.into_iter().map(|config| Candidate {
        config,
        assumed: assumed.to_vec(),
    });
    each.collect()
}

/// `BasicUNet`.
pub(super) fn basic_unet(weights: &Weights) -> Option<Vec<Candidate>> {
    let anchor = "conv_0.conv_0.conv.weight";
    let shapes = Shapes::around(weights, anchor)?;
    let mut features = [0; 6];
    features[0] = shapes.axis(anchor, 0)?;
    for (level, features) in features.iter_mut().enumerate().take(5).skip(1) {
        *features = shapes.axis(&format!("down_{level}.convs.conv_0.conv.weight"), 0)?;
    }
    features[5] = shapes.axis("upcat_1.convs.conv_0.conv.weight", 0)?;
    let config = BasicUNetConfig {
        spatial_dims: shapes.spatial_dims(anchor)?,
        in_channels: shapes.axis(anchor, 1)?,
        out_channels: shapes.axis("final_conv.weight", 0)?,
        features,
        activation: shapes.activation(
            "conv_0.conv_0.adn.A",
            ActivationConfig::LeakyRelu { slope: 0.1 },
        ),
        bias: shapes.has("conv_0.conv_0.conv.bias"),
        upsample: match shapes.has("upcat_4.upsample.deconv.weight") {
            true => UpsampleMode::Deconv,
            false => UpsampleMode::Nontrainable,
        },
        ..BasicUNetConfig::default()
    };
    let norms = shapes.norms("conv_0.conv_0.adn.N").into_iter();
    let each = norms.map(|norm| {
        let norm = Some(norm);
        NetworkConfig::BasicUNet(BasicUNetConfig {
            norm,
            ..config.clone()
        })
    });
    Some(candidates(each, &["activation", "norm", "dropout"]))
}

/// `DynUNet`: the kernels of its transposed convolutions are taken as the strides, as nnU-Net has them.
pub(super) fn dynunet(weights: &Weights) -> Option<Vec<Candidate>> {
    let anchor = "input_block.conv1.conv.weight";
    let shapes = Shapes::around(weights, anchor)?;
    let down = |level: usize| format!("downsamples.{level}.conv1.conv.weight");
    let names: Vec<String> = std::iter::once(anchor.to_owned())
        .chain((0..shapes.count(0, down)).map(down))
        .chain(["bottleneck.conv1.conv.weight".to_owned()])
        .collect();
    let (mut filters, mut kernels) = (Vec::new(), Vec::new());
    for name in &names {
        filters.push(shapes.axis(name, 0)?);
        kernels.push(shapes.kernel(name)?);
    }
    let mut up = Vec::new();
    for number in (0..names.len() - 1).rev() {
        up.push(shapes.kernel(&format!("upsamples.{number}.transp_conv.conv.weight"))?);
    }
    let heads = shapes.count(0, |head| {
        format!("deep_supervision_heads.{head}.conv.conv.weight")
    });
    let config = DynUNetConfig {
        spatial_dims: shapes.spatial_dims(anchor)?,
        in_channels: shapes.axis(anchor, 1)?,
        out_channels: shapes.axis("output_block.conv.conv.weight", 0)?,
        kernel_size: kernels,
        strides: std::iter::once(PerAxis::Same(1))
            .chain(up.iter().copied())
            .collect(),
        upsample_kernel_size: up,
        filters: Some(filters),
        activation: shapes.activation("input_block.lrelu", LEAKY),
        deep_supervision: heads > 0,
        deep_supr_num: heads.max(1),
        // A block has a convolution around it where channels change, as in the first one.
        res_block: shapes.has("input_block.conv3.conv.weight"),
        trans_bias: shapes.has("upsamples.0.transp_conv.conv.bias"),
        ..DynUNetConfig::default()
    };
    let norms = shapes.norms("input_block.norm1").into_iter();
    let each = norms.map(|norm| {
        NetworkConfig::DynUNet(DynUNetConfig {
            norm,
            ..config.clone()
        })
    });
    Some(candidates(
        each,
        &["strides", "activation", "norm", "dropout"],
    ))
}

/// `SegResNet`.
pub(super) fn segresnet(weights: &Weights) -> Option<Vec<Candidate>> {
    let anchor = "convInit.conv.weight";
    let shapes = Shapes::around(weights, anchor)?;
    let down =
        |level: usize, block: usize| format!("down_layers.{level}.{block}.conv1.conv.weight");
    let up = |level: usize, block: usize| format!("up_layers.{level}.{block}.conv1.conv.weight");
    let levels = shapes.count(0, |level| down(level, 1));
    let config = SegResNetConfig {
        spatial_dims: shapes.spatial_dims(anchor)?,
        init_filters: shapes.axis(anchor, 0)?,
        in_channels: shapes.axis(anchor, 1)?,
        out_channels: shapes.axis("conv_final.2.conv.weight", 0)?,
        blocks_down: (0..levels)
            .map(|level| shapes.count(1, |block| down(level, block)))
            .collect(),
        blocks_up: (0..levels.checked_sub(1)?)
            .map(|level| shapes.count(0, |block| up(level, block)))
            .collect(),
        upsample_mode: match shapes.has("up_samples.0.1.deconv.weight") {
            true => UpsampleMode::Deconv,
            false => UpsampleMode::Nontrainable,
        },
        ..SegResNetConfig::default()
    };
    let mut norms = shapes.norms("conv_final.0");
    // Groups are the default of this network.
    norms.sort_by_key(|norm| !matches!(norm, NormConfig::Group(_)));
    let each = norms.into_iter().map(|norm| {
        NetworkConfig::SegResNet(SegResNetConfig {
            norm,
            ..config.clone()
        })
    });
    Some(candidates(each, &["activation", "norm", "dropout_prob"]))
}
