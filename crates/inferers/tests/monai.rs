//! The inferers against MONAI's own numbers, made by `tests/parity/inferers.py`, and around networks whose
//! tensors are `[N, C, X, Y(, Z)]`, made by `tests/parity/axis_order.py`.

#[path = "../../networks/tests/common/shared.rs"]
mod shared;

use burn::tensor::{Device, Tensor, TensorData};
use serde_json::{Map, Value};
use shared::golden_networks;
use std::path::Path;
use vesalius_inferers::{AxisOrder, AxisOrderAdapter, Inferer};
use vesalius_networks::{Network, NetworkConfig, Weights};
use vesalius_volume::{Geometry, Volume};

/// The script has the same formula: a smooth function of the index, in f64, rounded once.
fn volume(size: [usize; 3]) -> Volume<f32> {
    let geometry = Geometry::axis_aligned(size, [0.9, 1.1, 2.0]).unwrap();
    Volume::from_fn(geometry, |[x, y, z]| {
        ((0.3 * x as f64).sin() + (0.2 * y as f64).cos() * 0.5 + 0.1 * z as f64) as f32
    })
}

/// Intensity times a ramp over the window, and its square plus that ramp.
fn network(patch: Tensor<5>) -> Tensor<5> {
    let [n, _, z, y, x] = patch.dims();
    let mut ramp = Vec::with_capacity(z * y * x);
    for k in 0..z {
        for j in 0..y {
            for i in 0..x {
                let share = |index: usize, length: usize| index as f32 / length as f32;
                ramp.push(share(i, x) + 2.0 * share(j, y) + 3.0 * share(k, z));
            }
        }
    }
    let ramp = Tensor::<5>::from_data(TensorData::new(ramp, [1, 1, z, y, x]), &patch.device());
    let ramp = ramp.repeat_dim(0, n);
    Tensor::cat(
        vec![
            patch.clone() * (ramp.clone() + 1.0),
            patch.clone() * patch + ramp,
        ],
        1,
    )
}

fn inferer(case: &Map<String, Value>) -> Inferer {
    let mut keys = case.clone();
    let name = keys.remove("inferer").unwrap();
    if let Some(within) = keys.remove("within") {
        keys.insert("inferer".to_owned(), within);
    }
    for key in ["size", "every", "values", "sum"] {
        keys.remove(key);
    }
    serde_json::from_value(Value::Object(Map::from_iter([(
        name.as_str().unwrap().to_owned(),
        Value::Object(keys),
    )])))
    .unwrap()
}

#[test]
fn every_stored_case_agrees() {
    let stored: Value = serde_json::from_str(include_str!("data/monai.json")).unwrap();
    let cases = stored["cases"].as_array().unwrap();
    assert!(cases.len() >= 17);
    for case in cases {
        let case = case.as_object().unwrap();
        let size: [usize; 3] = serde_json::from_value(case["size"].clone()).unwrap();
        let image = volume(size);
        let inferer = inferer(case);
        let output = inferer.run(&image, &network, &Device::flex()).unwrap();
        assert_eq!(output.geometry(), image.geometry());
        let expected: Vec<f32> = serde_json::from_value(case["values"].clone()).unwrap();
        let every = case["every"].as_u64().unwrap() as usize;
        let found: Vec<f32> = output.data().iter().step_by(every).copied().collect();
        assert_eq!(found.len(), expected.len());
        for (at, (a, b)) in found.iter().zip(&expected).enumerate() {
            assert!(
                (a - b).abs() <= 1e-5 * b.abs().max(1.0),
                "{inferer:?}: value {at} is {a}, MONAI's {b}"
            );
        }
        let sum: f64 = output.data().iter().map(|&v| f64::from(v)).sum();
        let expected = case["sum"].as_f64().unwrap();
        assert!(
            (sum - expected).abs() <= 1e-5 * expected.abs(),
            "{inferer:?}: sum {sum}, MONAI's {expected}"
        );
    }
}

fn golden_network(folder: &Path) -> Network {
    let text = std::fs::read_to_string(folder.join("architecture.json")).unwrap();
    let config =
        NetworkConfig::from_monai_or_nnunet(&serde_json::from_str(&text).unwrap()).unwrap();
    let weights = Weights::open(folder.join("weights.pt")).unwrap();
    config.load(&weights, &Device::flex()).unwrap()
}

/// `axis_order.py` has the same formula.
fn channels(size: [usize; 3], channels: usize) -> Volume<f32> {
    let geometry = Geometry::axis_aligned(size, [0.9, 1.1, 2.0]).unwrap();
    let one = |c: usize| {
        let value = move |[x, y, z]: [usize; 3]| {
            let (x, y, z, c) = (x as f64, y as f64, z as f64, c as f64);
            ((0.3 * x + c).sin() + (0.2 * y).cos() * 0.5 + 0.1 * z - 0.02 * x * c) as f32
        };
        Volume::from_fn(geometry, value).into_data()
    };
    let values: Vec<f32> = (0..channels).flat_map(one).collect();
    Volume::new(geometry, channels, values).unwrap()
}

#[test]
fn networks_of_order_xyz_answer_as_monais() {
    let Some(golden) = golden_networks("`axis_order: xyz` against MONAI") else {
        return;
    };
    let stored: Value = serde_json::from_str(include_str!("data/axis_order.json")).unwrap();
    let cases = stored["cases"].as_array().unwrap();
    assert!(cases.len() >= 36);
    let mut loaded: Option<(String, Network)> = None;
    for case in cases {
        let name = case["network"].as_str().unwrap();
        // Cases of one network follow each other.
        let (_, network) = match loaded.take() {
            Some(known) if known.0 == name => loaded.insert(known),
            _ => loaded.insert((name.to_owned(), golden_network(&golden.join(name)))),
        };
        let size: [usize; 3] = serde_json::from_value(case["size"].clone()).unwrap();
        let image = channels(size, case["channels"].as_u64().unwrap() as usize);
        let inferer: Inferer = serde_json::from_value(case["inferer"].clone()).unwrap();
        let network = AxisOrderAdapter {
            network,
            order: AxisOrder::Xyz,
        };
        let output = inferer.run(&image, &network, &Device::flex()).unwrap();
        let every = case["every"].as_u64().unwrap() as usize;
        let expected: Vec<f32> = serde_json::from_value(case["values"].clone()).unwrap();
        let found = output.data().iter().step_by(every);
        assert_eq!(found.clone().count(), expected.len());
        let largest = expected.iter().fold(1.0f32, |most, v| most.max(v.abs()));
        for (a, b) in found.zip(&expected) {
            let gap = (a - b).abs() / largest;
            assert!(gap <= 1e-4, "{name} {size:?} {inferer:?}: {a}, MONAI's {b}");
        }
        let sum: f64 = output.data().iter().map(|&v| f64::from(v.abs())).sum();
        let expected = case["sum"].as_f64().unwrap();
        assert!(
            (sum - expected).abs() <= 1e-4 * expected,
            "{name} {size:?} {inferer:?}: sum {sum}, MONAI's {expected}"
        );
    }
}
