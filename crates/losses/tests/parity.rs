//! Values and gradients of the losses against MONAI's, nnU-Net's and PyTorch's, stored by
//! `tests/parity/losses.py` at the repository's root.

use burn::tensor::TensorData;
use serde::Deserialize;
use vesalius_losses::LossConfig;
use vesalius_tensor::{Device, Int, Logits, Tensor};
use vesalius_volume::LabelScheme;

#[derive(Deserialize)]
struct Stored {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    scheme: String,
    loss: LossConfig,
    value: f64,
    gradient: Vec<f32>,
}

const DIMS: [usize; 5] = [2, 3, 3, 4, 5];

fn logits(device: &Device) -> Tensor<5> {
    let count: usize = DIMS.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|i| (2.5 * (0.7 * i as f64).sin() + 0.01 * (i % 7) as f64) as f32)
        .collect();
    Tensor::from_data(TensorData::new(values, DIMS), device).require_grad()
}

fn labels(classes: usize, device: &Device) -> Tensor<5, Int> {
    let [n, _, z, y, x] = DIMS;
    let values: Vec<i32> = (0..n * z * y * x)
        .map(|i| (i * 7919 / 5 % classes) as i32)
        .collect();
    Tensor::from_data(TensorData::new(values, [n, 1, z, y, x]), device)
}

fn ignoring(classes: &[(&str, u16)], value: u16) -> LabelScheme {
    let scheme = LabelScheme::exclusive(classes).unwrap();
    scheme.with_ignore(Some(value)).unwrap()
}

fn scheme(name: &str) -> (LabelScheme, usize) {
    let regions: &[(&str, &[u16], u16)] =
        &[("a", &[1, 2, 3], 1), ("b", &[2, 3], 2), ("c", &[3], 3)];
    match name {
        "regions" => (LabelScheme::regions(regions).unwrap(), 4),
        "two classes" => (LabelScheme::exclusive(&[("a", 1)]).unwrap(), 2),
        "two classes ignore 2" => (ignoring(&[("a", 1)], 2), 3),
        "exclusive" => (LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap(), 3),
        "exclusive ignore 3" => (ignoring(&[("a", 1), ("b", 2)], 3), 4),
        other => panic!("no such scheme: {other}"),
    }
}

#[test]
fn values_and_gradients_agree_with_the_peers() {
    let text = include_str!("data/losses.json");
    let stored: Stored = serde_json::from_str(text).unwrap();
    assert!(stored.cases.len() >= 47);
    let device = Device::flex().autodiff();
    for case in stored.cases {
        let (scheme, classes) = scheme(&case.scheme);
        let x = logits(&device);
        let channels = x.clone().narrow(1, 0, scheme.channels());
        let output = Logits::new(channels, &scheme).unwrap();
        case.loss.check().unwrap();
        let loss = case
            .loss
            .forward(&output, &labels(classes, &device))
            .unwrap();
        let value: f64 = loss.clone().into_scalar();
        assert!(
            (value - case.value).abs() <= 2e-6 * case.value.abs().max(1.0),
            "{}: {value}, not {}",
            case.name,
            case.value
        );
        let gradient = x.grad(&loss.backward()).unwrap().into_data();
        let gradient: Vec<f32> = gradient.iter::<f32>().step_by(17).collect();
        assert_eq!(gradient.len(), case.gradient.len());
        let largest = case.gradient.iter().fold(0.0f32, |a, b| a.max(b.abs()));
        for (found, expected) in gradient.iter().zip(&case.gradient) {
            assert!(
                (found - expected).abs() <= 1e-5 * largest,
                "{}: gradient {found}, not {expected}",
                case.name
            );
        }
    }
}
