//! MONAI's U-Net from its config to its weights: sizes, refusals, YAML, safetensors.

use vesalius_networks::{Architecture, Network, NetworkConfig, UNetConfig, Weights};
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{ActivationConfig, Device, Tensor, values_of};

fn small(spatial_dims: usize, num_res_units: usize) -> NetworkConfig {
    NetworkConfig::UNet(UNetConfig {
        spatial_dims,
        out_channels: 3,
        channels: vec![4, 8, 16],
        strides: vec![PerAxis::Same(2); 2],
        num_res_units,
        ..UNetConfig::default()
    })
}

#[test]
fn sizes_survive_the_way_down_and_up_in_2d_and_3d() {
    let device = Device::flex();
    for (dims, size) in [(3, [8, 12, 4]), (2, [8, 12, 1])] {
        for units in [0, 2] {
            let network = small(dims, units).init(&device).unwrap();
            let [x, y, z] = size;
            let outputs = network.try_forward(Tensor::zeros([2, 1, z, y, x], &device));
            assert_eq!(outputs.unwrap()[0].dims(), [2, 3, z, y, x]);
        }
    }
}

#[test]
fn what_does_not_fit_is_named_with_what_would() {
    let refused = |dims, channels, size| {
        let error = small(dims, 0).check_input(channels, size).unwrap_err();
        error.to_string()
    };
    let message = refused(3, 1, [50, 48, 41]);
    assert!(
        message.contains("[48, 48, 40] and [52, 48, 44]"),
        "{message}"
    );
    assert!(refused(3, 2, [48, 48, 48]).contains("1 channel"));
    assert!(refused(2, 1, [48, 48, 2]).contains("2-D"));
    let mut config = UNetConfig::default();
    config.strides.pop();
    let message = config.check().unwrap_err().to_string();
    assert!(message.contains("5 and 3"), "{message}");
}

#[test]
fn a_yaml_config_is_read_and_a_misspelt_key_refused() {
    let yaml = "unet:\n  channels: [8, 16]\n  strides: [[2, 2, 1]]\n  activation: relu\n  norm: {group: {groups: 4}}\n";
    let config: NetworkConfig = serde_saphyr::from_str(yaml).unwrap();
    let NetworkConfig::UNet(unet) = &config else {
        panic!("a U-Net was written");
    };
    assert_eq!(unet.strides, [PerAxis::Each([2, 2, 1])]);
    assert_eq!(unet.activation, ActivationConfig::Relu);
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<NetworkConfig>(&json).unwrap(),
        config
    );
    let message = serde_saphyr::from_str::<NetworkConfig>("unet:\n  chanels: [8, 16]\n")
        .unwrap_err()
        .to_string();
    assert!(message.contains("chanels"), "{message}");
}

#[test]
fn weights_travel_through_safetensors() {
    let device = Device::flex();
    let config = small(3, 1);
    let first = config.init_seeded(&device, 1).unwrap();
    let second = config.init_seeded(&device, 2).unwrap();
    let input = Tensor::ones([1, 1, 8, 8, 8], &device);
    let out = |network: &Network| network.forward(input.clone())[0].to_data();
    assert_ne!(out(&first), out(&second));
    let bytes = first.weights().to_safetensors().unwrap();
    let weights = Weights::from_safetensors("memory", &bytes).unwrap();
    let second = second.load(&weights).unwrap();
    assert_eq!(out(&first), out(&second));
}

#[test]
fn foreign_weights_are_refused_by_name() {
    let device = Device::flex();
    let network = small(3, 1).init(&device).unwrap();
    let mut weights = network.weights();
    weights
        .insert("model.9.weight".into(), vec![1], vec![0.0])
        .unwrap();
    weights
        .insert("model.0.conv.unit0.conv.bias".into(), vec![5], vec![0.0; 5])
        .unwrap();
    let message = network.load(&weights).unwrap_err().to_string();
    assert!(message.contains("1 left over: model.9.weight"), "{message}");
    assert!(
        message.contains("model.0.conv.unit0.conv.bias is [5], not [4]"),
        "{message}"
    );
    let network = small(3, 1).init(&device).unwrap();
    let message = network.load(&Weights::default()).unwrap_err().to_string();
    assert!(
        message.contains("missing: model.0.conv.unit0.conv.weight"),
        "{message}"
    );
}

#[test]
fn a_network_is_loaded_without_first_weights_and_a_file_gets_the_peers_names_untouched() {
    let text = "plain_conv_unet: {features_per_stage: [4, 8], strides: [1, 2], n_conv_per_stage: 1, n_conv_per_stage_decoder: 1}";
    let config: NetworkConfig = serde_saphyr::from_str(text).unwrap();
    let device = Device::flex();
    let first = config.init_seeded(&device, 5).unwrap();
    let loaded = config.load(&first.weights(), &device).unwrap();
    let input = || Tensor::<5>::ones([1, 1, 4, 4, 4], &device);
    let output = |network: &Network| values_of(network.forward(input()).swap_remove(0)).unwrap();
    assert_eq!(output(&first), output(&loaded));
    let named = config.own_weights(&first.weights()).unwrap();
    let expected = first.export_weights();
    assert_eq!(named.len(), expected.len());
    for (name, tensor) in expected.iter() {
        let found = named.get(name).unwrap();
        assert_eq!(found.values().unwrap(), tensor.values().unwrap(), "{name}");
    }
    let other: NetworkConfig = serde_saphyr::from_str(&text.replace("[4, 8]", "[4, 6]")).unwrap();
    let message = other
        .load(&first.weights(), &device)
        .unwrap_err()
        .to_string();
    assert!(message.contains("of another shape"), "{message}");
}
