//! `vesalius model`: networks and weights by themselves.

mod convert;
mod info;

use super::Result;
use crate::combination::CombinationOptions;
use crate::output::JsonOutput;
use crate::target::OutputOption;
use crate::values::triple;
use clap::Subcommand;
use std::path::PathBuf;
use vesalius::model::{open_weights, read_architecture};
use vesalius::prelude::*;

/// Arguments of `vesalius model`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What a model folder, a MONAI bundle, an architecture, an ONNX file or a file of weights holds
    Info {
        /// A model folder, a MONAI bundle's folder, an architecture (JSON or YAML), an ONNX file, or weights
        /// (.safetensors, .pt, .pth)
        path: PathBuf,
        /// Size of the patch that costs are worked out for [default: about 96 voxels along each axis]
        #[arg(long, value_name = "x,y,z", value_parser = triple::<usize>, allow_hyphen_values = true)]
        patch: Option<[usize; 3]>,
        /// Patches in a batch
        #[arg(
            long,
            value_name = "N",
            default_value_t = 1,
            allow_hyphen_values = true
        )]
        batch: usize,
        /// Also what a segmentation of an image of so many voxels takes here: its first windows are run
        #[arg(long, value_name = "X,Y,Z", value_parser = triple::<usize>, allow_hyphen_values = true)]
        size: Option<[usize; 3]>,
        /// The spacing of that image in mm, one or x,y,z [default: the model's own]
        #[arg(long, value_name = "MM", value_parser = triple::<f64>, allow_hyphen_values = true, requires = "size")]
        spacing: Option<[f64; 3]>,
        #[command(flatten)]
        json: JsonOutput,
    },
    /// Write a model folder of nnU-Net's or a MONAI bundle as one of ours, or weights as safetensors
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
        #[command(flatten)]
        overwrite: OutputOption,
    },
    /// Write several model folders, ours or nnU-Net's, as one ensemble
    Ensemble {
        /// The model folders, two or more
        #[arg(required = true, num_args = 2.., value_name = "FOLDER")]
        models: Vec<PathBuf>,
        /// The model folder to write
        #[arg(long)]
        output: PathBuf,
        #[command(flatten)]
        combination: CombinationOptions,
    },
    /// Write two model folders as one: a coarse model finds the region, a fine one segments it
    Cascade {
        /// The model that finds the region
        #[arg(long, value_name = "FOLDER")]
        coarse: PathBuf,
        /// The model that segments it
        #[arg(long, value_name = "FOLDER")]
        fine: PathBuf,
        /// The model folder to write
        #[arg(long)]
        output: PathBuf,
        /// Millimetres to keep around the region [default: those of the `crop_foreground` that the fine
        /// model was trained with]
        #[arg(long, value_name = "MM", allow_hyphen_values = true)]
        margin: Option<f64>,
    },
    /// Write several model folders, each of which segments some of the labels, as one model
    Union {
        /// The description: a YAML file with the members, their labels and what they are cropped to
        #[arg(value_name = "UNION.yaml")]
        description: PathBuf,
        /// The folder to write, with all of the models
        #[arg(long)]
        output: PathBuf,
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
        #[command(flatten)]
        overwrite: OutputOption,
        /// cpu, cuda[:n], wgpu[:n], vulkan[:n]
        #[arg(long, default_value = "cpu")]
        device: String,
    },
}

/// Runs the subcommand.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.command {
        Command::Info {
            path,
            patch,
            batch,
            size,
            spacing,
            json,
        } => {
            let costs = info::Costs {
                patch: *patch,
                batch: *batch,
                size: *size,
                spacing: *spacing,
            };
            info::info(path, &costs, json)
        }
        Command::Convert {
            input,
            output,
            architecture,
            partial,
            overwrite,
        } => {
            // A folder with a model in it is refused when it is written.
            let is_file = output
                .extension()
                .is_some_and(|ending| ending == "safetensors");
            let _claimed = match is_file {
                true => Some(overwrite.file(output, &[input])?),
                false => None,
            };
            convert::convert(input, output, architecture.as_deref(), *partial)
        }
        Command::Ensemble {
            models,
            output,
            combination,
        } => convert::ensemble(models, output, combination),
        Command::Cascade {
            coarse,
            fine,
            output,
            margin,
        } => convert::cascade(coarse, fine, output, *margin),
        Command::Union {
            description,
            output,
        } => convert::union(description, output),
        Command::Run {
            architecture,
            weights,
            input,
            output,
            overwrite,
            device,
        } => {
            let _claimed = overwrite.file(output, &[input])?;
            let network = read_architecture(architecture)?;
            let weights = open_weights(weights.as_ref().unwrap_or(architecture))?;
            let device = parse_device(device)?;
            let shape = vesalius::model::run(&network, &weights, input, output, &device)?;
            out!("{}: {shape:?}", output.display());
            Ok(())
        }
    }
}
