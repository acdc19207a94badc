//! Makes a large image and a small model for it, to see `vesalius predict --max-memory` at work:
//!
//! ```text
//! cargo run --release --example large_volume -- FOLDER 512,512,700 105
//! /usr/bin/time -v vesalius predict --model FOLDER/model --input FOLDER/image.nii.gz \
//!     --output FOLDER/labels.nii.gz --max-memory 3.5GiB
//! ```
//!
//! The network is as small as one can be: what is measured is everything around it.

use serde_json::json;
use vesalius::inferers::{Inferer, ModelDescription, SlidingWindow, weights_path};
use vesalius::prelude::*;
use vesalius::volume::Class;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, size, classes] = &arguments[..] else {
        return Err("usage: large_volume FOLDER X,Y,Z CLASSES".into());
    };
    let folder = std::path::PathBuf::from(folder);
    let size: Vec<usize> = size
        .split(',')
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let [x, y, z] = size[..] else {
        return Err("a size has three numbers, X,Y,Z".into());
    };
    std::fs::create_dir_all(&folder)?;
    let grid = Geometry::axis_aligned([x, y, z], [1.0; 3])?;
    let image = Volume::from_fn(grid, |[x, y, z]| {
        (x / 16 * 7 + y / 16 * 13 + z / 16 * 29) as u8
    });
    vesalius::io::write(folder.join("image.nii.gz"), &image)?;
    write_model(&folder.join("model"), classes.parse()?)
}

/// Two levels of two and four features, with first weights.
fn write_model(folder: &std::path::Path, classes: u16) -> Result<()> {
    let network = serde_json::from_value(json!({"plain_conv_unet": {
        "spatial_dims": 3, "input_channels": 1, "num_classes": classes,
        "features_per_stage": [2, 4], "kernel_sizes": 3, "strides": [1, 2],
        "n_conv_per_stage": 1, "n_conv_per_stage_decoder": 1,
    }}))?;
    let classes = (0..classes)
        .map(|value| Class {
            name: format!("class {value}"),
            value,
        })
        .collect();
    let windows = SlidingWindow {
        patch_size: [64, 64, 32],
        overlap: 0.25,
        ..SlidingWindow::default()
    };
    let model = ModelDescription::builder(LabelScheme::of_classes(classes, None)?, network)
        .preprocessing(serde_json::from_value(json!([{"z_score": {}}]))?)
        .inferer(Inferer::SlidingWindow(windows))
        .members(["made"])
        .build()?;
    let weights = weights_path(folder, "made");
    std::fs::create_dir_all(weights.parent().unwrap_or(folder))?;
    let bytes = model
        .network
        .init(&Device::flex())?
        .weights()
        .to_safetensors()?;
    vesalius::io::write_bytes_atomically(&weights, &bytes)?;
    Ok(model.write(folder)?)
}
