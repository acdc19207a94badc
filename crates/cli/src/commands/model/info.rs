//! `vesalius model info`: what a model folder, an architecture or a file of weights holds.

use super::Result;
use crate::output::{JsonOutput, table};
use serde::Serialize;
use std::path::Path;
use vesalius::inferers::{MODEL_FILE, describe_model};
use vesalius::model::{is_bundle, open_weights, read_architecture};
use vesalius::networks::{Architecture, NetworkConfig, Profile, Weights};
use vesalius::prelude::*;

#[derive(Serialize)]
struct Info {
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<NetworkInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<WeightsInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelDescription>,
}

#[derive(Serialize)]
struct NetworkInfo {
    name: &'static str,
    spatial_dims: usize,
    in_channels: usize,
    out_channels: usize,
    parameters: u64,
    /// Sizes of the input must be multiples of these, `[x, y, z]`.
    divisor: [usize; 3],
    /// The patch that costs are worked out for, `[x, y, z]`.
    patch: [usize; 3],
    batch: usize,
    /// Bytes, operations, voxels.
    costs: Profile,
}

#[derive(Serialize)]
struct WeightsInfo {
    tensors: usize,
    numbers: usize,
    shapes: Vec<(String, Vec<usize>)>,
}

/// About 96 voxels along each axis, as the network wants them.
fn usual_patch(architecture: &dyn Architecture) -> [usize; 3] {
    let (least, divisor) = (architecture.minimum(), architecture.divisor());
    let flat = architecture.spatial_dims() == 2;
    architecture.fixed_size().unwrap_or_else(|| {
        std::array::from_fn(|axis| {
            let wanted = if flat && axis == 2 { 1 } else { 96 };
            least[axis].max(wanted).next_multiple_of(divisor[axis])
        })
    })
}

fn network_info(
    config: &NetworkConfig,
    patch: Option<[usize; 3]>,
    batch: usize,
) -> Result<NetworkInfo> {
    let patch = patch.unwrap_or_else(|| usual_patch(config.architecture()));
    let costs = config.profile(patch, batch)?;
    let architecture = config.architecture();
    Ok(NetworkInfo {
        name: architecture.name(),
        spatial_dims: architecture.spatial_dims(),
        in_channels: architecture.in_channels(),
        out_channels: architecture.out_channels(),
        parameters: costs.parameters,
        divisor: architecture.divisor(),
        patch,
        batch,
        costs,
    })
}

fn weights_info(weights: &Weights) -> WeightsInfo {
    let shapes: Vec<(String, Vec<usize>)> = weights
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec()))
        .collect();
    let count = |(_, shape): &(String, Vec<usize>)| shape.iter().product::<usize>();
    WeightsInfo {
        tensors: shapes.len(),
        numbers: shapes.iter().map(count).sum(),
        shapes,
    }
}

/// Tells of a path.
pub fn info(path: &Path, patch: Option<[usize; 3]>, batch: usize, json: &JsonOutput) -> Result<()> {
    let of = |config: &NetworkConfig| network_info(config, patch, batch);
    let mut info = Info {
        network: None,
        weights: None,
        model: None,
    };
    let is_text = path.extension().is_some_and(|extension| {
        ["json", "yaml", "yml"]
            .iter()
            .any(|text| extension == *text)
    });
    if path.is_dir() && is_bundle(path) {
        info.network = Some(of(&read_architecture(path)?)?);
        info.weights = Some(weights_info(&open_weights(path)?));
    } else if path.is_dir() || is_model_file(path) {
        let model = describe_model(path)?;
        info.network = Some(of(&model.network)?);
        info.model = Some(model);
    } else if is_text {
        info.network = Some(of(&read_architecture(path)?)?);
    } else {
        info.weights = Some(weights_info(&Weights::open(path)?));
    }
    if !json.replaces_table() {
        print(&info);
    }
    json.write(&info)
}

/// Whether a file is a model's description or an archive of a model folder.
fn is_model_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == MODEL_FILE)
        || path.extension().is_some_and(|extension| extension == "zip")
}

fn print(info: &Info) {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(network) = &info.network {
        row("network", network.name.to_owned());
        row("dimensions", network.spatial_dims.to_string());
        row("channels in", network.in_channels.to_string());
        row("channels out", network.out_channels.to_string());
        row("parameters", network.parameters.to_string());
        row("sizes are multiples of", format!("{:?}", network.divisor));
        let costs = &network.costs;
        let (patch, gibibyte) = (network.patch, f64::from(1 << 30));
        row(
            "costs of a patch of",
            format!("{patch:?}, batch {}", network.batch),
        );
        let operations = costs.flops as f64 / 1e9;
        row("forward pass, GFLOP", format!("{operations:.1}"));
        let size = |bytes: u64| format!("{:.2}", bytes as f64 / gibibyte);
        row("inference on the CPU, GiB", size(costs.inference_memory));
        row("training step on the CPU, GiB", size(costs.training_memory));
        let field = costs.receptive_field.map(|field| format!("{field:?}"));
        row(
            "receptive field",
            field.unwrap_or("the whole patch".to_owned()),
        );
    }
    if let Some(model) = &info.model {
        row("image channels", model.channels.join(", "));
        row("members", model.members.join(", "));
        row("made by", model.provenance.made_by.clone());
    }
    if let Some(weights) = &info.weights {
        row("tensors", weights.tensors.to_string());
        row("numbers", weights.numbers.to_string());
        for (name, shape) in &weights.shapes {
            row(name, format!("{shape:?}"));
        }
    }
    out!("{}", table(&["", "value"], rows));
}
