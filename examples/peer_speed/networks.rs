//! Whole networks, forward and a training step, on made numbers.

use crate::Case;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor};
use serde_json::json;
use vesalius::losses::LossConfig;
use vesalius::networks::{Network, NetworkConfig};
use vesalius::tensor::Logits;
use vesalius::volume::LabelScheme;

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        forward("unet_monai_forward_96", monai_unet, [96; 3]),
        forward("unet_monai_forward_128", monai_unet, [128; 3]),
        forward("unet_nnunet_forward_64", nnunet_unet, [64; 3]),
        train("unet_monai_train_96_b1", monai_unet, [96; 3], 1),
        train(
            "unet_nnunet_train_40x56x40_b2",
            nnunet_unet,
            [40, 56, 40],
            2,
        ),
        // For `memory`; the Python speed script has no such case.
        forward("unet_nnunet_forward_128", nnunet_unet, [128; 3]),
    ];
    for (name, config) in every_network() {
        let make = move || Ok(config.clone());
        cases.push(forward(
            &format!("{name}_forward_64"),
            make.clone(),
            [64; 3],
        ));
        cases.push(train(&format!("{name}_train_64"), make, [64; 3], 1));
    }
    cases
}

/// One of each kind, as MONAI and nnU-Net describe them: `tests/parity/network_speed.py` builds the same.
fn every_network() -> Vec<(String, NetworkConfig)> {
    let described: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(include_str!("networks.json")).expect("a file that reads");
    let read = |(name, architecture)| {
        let config =
            NetworkConfig::from_monai_or_nnunet(&architecture).expect("networks that are known");
        (name, config)
    };
    described.into_iter().map(read).collect()
}

fn monai_unet() -> serde_json::Result<NetworkConfig> {
    let unet = json!({"unet": {
        "out_channels": 2, "channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], "num_res_units": 2
    }});
    serde_json::from_value(unet)
}

fn nnunet_unet() -> serde_json::Result<NetworkConfig> {
    let unet = json!({"plain_conv_unet": {
        "input_channels": 1, "num_classes": 4, "features_per_stage": [32, 64, 128, 256],
        "kernel_sizes": 3, "strides": [1, 2, 2, 2], "n_conv_per_stage": 2, "n_conv_per_stage_decoder": 2
    }});
    serde_json::from_value(unet)
}

/// Describes a network.
trait Make: Fn() -> serde_json::Result<NetworkConfig> + 'static {}

impl<F: Fn() -> serde_json::Result<NetworkConfig> + 'static> Make for F {}

/// The device of the networks: DEVICE, or the CPU.
fn device() -> crate::Result<Device> {
    let name = std::env::var("DEVICE").unwrap_or_else(|_| "cpu".to_owned());
    Ok(vesalius::tensor::parse_device(&name)?)
}

fn network(make: &impl Make, device: &Device) -> Network {
    make()
        .expect("a config that reads")
        .init(device)
        .expect("a sound config")
}

/// The shapes are `[z, y, x]`; these networks and shapes are the same in either order.
fn random(batch: usize, [z, y, x]: [usize; 3], device: &Device) -> Tensor<5> {
    Tensor::random([batch, 1, z, y, x], Distribution::Normal(0.0, 1.0), device)
}

fn forward(name: &str, make: impl Make, shape: [usize; 3]) -> Case {
    let prepare = move |_: &std::path::Path| -> crate::Result<crate::Work> {
        let device = device()?;
        let (network, x) = (network(&make, &device), random(1, shape, &device));
        Ok(Box::new(move || {
            drop(network.forward(x.clone()));
            device.sync().expect("a device that works");
        }))
    };
    Case {
        name: name.to_owned(),
        runs: 3,
        prepare: Box::new(prepare),
    }
}

fn train(name: &str, make: impl Make, shape: [usize; 3], batch: usize) -> Case {
    let prepare = move |_: &std::path::Path| -> crate::Result<crate::Work> {
        let device = device()?.autodiff();
        let network = network(&make, &device);
        let classes: Vec<(String, u16)> = (1..network.architecture().out_channels() as u16)
            .map(|value| (format!("class {value}"), value))
            .collect();
        let classes: Vec<(&str, u16)> = classes
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        let scheme = LabelScheme::exclusive(&classes)?;
        let x = random(batch, shape, &device);
        let [z, y, x_size] = shape;
        let labels: Vec<i32> = (0..batch * z * y * x_size)
            .map(|i| (i * 7919 % scheme.channels()) as i32)
            .collect();
        let data = burn::tensor::TensorData::new(labels, [batch, 1, z, y, x_size]);
        let labels = Tensor::<5, Int>::from_data(data, &device);
        let mut optimizer = AdamWConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(0.01)
            .init();
        let mut network = Some(network);
        Ok(Box::new(move || {
            let Some(before) = network.take() else { return };
            let output = before.forward(x.clone()).swap_remove(0);
            let logits = Logits::new(output, &scheme).expect("as many channels as classes");
            let loss = LossConfig::default()
                .forward(&logits, &labels)
                .expect("labels of the logits' size");
            let gradients = GradientsParams::from_grads(loss.backward(), &before);
            network = Some(optimizer.step(1e-3, before, gradients));
            device.sync().expect("a device that works");
        }))
    };
    Case {
        name: name.to_owned(),
        runs: 3,
        prepare: Box::new(prepare),
    }
}
