//! `vesalius model`: networks and weights by themselves.

use super::Result;
use crate::output::{JsonOutput, table};
use crate::values::triple;
use clap::Subcommand;
use serde::Serialize;
use std::path::{Path, PathBuf};
use vesalius::inferers::{MODEL_FILE, NnUnetModelFolder, OpenOptions, convert_model};
use vesalius::model::{
    is_bundle, open_weights, read_architecture, read_weights, read_weights_partly,
};
use vesalius::networks::{Architecture, NetworkConfig, Profile, Weights};
use vesalius::prelude::*;

/// Arguments of `vesalius model`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What a model folder, a MONAI bundle, an architecture or a file of weights holds
    Info {
        /// A model folder, a MONAI bundle's folder, an architecture (JSON or YAML), or weights
        /// (.safetensors, .pt, .pth)
        path: PathBuf,
        /// Size of the patch that costs are worked out for [default: about 96 voxels along each axis]
        #[arg(long, value_name = "x,y,z", value_parser = triple::<usize>)]
        patch: Option<[usize; 3]>,
        /// Patches in a batch
        #[arg(long, value_name = "N", default_value_t = 1)]
        batch: usize,
        #[command(flatten)]
        json: JsonOutput,
    },
    /// Write a model folder of nnU-Net's as one of ours, or weights as safetensors
    Convert {
        /// A model folder, weights (.pt, .pth, .safetensors), or a MONAI bundle's folder
        input: PathBuf,
        /// The model folder or the .safetensors file to write
        output: PathBuf,
        /// Keep the weights of this network alone, and all of them
        #[arg(long, value_name = "FILE")]
        architecture: Option<PathBuf>,
        /// Keep what fits by name and shape, give the network's first weights to the rest, and list what
        /// was skipped: for another number of classes or channels
        #[arg(long, requires = "architecture")]
        partial: bool,
    },
    /// Run a network on one raw tensor
    Run {
        /// The network: MONAI's or nnU-Net's JSON, our own YAML, or a MONAI bundle's folder
        #[arg(long, value_name = "FILE")]
        architecture: PathBuf,
        /// Its weights: .pt, .pth or .safetensors [default: the bundle's]
        #[arg(long, value_name = "FILE")]
        weights: Option<PathBuf>,
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
        Command::Info {
            path,
            patch,
            batch,
            json,
        } => info(path, *patch, *batch, json),
        Command::Convert {
            input,
            output,
            architecture,
            partial,
        } => convert(input, output, architecture.as_deref(), *partial),
        Command::Run {
            architecture,
            weights,
            input,
            output,
            device,
        } => {
            let network = read_architecture(architecture)?;
            let weights = open_weights(weights.as_ref().unwrap_or(architecture))?;
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

fn info(path: &Path, patch: Option<[usize; 3]>, batch: usize, json: &JsonOutput) -> Result<()> {
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
    } else if path.is_dir() || path.file_name().is_some_and(|name| name == MODEL_FILE) {
        let folder = if path.is_dir() {
            path
        } else {
            path.parent().unwrap_or(path)
        };
        let model = match NnUnetModelFolder::is_one(folder) {
            true => NnUnetModelFolder::read(folder, None)?.description,
            false => ModelDescription::read(folder)?,
        };
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
    println!("{}", table(&["", "value"], rows));
}

fn convert(input: &Path, output: &Path, architecture: Option<&Path>, partial: bool) -> Result<()> {
    if input.is_dir() && !is_bundle(input) {
        let model = convert_model(input, output, &OpenOptions::default())?;
        println!("{}: {} member(s)", output.display(), model.members.len());
        return Ok(());
    }
    if output
        .extension()
        .is_none_or(|extension| extension != "safetensors")
    {
        let name = output.display();
        return Err(
            format!("{name}: weights are written as .safetensors; name the file so").into(),
        );
    }
    let architecture = architecture.or(input.is_dir().then_some(input));
    let network = architecture.map(read_architecture).transpose()?;
    let weights = match &network {
        Some(network) if partial => {
            let (weights, skipped) = read_weights_partly(input, network)?;
            if !skipped.is_empty() {
                eprintln!("skipped: {skipped}");
            }
            weights
        }
        network => read_weights(input, network.as_ref())?,
    };
    vesalius::io::write_atomically(output, |file| weights.write_safetensors(file))?;
    println!("{}: {} tensors", output.display(), weights.len());
    Ok(())
}
