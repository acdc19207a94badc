//! UNETR and SwinUNETR from config to output: sizes in 2-D and 3-D, refusals, MONAI's descriptions.

use serde_json::{Value, json};
use vesalius_networks::{Merging, NetworkConfig, PatchProjection, SwinUnetrConfig, UnetrConfig};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{Device, Tensor};

fn unetr(spatial_dims: usize) -> NetworkConfig {
    NetworkConfig::Unetr(UnetrConfig {
        spatial_dims,
        in_channels: 2,
        out_channels: 3,
        img_size: match spatial_dims {
            2 => PerAxis::Flat([32, 48]),
            _ => PerAxis::Each([32, 16, 48]),
        },
        feature_size: 4,
        hidden_size: 24,
        mlp_dim: 32,
        num_heads: 4,
        ..UnetrConfig::default()
    })
}

fn swin_unetr(spatial_dims: usize) -> NetworkConfig {
    NetworkConfig::SwinUnetr(SwinUnetrConfig {
        spatial_dims,
        in_channels: 2,
        out_channels: 3,
        feature_size: 12,
        depths: [2, 1, 1, 1],
        window_size: PerAxis::Same(3),
        dropout_path_rate: 0.1,
        ..SwinUnetrConfig::default()
    })
}

fn output(config: &NetworkConfig, [x, y, z]: [usize; 3]) -> [usize; 5] {
    let device = Device::flex();
    let network = config.init(&device).unwrap();
    let outputs = network
        .try_forward(Tensor::ones([2, 2, z, y, x], &device))
        .unwrap();
    outputs[0].dims()
}

#[test]
fn sizes_survive_in_2d_and_3d() {
    assert_eq!(output(&unetr(3), [32, 16, 48]), [2, 3, 48, 16, 32]);
    assert_eq!(output(&unetr(2), [32, 48, 1]), [2, 3, 1, 48, 32]);
    assert_eq!(output(&swin_unetr(3), [32, 64, 32]), [2, 3, 32, 64, 32]);
    assert_eq!(output(&swin_unetr(2), [64, 32, 1]), [2, 3, 1, 32, 64]);
}

#[test]
fn what_does_not_fit_is_named_with_what_would() {
    let refused =
        |config: NetworkConfig, size| config.check_input(2, size).unwrap_err().to_string();
    let message = refused(unetr(3), [32, 32, 48]);
    assert!(message.contains("[32, 16, 48]"), "{message}");
    let message = refused(swin_unetr(3), [50, 64, 96]);
    assert!(
        message.contains("[32, 64, 96] and [64, 64, 96]"),
        "{message}"
    );
    let message = refused(swin_unetr(2), [64, 64, 32]);
    assert!(message.contains("2-D"), "{message}");
}

#[test]
fn configs_that_cannot_be_built_say_why() {
    let refused = |yaml: &str| {
        let config: Result<NetworkConfig, _> = serde_saphyr::from_str(yaml);
        match config {
            Ok(config) => config.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    };
    for (yaml, named) in [
        ("unetr:\n  num_head: 4\n", "num_head"),
        ("unetr:\n  num_heads: 7\n", "num_heads"),
        ("unetr:\n  img_size: [96, 96, 40]\n", "img_size"),
        ("swin_unetr:\n  windowsize: 7\n", "windowsize"),
        ("swin_unetr:\n  feature_size: 16\n", "multiple of 12"),
        ("swin_unetr:\n  num_heads: [5, 6, 12, 24]\n", "num_heads"),
        ("swin_unetr:\n  window_size: [7, 7]\n", "window_size"),
        ("swin_unetr:\n  depths: [2, 0, 2, 2]\n", "depths"),
    ] {
        let message = refused(yaml);
        assert!(message.contains(named), "{yaml}: {message}");
    }
}

#[test]
fn the_peers_words_are_read() {
    let config = NetworkConfig::from_monai_or_nnunet(&json!({
        "_target_": "monai.networks.nets.UNETR", "in_channels": 1, "out_channels": 4,
        "img_size": [96, 64, 32], "proj_type": "perceptron", "norm_name": "batch",
        "res_block": false, "save_attn": true,
    }));
    let NetworkConfig::Unetr(config) = config.unwrap() else {
        panic!("a UNETR was described");
    };
    // The last axis of MONAI's tensors is x here.
    assert_eq!(config.img_size, PerAxis::Each([32, 64, 96]));
    assert_eq!(config.proj_type, PatchProjection::Perceptron);
    let config = NetworkConfig::from_monai_or_nnunet(&json!({
        "_target_": "monai.networks.nets.SwinUNETR", "in_channels": 4, "out_channels": 3,
        "img_size": 96, "feature_size": 48, "use_checkpoint": true, "use_v2": true,
        "downsample": "mergingv2", "window_size": [7, 5, 3],
    }));
    let NetworkConfig::SwinUnetr(config) = config.unwrap() else {
        panic!("a SwinUNETR was described");
    };
    assert_eq!(config.window_size, PerAxis::Each([3, 5, 7]));
    assert_eq!(config.downsample, Merging::MergingV2);
    assert!(config.use_v2);
}

#[test]
fn what_is_not_understood_is_named() {
    let refused = |target: &str, name: &str, value: Value| {
        let mut description = json!({
            "_target_": format!("monai.networks.nets.{target}"),
            "in_channels": 1, "out_channels": 2,
        });
        if target == "UNETR" {
            description["img_size"] = 96.into();
        }
        description[name] = value;
        let message = NetworkConfig::from_monai_or_nnunet(&description)
            .unwrap_err()
            .to_string();
        assert!(message.contains(name), "{name}: {message}");
    };
    refused("UNETR", "patch_dim", 4.into());
    refused("UNETR", "proj_type", "fourier".into());
    refused("UNETR", "img_size", Value::Null);
    refused("SwinUNETR", "patch_size", 4.into());
    refused("SwinUNETR", "use_hyena", true.into());
    refused(
        "SwinUNETR",
        "hyena_stages",
        json!([true, true, false, false]),
    );
    refused("SwinUNETR", "downsample", "pooling".into());
    refused("SwinUNETR", "depths", json!([2, 2, 2]));
}

#[test]
fn the_peers_state_dict_has_its_indices() {
    let network = swin_unetr(2).init(&Device::flex()).unwrap();
    let weights = network.export_weights();
    let name = "swinViT.layers1.0.blocks.1.attn.relative_position_index";
    assert_eq!(weights.get(name).unwrap().shape(), [9, 9]);
    assert!(network.weights().get(name).is_none());
    assert!(network.load(&weights).is_ok());
}

#[test]
fn what_older_versions_stored_and_never_ran_is_left_out() {
    let network = unetr(2).init(&Device::flex()).unwrap();
    let mut weights = network.weights();
    let name = "vit.blocks.0.cross_attn.to_q.weight";
    weights.insert(name.into(), vec![1], vec![0.0]).unwrap();
    assert!(network.load(&weights).is_ok());
}

#[test]
fn gradients_reach_every_weight_that_is_used() {
    let device = Device::flex().autodiff();
    for (config, size) in [(unetr(2), [48, 32]), (swin_unetr(2), [32, 64])] {
        let made = config.init(&device).unwrap();
        let weights = made.weights();
        // Loading keeps what is trained.
        let network = config.init(&device).unwrap().load(&weights).unwrap();
        let input = Tensor::random(
            [1, 2, 1, size[0], size[1]],
            burn::tensor::Distribution::Default,
            &device,
        );
        let output = network.forward(input).swap_remove(0);
        let gradients = output.powi_scalar(3).sum().backward();
        let found = burn::optim::GradientsParams::from_grads(gradients, &network);
        for named in network.parameters() {
            let unused = named.name.contains("norm_cross_attn");
            let rank = named.shape.len();
            let present = match rank {
                1 => found.get::<1>(named.id).is_some(),
                2 => found.get::<2>(named.id).is_some(),
                3 => found.get::<3>(named.id).is_some(),
                _ => found.get::<5>(named.id).is_some(),
            };
            assert_eq!(present, !unused, "{}", named.name);
        }
    }
}
