//! One device and several, halves, mixed batches, and what does not fit.

use super::*;
use crate::gradients::global_norm;
use vesalius_networks::{NetworkConfig, UNetConfig};

fn network() -> Network {
    let config = NetworkConfig::UNet(UNetConfig {
        channels: vec![4, 8],
        strides: vec![2.into()],
        ..UNetConfig::default()
    });
    let device = Device::flex().autodiff();
    config.with_channels(1, 2).init_seeded(&device, 3).unwrap()
}

fn batches() -> Vec<Batch> {
    let voxels = 2 * 8 * 8 * 8;
    (0..4)
        .map(|number| Batch {
            shape: [2, 1, 8, 8, 8],
            images: (0..voxels)
                .map(|i| ((i * 37 + number * 11) % 19) as f32 / 9.0 - 1.0)
                .collect(),
            labels: (0..voxels)
                .map(|i| i32::from((i / 7 + number) % 3 == 0))
                .collect(),
            cases: vec!["a".into(), "b".into()],
            mixed_target: None,
            absent: Vec::new(),
        })
        .collect()
}

fn gradients(workers: &dyn GradientStrategy, precision: Precision, scale: f64) -> (f32, f64) {
    let network = network();
    let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let objective = Objective {
        labels: &labels,
        loss: &LossConfig::default(),
        deep_supervision: &DeepSupervision::default(),
        precision,
        loss_scale: scale,
    };
    let result = workers.gradients(&network, batches(), &objective).unwrap();
    (
        result.loss,
        global_norm(&network, &result.gradients).unwrap(),
    )
}

#[test]
fn several_devices_do_what_one_does() {
    let one = gradients(&SingleDevice, Precision::F32, 1.0);
    for count in [1, 2, 3] {
        let several = SeveralDevices {
            devices: vec![Device::flex(); count],
        };
        assert_eq!(
            gradients(&several, Precision::F32, 1.0),
            one,
            "{count} devices"
        );
    }
    let (loss, norm) = gradients(&SingleDevice, Precision::F32, 1024.0);
    assert_eq!(loss, one.0);
    assert!((norm / 1024.0 / one.1 - 1.0).abs() < 1e-5);
}

#[test]
fn no_device_and_batches_of_other_lengths_are_errors() {
    let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let objective = Objective {
        labels: &labels,
        loss: &LossConfig::default(),
        deep_supervision: &DeepSupervision::default(),
        precision: Precision::F32,
        loss_scale: 1.0,
    };
    let none = SeveralDevices { devices: vec![] };
    let error = none.gradients(&network(), batches(), &objective);
    assert!(error.unwrap_err().to_string().contains("devices"));
    let refused = |change: &dyn Fn(&mut Batch)| {
        let mut batch = batches().remove(0);
        change(&mut batch);
        let error = SingleDevice.gradients(&network(), vec![batch], &objective);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("[2, 1, 8, 8, 8]"), "{error}");
    };
    refused(&|batch| batch.labels.truncate(7));
    refused(&|batch| batch.images.push(0.0));
    refused(&|batch| {
        batch.mixed_target = Some(crate::MixedTarget {
            labels: Vec::new(),
            weight: 0.5,
        });
    });
    let mut nothing = batches().remove(0);
    (nothing.shape[0], nothing.images, nothing.labels) = (0, Vec::new(), Vec::new());
    assert!(
        SingleDevice
            .gradients(&network(), vec![nothing], &objective)
            .is_err()
    );
    let mut batch = batches().remove(0);
    batch.shape = [usize::MAX, 2, 8, 8, 8];
    assert!(
        SingleDevice
            .gradients(&network(), vec![batch], &objective)
            .is_err()
    );
    let several = SeveralDevices {
        devices: vec![Device::flex(); 2],
    };
    let mut four = batches();
    four[3].labels.clear();
    assert!(several.gradients(&network(), four, &objective).is_err());
}

#[test]
fn a_mixed_batch_costs_what_both_label_maps_cost() {
    let loss = |batch: Batch| {
        let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let objective = Objective {
            labels: &labels,
            loss: &LossConfig::default(),
            deep_supervision: &DeepSupervision::default(),
            precision: Precision::F32,
            loss_scale: 1.0,
        };
        let result = SingleDevice.gradients(&network(), vec![batch], &objective);
        result.unwrap().loss
    };
    let (one, other) = (batches().remove(0), batches().remove(1));
    let mixed_target = Batch {
        labels: other.labels.clone(),
        ..one.clone()
    };
    let mixed = Batch {
        mixed_target: Some(crate::MixedTarget {
            labels: other.labels,
            weight: 0.25,
        }),
        ..one.clone()
    };
    let expected = 0.75 * loss(one) + 0.25 * loss(mixed_target);
    assert!((loss(mixed) - expected).abs() < 1e-5);
}

#[test]
fn halves_are_near_and_gradients_come_back_whole() {
    let (loss, norm) = gradients(&SingleDevice, Precision::F32, 1.0);
    let (half_loss, half_norm) = gradients(&SingleDevice, Precision::Bf16, 1.0);
    assert!(
        half_loss != loss && (half_loss / loss - 1.0).abs() < 0.02,
        "{half_loss} {loss}"
    );
    assert!((half_norm / norm - 1.0).abs() < 0.1, "{half_norm} {norm}");
}

#[test]
fn the_cpu_refuses_halves_by_name() {
    assert!(Precision::F32.check_device(&Device::flex()).is_ok());
    for half in [Precision::Bf16, Precision::F16] {
        let error = half.check_device(&Device::flex().autodiff()).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("precision") && error.contains("GPU"),
            "{error}"
        );
    }
}
