//! Model folders and weights written in our own forms.

use super::{Error, Result, is_bundle, read_architecture, read_weights, read_weights_partly};
use std::path::Path;
use vesalius_inferers::{ModelDescription, OpenOptions, convert_model, join_cascade};
use vesalius_networks::{Mismatch, Weights};

/// Which weights are kept where an architecture is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Keep {
    /// The weights must be the network's own, all of them and no others.
    #[default]
    Exactly,
    /// What fits by name and shape; the rest has the network's first weights.
    WhatFits,
}

/// What was written.
#[derive(Debug, Clone)]
pub enum Converted {
    /// A model folder.
    Model(Box<ModelDescription>),
    /// A file of weights.
    Weights {
        /// How many tensors it holds.
        tensors: usize,
        /// How many more names share one of them, as nnU-Net's blocks do.
        shared: usize,
        /// What was skipped or missing, with [`Keep::WhatFits`].
        skipped: Mismatch,
    },
}

/// Writes a model folder of nnU-Net or a MONAI bundle (or a zip of it) as one of ours, or weights (also those of a MONAI
/// bundle's folder) as a .safetensors file, checked against an architecture where one is named.
///
/// Tensors that several names share are written once ([`Weights::each_stored_once`]). Where an architecture is named
/// they are written under every name that the original framework's state dict has, so that its `load_state_dict` misses
/// none.
///
/// # Errors
/// An input that is neither, weights that are not the network's, weights to a file of another ending.
pub fn convert(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    architecture: Option<&Path>,
    keep: Keep,
) -> Result<Converted> {
    let (input, output) = (input.as_ref(), output.as_ref());
    let ends = |path: &Path, ending: &str| path.extension().is_some_and(|found| found == ending);
    let is_of_weights = ["safetensors", "pt", "pth"]
        .iter()
        .any(|ending| ends(output, ending));
    if ends(input, "zip") || input.is_dir() && !(is_bundle(input) && is_of_weights) {
        let model = convert_model(input, output, &OpenOptions::default())?;
        return Ok(Converted::Model(Box::new(model)));
    }
    if !ends(output, "safetensors") {
        let reason = "weights are written as .safetensors; name the file so";
        return Err(super::wrong(output, reason));
    }
    let architecture = architecture.or(input.is_dir().then_some(input));
    let network = architecture.map(read_architecture).transpose()?;
    let (weights, skipped) = match (&network, keep) {
        (Some(network), Keep::WhatFits) => read_weights_partly(input, network)?,
        (network, _) => {
            let weights = read_weights(input, network.as_ref())?;
            let mut weights = without_optimiser(weights);
            if network.is_none() {
                weights = weights.each_stored_once();
            }
            (weights, Mismatch::default())
        }
    };
    vesalius_io::write_atomically(output, |file| weights.write_safetensors(file))?;
    Ok(Converted::Weights {
        tensors: weights.len() - weights.shared_names(),
        shared: weights.shared_names(),
        skipped,
    })
}

/// The network's weights of a checkpoint that also holds the optimiser's state, under the names that the
/// network's own state dict has; other weights unchanged.
fn without_optimiser(weights: Weights) -> Weights {
    const WRAPPERS: [&str; 4] = [
        "network_weights.",
        "state_dict.",
        "model_state_dict.",
        "model.",
    ];
    let of_optimiser = |name: &str| name.starts_with("optimizer");
    if !weights.names().any(of_optimiser) {
        return weights;
    }
    let wrapper = WRAPPERS
        .into_iter()
        .find(|wrapper| weights.names().any(|name| name.starts_with(wrapper)));
    let Some(wrapper) = wrapper else {
        return weights;
    };
    let names: Vec<String> = weights
        .names()
        .filter_map(|name| name.strip_prefix(wrapper).map(str::to_owned))
        .collect();
    weights.unwrapped(names.iter().map(String::as_str))
}

/// Millimetres and voxels that a cascade keeps around what its coarse model finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CascadeMargin {
    /// Along each axis, in mm.
    pub millimetres: [f64; 3],
    /// Along each axis, in voxels.
    pub voxels: [usize; 3],
}

/// Writes two model folders as one: the coarse model finds the region, the fine one segments it, with `margin`
/// mm around it (those that the fine model was trained with where it is `None`).
///
/// # Errors
/// As [`join_cascade`].
pub fn cascade(
    coarse: impl AsRef<Path>,
    fine: impl AsRef<Path>,
    output: impl AsRef<Path>,
    margin: Option<f64>,
) -> Result<CascadeMargin> {
    let (coarse, fine, output) = (coarse.as_ref(), fine.as_ref(), output.as_ref());
    let model = join_cascade(coarse, fine, output, margin.map(|margin| [margin; 3]))?;
    let region = model.region.ok_or(Error::NoRegion)?;
    Ok(CascadeMargin {
        millimetres: region.millimetres,
        voxels: region.margin,
    })
}
