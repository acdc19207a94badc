//! `DiNTS` of drawn architectures against MONAI's outputs, names, numbers of parameters and of operations, stored by
//! `tests/parity/dints.py`. Weights and inputs are made by the same formula on both sides.

use burn::tensor::TensorData;
use serde::Deserialize;
use serde_json::{Value, json};
use vesalius_networks::{NetworkConfig, Weights};
use vesalius_tensor::{Device, Tensor, values_of};

/// Largest difference as a share of the largest output.
const TOLERANCE: f64 = 1e-4;

#[derive(Deserialize)]
struct Stored {
    step: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    architecture: Value,
    names: Vec<String>,
    parameters: u64,
    flops: u64,
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    /// Along the tensor's axes.
    size: Vec<usize>,
    values: Vec<f64>,
}

fn stored() -> Stored {
    serde_json::from_str(include_str!("data/dints.json")).unwrap()
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
        [_] if name.ends_with("bias") => 0.1 * u,
        [_] => 1.0 + 0.2 * u,
        [_, rest @ ..] => u * (3.0 / rest.iter().product::<usize>() as f64).sqrt(),
        [] => u,
    };
    let values = made(name, shape.iter().product());
    values.into_iter().map(|u| value(u) as f32).collect()
}

#[test]
fn outputs_names_and_costs_are_monais() {
    let stored = stored();
    assert!(stored.cases.len() >= 4);
    let device = Device::flex();
    for case in &stored.cases {
        let config = NetworkConfig::from_monai_or_nnunet(&case.architecture).unwrap();
        let empty = config.init(&device).unwrap();
        let mut names: Vec<&str> = empty.parameters().iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, case.names, "{}", case.name);
        let mut weights = Weights::default();
        for named in empty.parameters() {
            // In 2-D PyTorch has no axis of slices, and so the formula.
            let mut shape = named.shape.clone();
            if config.architecture().spatial_dims() == 2 && shape.len() == 5 {
                shape.remove(2);
            }
            let values = weight(&named.name, &shape);
            weights.insert(named.name.clone(), shape, values).unwrap();
        }
        let network = config.load(&weights, &device).unwrap();
        for (number, output) in case.outputs.iter().enumerate() {
            let mut shape = vec![1, 2];
            shape.extend(&output.size);
            if output.size.len() == 2 {
                shape.insert(2, 1);
            }
            let values = made("input", shape.iter().product());
            let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
            let [z, y, x] = [shape[2], shape[3], shape[4]];
            let input = Tensor::<5>::from_data(TensorData::new(values, shape), &device);
            let found = values_of(network.try_forward(input).unwrap().swap_remove(0)).unwrap();
            let kept: Vec<f64> = found
                .iter()
                .step_by(stored.step)
                .map(|v| f64::from(*v))
                .collect();
            assert_eq!(kept.len(), output.values.len(), "{}", case.name);
            let largest = output
                .values
                .iter()
                .fold(0.0f64, |most, v| most.max(v.abs()));
            let gaps = kept.iter().zip(&output.values).map(|(a, b)| (a - b).abs());
            let gap = gaps.fold(0.0, f64::max) / largest;
            println!("{} {:?}: {gap:.1e}", case.name, output.size);
            assert!(gap <= TOLERANCE, "{} {:?}: {gap}", case.name, output.size);
            let cost = config.profile([x, y, z], 1).unwrap();
            assert_eq!(cost.parameters, case.parameters, "{}", case.name);
            if number == 0 {
                let off = cost.flops.abs_diff(case.flops) as f64 / case.flops as f64;
                assert!(
                    off <= 0.01,
                    "{}: {} and {}",
                    case.name,
                    cost.flops,
                    case.flops
                );
            }
        }
        let again = serde_saphyr::to_string(&config).unwrap();
        let again: NetworkConfig = serde_saphyr::from_str(&again).unwrap();
        assert_eq!(again, config);
    }
}

#[test]
fn what_is_no_found_architecture_is_refused_by_its_argument() {
    let case = stored().cases.swap_remove(0);
    let refused = |change: &dyn Fn(&mut Value), word: &str| {
        let mut described = case.architecture.clone();
        change(&mut described);
        let refused = NetworkConfig::from_monai_or_nnunet(&described)
            .unwrap_err()
            .to_string();
        assert!(refused.contains(word), "{word}: {refused}");
    };
    refused(
        &|d| d["dints_space"]["_target_"] = json!("TopologySearch"),
        "TopologySearch",
    );
    refused(
        &|d| d["dints_space"]["arch_code"] = json!([[1]]),
        "arch_code",
    );
    refused(
        &|d| d["dints_space"]["arch_code"] = json!([[[0.5]], [[1]]]),
        "arch_code",
    );
    refused(&|d| d["dints_space"]["num_blocks"] = json!(3), "3 rows");
    refused(
        &|d| d["dints_space"]["use_downsample"] = json!(false),
        "use_downsample",
    );
    refused(&|d| d["node_a"] = json!("all"), "node_a");
    refused(&|d| d["dints_space"]["act_name"] = json!("gelu"), "differs");
    refused(&|d| d["dints_space"]["cell"] = json!("own"), "cell");
    refused(
        &|d| {
            d.as_object_mut().unwrap().remove("dints_space");
        },
        "dints_space",
    );
}
