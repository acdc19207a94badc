//! `vesalius model info`: what a model folder, an architecture or a file of weights holds.

use super::Result;
use crate::output::{JsonOutput, table};
use std::path::Path;
use vesalius::model::{Inspected, inspect};

/// Tells of a path.
pub fn info(path: &Path, patch: Option<[usize; 3]>, batch: usize, json: &JsonOutput) -> Result<()> {
    let found = inspect(path, patch, batch)?;
    if !json.replaces_table() {
        print(&found);
    }
    json.write(&found)
}

fn print(info: &Inspected) {
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
