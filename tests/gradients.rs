//! The gradient of a loss by every parameter of eleven networks and some variants, against PyTorch's in double precision,
//! stored by `tests/parity/gradients.py`. Weights are made by the same formula on both sides.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Gradients, TensorData};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use vesalius::losses::{DeepSupervision, LossConfig};
use vesalius::networks::{Network, NetworkConfig, Weights};
use vesalius::prelude::*;
use vesalius::tensor::{Int, Logits, tensor_from_values};

/// Largest difference as a share of the parameter's gradient.
const TOLERANCE: f64 = 1e-3;

/// What rounding leaves of a gradient that is zero in exact arithmetic (a bias before an instance norm), as
/// a share of the largest gradient's norm.
const FLOOR: f64 = 1e-6;

#[derive(Deserialize)]
struct Stored {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    architecture: serde_json::Value,
    /// `[N, C, Z, Y, X]`.
    shape: [usize; 5],
    /// Which made numbers go in.
    #[serde(default = "input")]
    input: String,
    heads: usize,
    loss: f64,
    /// By name: norm, largest magnitude, product with made numbers, first, middle and last entry.
    gradients: BTreeMap<String, [f64; 6]>,
}

fn input() -> String {
    "input".to_owned()
}

/// Numbers in [-1, 1) that look random, as the script makes them.
fn made(name: &str, count: usize) -> Vec<f64> {
    let bytes = name.bytes().enumerate();
    let phase: usize = bytes.map(|(i, byte)| (i + 1) * usize::from(byte)).sum();
    let phase = (phase % 1009) as f64 * 78.233;
    let number = |i: usize| {
        let x = (i as f64 * 12.9898 + phase).sin() * 43758.5453;
        2.0 * (x - x.floor()) - 1.0
    };
    (0..count).map(number).collect()
}

fn weight(name: &str, shape: &[usize]) -> Vec<f32> {
    let value = |u: f64| match shape {
        [1] if !name.ends_with("bias") => 0.25 + 0.1 * u,
        [_] if name.ends_with("bias") => 0.1 * u,
        [_] => 1.0 + 0.2 * u,
        [_, rest @ ..] => u * (3.0 / rest.iter().product::<usize>() as f64).sqrt(),
        [] => u,
    };
    let values = made(name, shape.iter().product());
    values.into_iter().map(|u| value(u) as f32).collect()
}

/// Running statistics are not the formula's; in training they do not count.
fn with_made_weights(network: Network) -> Network {
    let mut weights = Weights::default();
    for named in network.parameters().iter().filter(|named| !named.buffer) {
        let values = weight(&named.name, &named.shape);
        weights
            .insert(named.name.clone(), named.shape.clone(), values)
            .unwrap();
    }
    network.load_partly(&weights).unwrap().0
}

/// The loss, and the gradients by name.
fn gradients(case: &Case) -> (f64, BTreeMap<String, Vec<f64>>) {
    let device = parse_device("cpu").unwrap().autodiff();
    let config = NetworkConfig::from_monai_or_nnunet(&case.architecture).unwrap();
    let network = with_made_weights(config.init(&device).unwrap());
    let [n, channels, z, y, x] = case.shape;
    let count = n * channels * z * y * x;
    let values = made(&case.input, count)
        .into_iter()
        .map(|v| v as f32)
        .collect();
    let input = tensor_from_values(values, n, channels, [x, y, z], &device).unwrap();
    let labels: Vec<i32> = (0..count).map(|i| (i / 3 % 3) as i32).collect();
    let labels = TensorData::new(labels, [n, 1, z, y, x]);
    let labels = Tensor::<5, Int>::from_data(labels, &device);
    let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
    let heads: Vec<Logits> = network
        .try_forward(input)
        .unwrap()
        .into_iter()
        .map(|head| Logits::new(head, &scheme).unwrap())
        .collect();
    assert_eq!(heads.len(), case.heads, "{}", case.name);
    let loss = DeepSupervision::default()
        .forward(&LossConfig::default(), &heads, &labels)
        .unwrap();
    let value: f64 = loss.clone().into_scalar();
    (value, by_name(&network, &loss.backward()))
}

/// Gradients by a parameter's identity.
struct Collect<'a> {
    from: &'a Gradients,
    found: HashMap<ParamId, Vec<f64>>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad(self.from) {
            let values = gradient.into_data().iter::<f64>().collect();
            self.found.insert(param.id, values);
        }
    }
}

fn by_name(network: &Network, gradients: &Gradients) -> BTreeMap<String, Vec<f64>> {
    let mut collect = Collect {
        from: gradients,
        found: HashMap::new(),
    };
    network.visit(&mut collect);
    let mut found = collect.found;
    let named = network.parameters().iter();
    named
        .filter_map(|named| Some((named.name.clone(), found.remove(&named.id)?)))
        .collect()
}

fn check(case: &Case) {
    let (loss, found) = gradients(case);
    let name = &case.name;
    assert!(
        (loss - case.loss).abs() <= 1e-5 * case.loss,
        "{name}: {loss}, not {}",
        case.loss
    );
    let largest = case
        .gradients
        .values()
        .fold(0.0f64, |most, g| most.max(g[0]));
    assert!(largest > 0.0);
    let mut worst = (0.0, "");
    for (key, expected) in &case.gradients {
        let zeros = vec![0.0; 1];
        let gradient = found.get(key).unwrap_or(&zeros);
        assert!(
            found.contains_key(key) || expected[0] == 0.0,
            "{name}: no gradient of {key}"
        );
        let with = made(&format!("with {key}"), gradient.len());
        let last = gradient.len() - 1;
        let ours = [
            gradient.iter().map(|g| g * g).sum::<f64>().sqrt(),
            gradient.iter().fold(0.0, |most, g| g.abs().max(most)),
            gradient.iter().zip(with).map(|(g, w)| g * w).sum(),
            gradient[0],
            gradient[gradient.len() / 2],
            gradient[last],
        ];
        // The product is of a vector's length, entries are measured by the largest of them.
        let scales = [0, 1, 0, 1, 1, 1].map(|of| expected[of]);
        for ((ours, expected), scale) in ours.into_iter().zip(expected).zip(scales) {
            let gap = (ours - expected).abs();
            assert!(
                gap <= TOLERANCE * scale + FLOOR * largest,
                "{name}: {key}: {ours}, not {expected} (of {scale})"
            );
            let share = gap / (scale + FLOOR / TOLERANCE * largest);
            if share > worst.0 {
                worst = (share, key);
            }
        }
    }
    println!(
        "{name}: {} parameters, worst {:.1e} ({})",
        case.gradients.len(),
        worst.0,
        worst.1
    );
}

#[test]
fn every_gradient_is_pytorchs() {
    let stored: Stored = serde_json::from_str(include_str!("data/gradients.json")).unwrap();
    assert_eq!(stored.cases.len(), 13);
    stored.cases.iter().for_each(check);
}
