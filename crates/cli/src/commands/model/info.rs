//! `vesalius model info`: what a model folder, an architecture or a file of weights holds.

use super::Result;
use crate::interrupt::followed;
use crate::output::{JsonOutput, table};
use serde::Serialize;
use std::path::Path;
use vesalius::model::{
    Inspected, OnnxFacts, PartRole, SegmentationCosts, Summary, WeightFacts, inspect,
    segmentation_costs,
};
use vesalius::networks::NetworkConfig;

/// Describes a path.
pub fn info(path: &Path, of: &Costs, json: &JsonOutput) -> Result<()> {
    let inspected = inspect(path, of.patch, of.batch)?;
    let segmentation = match of.size {
        Some(size) if inspected.model.is_none() => {
            let path = path.display();
            return Err(
                format!("--size {size:?}: {path} is no model folder, which it needs").into(),
            );
        }
        Some(size) => Some(segmentation_costs(path, size, of.spacing, &followed())?),
        None => None,
    };
    let found = Found {
        inspected,
        segmentation,
    };
    if !json.replaces_table() {
        print(path, &found);
    }
    json.write(&found)
}

/// What costs are worked out for.
pub struct Costs {
    /// A patch of the network.
    pub patch: Option<[usize; 3]>,
    /// Patches in a batch.
    pub batch: usize,
    /// Voxels of an image.
    pub size: Option<[usize; 3]>,
    /// Its spacing in mm.
    pub spacing: Option<[f64; 3]>,
}

#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    inspected: Inspected,
    #[serde(skip_serializing_if = "Option::is_none")]
    segmentation: Option<SegmentationCosts>,
}

/// Labels, further models and steps of a model folder.
fn summary_rows(summary: &Summary, row: &mut impl FnMut(&str, String)) {
    let labels = summary.labels.iter();
    let labels: Vec<String> = labels.map(|l| format!("{} {}", l.value, l.name)).collect();
    row("labels", labels.join(", "));
    for part in &summary.parts {
        let role = match part.role {
            PartRole::Region => "found by, before",
            PartRole::PreviousStage => "after the labels of",
            PartRole::Member => "member",
            _ => "together with",
        };
        let network = part.network.as_deref().unwrap_or("a model elsewhere");
        let members = part.members;
        row(
            role,
            format!("{}: {network}, members: {members}", part.folder),
        );
    }
    for step in &summary.preprocessing {
        row("preprocessing", step.clone());
    }
    for step in &summary.postprocessing {
        row("postprocessing", step.clone());
    }
}

fn onnx_rows(onnx: &OnnxFacts, row: &mut impl FnMut(&str, String)) {
    row("ONNX operators of version", onnx.opset.to_string());
    if !onnx.other_sets.is_empty() {
        row("further sets of operators", onnx.other_sets.join(", "));
    }
    row("written by", onnx.producer.clone());
    for (role, values) in [("input", &onnx.inputs), ("output", &onnx.outputs)] {
        for value in values {
            let axes: Vec<String> = value.shape.iter().map(ToString::to_string).collect();
            row(
                role,
                format!("{}: {:?} [{}]", value.name, value.element, axes.join(", ")),
            );
        }
    }
    row("numbers", onnx.numbers.to_string());
    if onnx.beside > 0 {
        row("weights in other files", onnx.beside.to_string());
    }
    let operators = onnx.operators.iter();
    let operators: Vec<String> = operators
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    row("operators", operators.join(", "));
}

fn segmentation_rows(costs: &SegmentationCosts, row: &mut impl FnMut(&str, String)) {
    let size = costs.size.map(|n| n.to_string()).join(" × ");
    let spacing = costs.spacing.map(|mm| format!("{mm}")).join(" × ");
    row("an image of", format!("{size} voxels at {spacing} mm"));
    row("windows", costs.windows.to_string());
    row(
        "memory, GiB",
        format!("{:.2}", costs.memory as f64 / f64::from(1 << 30)),
    );
    row("seconds on this CPU", format!("{:.1}", costs.seconds));
}

/// A network's config in one line, which `--architecture` takes from a file.
fn described(config: &NetworkConfig) -> String {
    serde_json::to_string(config).unwrap_or_default()
}

fn print(path: &Path, found: &Found) {
    let info = &found.inspected;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(recognised) = &info.recognised {
        row("belongs to", described(&recognised.config));
        row("not shown by weights", recognised.assumed.join(", "));
    }
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
    if let Some(onnx) = &info.onnx {
        onnx_rows(onnx, &mut row);
    }
    if let Some(reason) = &info.refused {
        row("as a model", format!("not used: {reason}"));
    }
    if let Some(summary) = &info.summary {
        summary_rows(summary, &mut row);
    }
    if let Some(costs) = &found.segmentation {
        segmentation_rows(costs, &mut row);
    }
    if path.is_dir() && info.model.is_none() && info.weights.is_none() {
        row(
            "weights",
            "none in `models`: the bundle is its configs alone".to_owned(),
        );
    }
    if let Some(weights) = &info.weights {
        row("tensors", tensors(weights));
        row("numbers", weights.numbers.to_string());
        for (name, shape) in &weights.shapes {
            row(name, format!("{shape:?}"));
        }
    }
    out!("{}", table(&["", "value"], rows));
}

/// How many tensors are stored, and how many more names share one of them.
fn tensors(weights: &WeightFacts) -> String {
    match weights.shared {
        0 => weights.tensors.to_string(),
        shared => format!("{}, {shared} more names for some of them", weights.tensors),
    }
}
