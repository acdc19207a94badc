//! The cost of a network by its config: parameters against the network that is built of it, operations
//! against PyTorch's `flop_counter`, stored by `tests/parity/network_costs.py` at the repository's root.

use serde::Deserialize;
use std::collections::BTreeMap;
use vesalius_networks::{NetworkConfig, Profile};
use vesalius_tensor::Device;

#[derive(Deserialize)]
struct Stored {
    networks: BTreeMap<String, Counted>,
}

#[derive(Deserialize)]
struct Counted {
    parameters: u64,
    flops: u64,
}

/// The networks of the speed comparison, at a size for those that have one.
fn networks(edge: usize) -> BTreeMap<String, NetworkConfig> {
    let text = include_str!("../../../examples/peer_speed/networks.json");
    let mut described: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    for architecture in described.values_mut() {
        if let Some(size) = architecture.get_mut("img_size") {
            *size = serde_json::json!([edge, edge, edge]);
        }
    }
    let read = |(name, described)| {
        (
            name,
            NetworkConfig::from_monai_or_nnunet(&described).unwrap(),
        )
    };
    described.into_iter().map(read).collect()
}

fn profile(config: &NetworkConfig, patch: [usize; 3]) -> Profile {
    config.profile(patch, 1).unwrap()
}

#[test]
fn parameters_and_operations_are_the_peers() {
    let stored: Stored = serde_json::from_str(include_str!("data/profile.json")).unwrap();
    let networks = networks(96);
    assert_eq!(stored.networks.len(), networks.len());
    for (name, expected) in &stored.networks {
        let found = profile(&networks[name], [96; 3]);
        println!("{name}\t{found:?}");
        assert_eq!(found.parameters, expected.parameters, "{name}");
        let gap = found.flops.abs_diff(expected.flops) as f64 / expected.flops as f64;
        assert!(
            gap <= 0.01,
            "{name}: {} operations, not {}",
            found.flops,
            expected.flops
        );
    }
}

/// MiB at the peak of a forward pass and of a training step at 64³ on two threads, as
/// `tests/parity/network_speed.py --memory` prints them, of a process that was 5 MiB when empty.
const MEASURED: [(&str, u64, u64); 12] = [
    ("attention_unet", 150, 496),
    ("basic_unet", 202, 541),
    ("dynunet", 284, 724),
    ("mednext", 304, 1979),
    ("plain_conv_unet", 284, 723),
    ("residual_encoder_unet", 488, 1464),
    ("segresnet", 93, 363),
    ("segresnet_ds", 98, 346),
    ("swin_unetr", 228, 825),
    ("unet", 64, 143),
    ("unetr", 449, 1610),
    ("vnet", 347, 1061),
];

#[test]
fn memory_is_predicted() {
    let networks = networks(64);
    let mut far = Vec::new();
    for (name, inference, training) in MEASURED {
        let found = profile(&networks[name], [64; 3]);
        for (predicted, measured) in [
            (found.inference_memory, inference),
            (found.training_memory, training),
        ] {
            let share = (predicted >> 20) as f64 / measured as f64;
            println!("{name}: {} MiB of {measured}, {share:.2}", predicted >> 20);
            far.extend((!(0.8..1.2).contains(&share)).then(|| format!("{name}: {share:.2}")));
        }
    }
    assert!(far.is_empty(), "not within a fifth: {far:?}");
}

#[test]
fn parameters_are_those_of_the_network_that_is_built() {
    let variants = [
        "unet: {num_res_units: 0, channels: [8, 16, 32], strides: [2, 2], norm: batch, spatial_dims: 2}",
        "unet: {channels: [8, 16, 16], strides: [1, 2], num_res_units: 3, norm: {group: {groups: 2}}, out_channels: 4}",
        "basic_unet: {features: [4, 4, 8, 8, 16, 4], upsample: nontrainable, norm: null}",
        "dynunet: {kernel_size: [3, 3, 3, 3], strides: [1, 2, 2, 2], upsample_kernel_size: [2, 2, 2], filters: [4, 8, 8, 8], deep_supervision: true, deep_supr_num: 2, res_block: true, trans_bias: true}",
        "segresnet: {upsample_mode: deconv}",
        "segresnet_ds: {init_filters: 8, dsdepth: 3, resolution: [1.0, 1.0, 3.0]}",
        "vnet: {activation: prelu, bias: true}",
        "mednext: {init_filters: 4, deep_supervision: true, global_resp_norm: true, use_residual_connection: true}",
        "unetr: {img_size: 32, hidden_size: 24, mlp_dim: 32, num_heads: 2, feature_size: 4, conv_block: false}",
        "swin_unetr: {feature_size: 12, patch_norm: true, use_v2: true, spatial_dims: 2}",
        "plain_conv_unet: {features_per_stage: [4, 8, 8], strides: [1, 2, 2], deep_supervision: true}",
        "residual_encoder_unet: {features_per_stage: [4, 8, 8], strides: [1, 2, 2], n_blocks_per_stage: 2, stem_channels: 6}",
    ];
    for text in variants {
        let config: NetworkConfig = serde_saphyr::from_str(text).unwrap();
        let architecture = config.architecture();
        let size = architecture.fixed_size().unwrap_or_else(|| {
            let (least, divisor) = (architecture.minimum(), architecture.divisor());
            std::array::from_fn(|a| least[a].next_multiple_of(divisor[a]))
        });
        let built = config.init(&Device::flex()).unwrap().parameter_count() as u64;
        assert_eq!(profile(&config, size).parameters, built, "{text}");
    }
}

#[test]
fn a_receptive_field_grows_with_depth_and_attention_sees_all() {
    let field = |text: &str| {
        let config: NetworkConfig = serde_saphyr::from_str(text).unwrap();
        let size = config.architecture().fixed_size().unwrap_or([32; 3]);
        profile(&config, size).receptive_field
    };
    let shallow = "plain_conv_unet: {features_per_stage: [2, 2], strides: [1, 2]}";
    // Four convolutions at the top add 4 × 2 voxels, two of which at stride 2 add 2 + 4; enlarging by a kernel
    // of 2 adds none.
    assert_eq!(field(shallow), Some([15; 3]));
    let flat = "unet: {channels: [2, 2], strides: [[1, 1, 1]], kernel_size: [3, 3, 1], up_kernel_size: [1, 1, 1], num_res_units: 0}";
    assert_eq!(field(flat), Some([5, 5, 1]));
    assert_eq!(
        field("unetr: {img_size: 32, hidden_size: 24, mlp_dim: 32, num_heads: 2}"),
        None
    );
}
