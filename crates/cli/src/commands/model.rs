//! `vesalius model`: networks and weights by themselves.

use super::Result;
use crate::output::{JsonOutput, table};
use clap::Subcommand;
use serde::Serialize;
use std::path::{Path, PathBuf};
use vesalius::inferers::MODEL_FILE;
use vesalius::model::{read_architecture, read_weights};
use vesalius::networks::{NetworkConfig, Weights};
use vesalius::prelude::*;

/// Arguments of `vesalius model`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What a model folder, an architecture or a file of weights holds
    Info {
        /// A model folder, an architecture (JSON or YAML), or weights (.safetensors, .pt, .pth)
        path: PathBuf,
        #[command(flatten)]
        json: JsonOutput,
    },
    /// Write weights as safetensors, under PyTorch's names
    Convert {
        /// Weights to read: .pt, .pth or .safetensors
        input: PathBuf,
        /// The .safetensors file to write
        output: PathBuf,
        /// Keep the weights of this network alone, and all of them
        #[arg(long, value_name = "FILE")]
        architecture: Option<PathBuf>,
    },
    /// Run a network on one raw tensor
    Run {
        /// The network: MONAI's or nnU-Net's JSON, or our own YAML
        #[arg(long, value_name = "FILE")]
        architecture: PathBuf,
        /// Its weights: .pt, .pth or .safetensors
        #[arg(long, value_name = "FILE")]
        weights: PathBuf,
        /// The input, a .npy of 32-bit floats: [N, C, Z, Y, X] or [N, C, Y, X]
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// The .npy file to write
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// cpu, cuda[:n], wgpu[:n], vulkan[:n]
        #[arg(long, default_value = "cpu")]
        device: String,
    },
}

/// Does what the subcommand says.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::Info { path, json } => info(path, json),
        Command::Convert {
            input,
            output,
            architecture,
        } => convert(input, output, architecture.as_deref()),
        Command::Run {
            architecture,
            weights,
            input,
            output,
            device,
        } => {
            let network = read_architecture(architecture)?;
            let weights = Weights::open(weights)?;
            let device = parse_device(device)?;
            let shape = vesalius::model::run(&network, &weights, input, output, &device)?;
            println!("{}: {shape:?}", output.display());
            Ok(())
        }
    }
}

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
    parameters: usize,
    /// Sizes of the input must be multiples of these, `[x, y, z]`.
    divisor: [usize; 3],
}

#[derive(Serialize)]
struct WeightsInfo {
    tensors: usize,
    numbers: usize,
    shapes: Vec<(String, Vec<usize>)>,
}

fn network_info(config: &NetworkConfig) -> Result<NetworkInfo> {
    let network = config.init(&Device::flex())?;
    let architecture = config.architecture();
    Ok(NetworkInfo {
        name: architecture.name(),
        spatial_dims: architecture.spatial_dims(),
        in_channels: architecture.in_channels(),
        out_channels: architecture.out_channels(),
        parameters: network.parameter_count(),
        divisor: architecture.divisor(),
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

fn info(path: &Path, json: &JsonOutput) -> Result<()> {
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
    if path.is_dir() || path.file_name().is_some_and(|name| name == MODEL_FILE) {
        let folder = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(path)
        };
        let model = ModelDescription::read(folder)?;
        info.network = Some(network_info(&model.network)?);
        info.model = Some(model);
    } else if is_text {
        info.network = Some(network_info(&read_architecture(path)?)?);
    } else {
        info.weights = Some(weights_info(&Weights::open(path)?));
    }
    if !json.replaces_table() {
        print(&info);
    }
    json.write(&info)
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
    println!("{}", table(&["", "value"], rows));
}

fn convert(input: &Path, output: &Path, architecture: Option<&Path>) -> Result<()> {
    if output
        .extension()
        .is_none_or(|extension| extension != "safetensors")
    {
        let name = output.display();
        return Err(
            format!("{name}: weights are written as .safetensors; name the file so").into(),
        );
    }
    let network = architecture.map(read_architecture).transpose()?;
    let weights = read_weights(input, network.as_ref())?;
    vesalius::io::write_bytes_atomically(output, &weights.to_safetensors()?)?;
    println!("{}: {} tensors", output.display(), weights.len());
    Ok(())
}
