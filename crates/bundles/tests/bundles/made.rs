//! Small bundles on disk.

use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use vesalius_bundles::{Bundle, BundleDescription, Result};

/// A config with every part that a bundle has, as the zoo's CT bundles are built.
pub fn config() -> Value {
    json!({
        "imports": ["$import glob", "$import numpy", "$import copy"],
        "bundle_root": "/somewhere/else",
        "image_key": "image",
        "output_dtype": "$numpy.float32",
        "datalist": "$list(sorted(glob.glob(@bundle_root + '/*.nii.gz')))",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": {
            "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3,
            "channels": [8, 16], "strides": [2]
        },
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": [
            {"_target_": "LoadImaged", "keys": "@image_key"},
            {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
            {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
            {"_target_": "Spacingd", "keys": "@image_key", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
            {"_target_": "ScaleIntensityRanged", "keys": "@image_key",
                "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": true},
            {"_target_": "EnsureTyped", "keys": "@image_key", "device": "@device"}
        ]},
        "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96, 96, 64], "sw_batch_size": 4, "overlap": 0.5},
        "postprocessing": {"_target_": "Compose", "transforms": [
            {"_target_": "Activationsd", "keys": "pred", "softmax": true},
            {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "@image_key",
                "nearest_interp": false, "to_tensor": true},
            {"_target_": "AsDiscreted", "keys": "pred", "argmax": true},
            {"_target_": "SaveImaged", "keys": "pred", "output_dtype": "@output_dtype", "output_postfix": "seg"}
        ]},
        "evaluator": {
            "_target_": "SupervisedEvaluator", "device": "@device", "val_data_loader": "@loader_that_is_absent",
            "network": "@network", "inferer": "@inferer", "postprocessing": "@postprocessing", "amp": true
        },
        "checkpointloader": {"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"}, "map_location": "@device"},
        "run": ["$@evaluator.run()"]
    })
}

pub fn metadata() -> Value {
    json!({
        "name": "Made", "version": "0.1.0", "monai_version": "1.4.0",
        "network_data_format": {
            "inputs": {"image": {"modality": "CT", "num_channels": 1, "channel_def": {"0": "image"}}},
            "outputs": {"pred": {"num_channels": 3, "channel_def": {"0": "background", "1": "liver", "2": "tumour"}}}
        }
    })
}

/// A bundle's folder with a config and metadata.
pub fn folder(config: &Value, metadata: &Value) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "configs/inference.json", &config.to_string());
    write(
        folder.path(),
        "configs/metadata.json",
        &metadata.to_string(),
    );
    folder
}

pub fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What a config describes.
pub fn describe(config: &Value) -> Result<BundleDescription> {
    let folder = folder(config, &metadata());
    Bundle::open(folder.path()).unwrap().describe()
}

/// What the config above describes with one of its values changed.
pub fn described_with(id: &str, value: Value) -> Result<BundleDescription> {
    let folder = folder(&config(), &metadata());
    let mut bundle = Bundle::open(folder.path()).unwrap();
    bundle.config_mut().set(id, value).unwrap();
    bundle.describe()
}

/// A zip archive of files.
pub fn archive(folder: &Path, files: &[(&str, &str)]) -> PathBuf {
    let path = folder.join("bundle.zip");
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, text) in files {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
    path
}
