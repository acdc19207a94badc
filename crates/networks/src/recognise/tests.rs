//! Networks of many configs are recognised by their own weights, and nothing else is.

use super::*;
use crate::weights::Weights;

fn config(yaml: &str) -> NetworkConfig {
    let config: NetworkConfig = serde_saphyr::from_str(yaml).unwrap();
    config.check().unwrap()
}

fn weights(config: &NetworkConfig) -> Weights {
    config.init_seeded(&Device::flex(), 1).unwrap().weights()
}

/// Configs whose values are the defaults of their authors where weights do not show them.
const CONFIGS: [&str; 17] = [
    "plain_conv_unet: {input_channels: 2, num_classes: 3, features_per_stage: [4, 8, 12], kernel_sizes: [[3, 3, 1], 3, 3], \
     strides: [1, [2, 2, 1], 2], n_conv_per_stage: [1, 2, 3], n_conv_per_stage_decoder: [2, 1]}",
    "plain_conv_unet: {spatial_dims: 2, features_per_stage: [4, 8], kernel_sizes: [3, [3, 1]], strides: [1, [1, 2]], \
     n_conv_per_stage: [2, 2], n_conv_per_stage_decoder: [2], conv_bias: false}",
    "residual_encoder_unet: {features_per_stage: [4, 8, 8], kernel_sizes: [3, 3, 3], strides: [1, 2, [2, 2, 1]], \
     n_blocks_per_stage: [1, 3, 2], n_conv_per_stage_decoder: [1, 2]}",
    "residual_encoder_unet: {features_per_stage: [4, 8], kernel_sizes: [3, 3], strides: [1, 2], n_blocks_per_stage: [1, 1], \
     n_conv_per_stage_decoder: [1], stem_channels: 6}",
    "unet: {channels: [4, 8, 16], strides: [2, 2], num_res_units: 2}",
    "unet: {channels: [4, 8], strides: [2], num_res_units: 0, in_channels: 3, out_channels: 4, activation: relu}",
    "unet: {spatial_dims: 2, channels: [4, 8, 8], strides: [2, 2], num_res_units: 1, norm: batch, kernel_size: 5, bias: false}",
    "basic_unet: {features: [4, 4, 8, 8, 16, 4]}",
    "basic_unet: {spatial_dims: 2, features: [4, 4, 8, 8, 16, 6], norm: batch, upsample: nontrainable, out_channels: 5}",
    "dynunet: {kernel_size: [3, 3, 3], strides: [1, 2, 2], upsample_kernel_size: [2, 2], filters: [4, 8, 16]}",
    "dynunet: {kernel_size: [[3, 3, 1], 3, 3, 3], strides: [1, [2, 2, 1], 2, 2], upsample_kernel_size: [[2, 2, 1], 2, 2], \
     filters: [4, 8, 8, 12], res_block: true, deep_supervision: true, deep_supr_num: 2, trans_bias: true}",
    "segresnet: {init_filters: 8}",
    "segresnet: {init_filters: 8, blocks_down: [1, 1, 3], blocks_up: [1, 2], upsample_mode: deconv, norm: batch, out_channels: 4}",
    "unetr: {img_size: 32, feature_size: 4, hidden_size: 128, mlp_dim: 96, num_heads: 2, res_block: true}",
    "unetr: {img_size: 32, feature_size: 4, hidden_size: 64, mlp_dim: 96, num_heads: 1, proj_type: perceptron, conv_block: false}",
    "swin_unetr: {feature_size: 12, depths: [1, 2, 1, 1], num_heads: [1, 2, 3, 4], window_size: 3}",
    "swin_unetr: {feature_size: 12, spatial_dims: 2, depths: [1, 1, 1, 1], use_v2: true, patch_norm: true, in_channels: 2}",
];

#[test]
fn every_network_is_recognised_by_its_weights() {
    for yaml in CONFIGS {
        let config = config(yaml);
        let weights = weights(&config);
        let found = recognise(&weights).unwrap_or_else(|| panic!("not recognised: {yaml}"));
        let same = config.outline(&Device::flex()).unwrap();
        let again = found.config.outline(&Device::flex()).unwrap();
        let facts = |network: &crate::Network| {
            let each = network.parameters().iter();
            each.map(|p| (p.name.clone(), p.shape.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(facts(&same), facts(&again), "{yaml}");
        assert_eq!(
            same.architecture().divisor(),
            again.architecture().divisor(),
            "{yaml}"
        );
        assert!(!found.assumed.is_empty());
    }
}

#[test]
fn wrapped_weights_are_recognised_and_others_are_not() {
    let config = config(CONFIGS[0]);
    let plain = weights(&config);
    let mut wrapped = Weights::default();
    let mut more = Weights::default();
    let mut fewer = Weights::default();
    for (number, (name, tensor)) in plain.iter().enumerate() {
        let (shape, values) = (tensor.shape().to_vec(), tensor.values().unwrap());
        let inside = format!("state_dict.module.{name}");
        wrapped
            .insert(inside, shape.clone(), values.clone())
            .unwrap();
        more.insert(name.to_owned(), shape.clone(), values.clone())
            .unwrap();
        if number > 0 {
            fewer.insert(name.to_owned(), shape, values).unwrap();
        }
    }
    assert_eq!(recognise(&wrapped), recognise(&plain));
    more.insert("another.weight".to_owned(), vec![1], vec![0.0])
        .unwrap();
    assert_eq!(recognise(&more), None);
    assert_eq!(recognise(&fewer), None);
    assert_eq!(recognise(&Weights::default()), None);
}

#[test]
fn shapes_that_no_network_has_are_no_panic() {
    for shape in [
        vec![],
        vec![0],
        vec![4],
        vec![4, 1, 3],
        vec![0, 0, 0, 0, 0],
        vec![1, 1, 1, 1, 1],
    ] {
        let values = vec![0.0; shape.iter().product()];
        let mut strange = Weights::default();
        for name in [
            "encoder.stages.0.0.convs.0.conv.weight",
            "encoder.stem.convs.0.conv.weight",
            "decoder.seg_layers.0.weight",
            "model.0.conv.unit0.conv.weight",
            "model.2.0.conv.weight",
            "conv_0.conv_0.conv.weight",
            "input_block.conv1.conv.weight",
            "bottleneck.conv1.conv.weight",
            "convInit.conv.weight",
            "conv_final.2.conv.weight",
            "vit.patch_embedding.position_embeddings",
            "swinViT.patch_embed.proj.weight",
        ] {
            strange
                .insert(name.to_owned(), shape.clone(), values.clone())
                .unwrap();
        }
        assert_eq!(recognise(&strange), None, "{shape:?}");
    }
}
