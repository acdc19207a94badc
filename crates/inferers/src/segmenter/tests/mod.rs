//! Models whose networks are made for a known output: the parts that all of these tests use.

mod controlled;
mod cropped;
mod custom;
mod finite;
mod limits;
mod networks;
mod resources;
mod together;
mod union;
mod weights;

use super::*;
use burn::tensor::{Device, Tensor};
use std::path::Path;
use vesalius_networks::Weights;
use vesalius_volume::Geometry;

const CLASSES: &str =
    "{exclusive: {classes: [{name: background, value: 0}, {name: organ, value: 1}]}}";
const REGIONS: &str = "{regions: {regions: [{name: organ, labels: [1], paint: 1}]}}";
const WINDOWS: &str = "{sliding_window: {patch_size: [8, 8, 8]}}";

fn model(labels: &str, preprocessing: &str, inferer: &str) -> ModelDescription {
    try_model(labels, preprocessing, inferer).unwrap()
}

fn try_model(
    labels: &str,
    preprocessing: &str,
    inferer: &str,
) -> std::result::Result<ModelDescription, serde_saphyr::Error> {
    let scheme: vesalius_volume::LabelScheme = serde_saphyr::from_str(labels).unwrap();
    let channels = scheme.channels();
    let text = format!(
        "channels: [c]\nlabels: {labels}\npreprocessing: {preprocessing}\ninferer: {inferer}\n\
         network: {{unet: {{spatial_dims: 3, in_channels: 1, out_channels: {channels}, channels: [4, 8], strides: [2]}}}}\n\
         members: [m]\n"
    );
    serde_saphyr::from_str(&text)
}

/// Labels everything as the organ, or the region.
fn organ(patch: Tensor<5>) -> Tensor<5> {
    let nothing = patch * 0.0;
    Tensor::cat(vec![nothing.clone() - 5.0, nothing + 5.0], 1)
}

fn region(patch: Tensor<5>) -> Tensor<5> {
    patch * 0.0 + 5.0
}

fn segmenter(model: ModelDescription) -> Segmenter {
    let network: Box<dyn PatchNetwork + Send + Sync> = match model.labels.channels() {
        1 => Box::new(region),
        _ => Box::new(organ),
    };
    Segmenter::with_networks(model, vec![network], &Device::flex()).unwrap()
}

/// Bright within three voxels of each border.
fn image() -> Volume<f32> {
    let grid = Geometry::axis_aligned([20, 18, 16], [1.0; 3]).unwrap();
    Volume::from_fn(grid, |at| if is_foreground(at) { 100.0 } else { 0.0 })
}

fn is_foreground(at: [usize; 3]) -> bool {
    let size = [20, 18, 16];
    (0..3).all(|a| (3..size[a] - 3).contains(&at[a]))
}

/// A model folder of ours with changed weights.
fn folder(path: &Path, change: impl FnOnce(&mut Weights)) -> ModelDescription {
    let mut description = model(CLASSES, "[]", WINDOWS);
    let network = description.network.init(&Device::flex()).unwrap();
    let mut weights = network.weights();
    change(&mut weights);
    let bytes = weights.to_safetensors().unwrap();
    description.write_with_weights(path, "m", &bytes).unwrap();
    description
}
