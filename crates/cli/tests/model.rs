//! `vesalius model` on a MONAI bundle's folder: costs, weights, a raw tensor, another number of classes.

mod common;

use common::{error, success, vesalius};
use std::path::Path;
use vesalius::networks::{NetworkConfig, Weights};
use vesalius::prelude::*;

const BUNDLE: &str = r#"{
    "levels": [4, 8],
    "device": "$torch.device('cpu')",
    "network_def": {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
                    "channels": "@levels", "strides": [2]},
    "network": "$@network_def.to(@device)"
}"#;

fn make_bundle(folder: &Path) {
    std::fs::create_dir_all(folder.join("configs")).unwrap();
    std::fs::create_dir_all(folder.join("models")).unwrap();
    std::fs::write(folder.join("configs/inference.json"), BUNDLE).unwrap();
    let config = NetworkConfig::from_monai_bundle(&serde_json::from_str(BUNDLE).unwrap()).unwrap();
    let network = config.init_seeded(&Device::flex(), 3).unwrap();
    let bytes = network.weights().to_safetensors().unwrap();
    std::fs::write(folder.join("models/model.safetensors"), bytes).unwrap();
}

#[test]
fn a_bundle_is_an_architecture_with_its_weights() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    make_bundle(&folder.join("bundle"));
    let info = |more: &[&str]| -> serde_json::Value {
        let arguments = [&["model", "info", "bundle", "--json"], more].concat();
        serde_json::from_str(&success(folder, &arguments)).unwrap()
    };
    let one = info(&["--patch", "16"]);
    assert_eq!(one["network"]["name"], "unet");
    assert_eq!(one["network"]["parameters"], one["weights"]["numbers"]);
    let two = info(&["--patch", "16", "--batch", "2"]);
    let flops = |info: &serde_json::Value| info["network"]["costs"]["flops"].as_u64().unwrap();
    assert_eq!(flops(&two), 2 * flops(&one));
    let table = success(folder, &["model", "info", "bundle"]);
    assert!(
        table.contains("receptive field") && table.contains("[96, 96, 96]"),
        "{table}"
    );
    let odd = error(folder, &["model", "info", "bundle", "--patch", "15"]);
    assert!(odd.contains("[14, 14, 14] and [16, 16, 16]"), "{odd}");

    success(folder, &["model", "convert", "bundle", "all.safetensors"]);
    let stored = Weights::open(folder.join("bundle/models/model.safetensors")).unwrap();
    let converted = Weights::open(folder.join("all.safetensors")).unwrap();
    assert_eq!(converted.len(), stored.len());
    for (name, tensor) in stored.iter() {
        let found = converted.get(name).unwrap().values().unwrap();
        assert_eq!(found, tensor.values().unwrap(), "{name}");
    }
}

#[test]
fn another_number_of_classes_keeps_what_fits_and_says_what_was_skipped() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    make_bundle(&folder.join("bundle"));
    let other = "unet: {channels: [4, 8], strides: [2], out_channels: 5, num_res_units: 0}";
    std::fs::write(folder.join("other.yaml"), other).unwrap();
    let convert = [
        "model",
        "convert",
        "bundle",
        "part.safetensors",
        "--architecture",
        "other.yaml",
    ];
    let refused = error(folder, &convert);
    assert!(refused.contains("of another shape"), "{refused}");
    assert!(!folder.join("part.safetensors").exists());
    let output = vesalius(folder, &[&convert[..], &["--partial"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("model.2.conv.weight"),
        "{said}"
    );
    let part = Weights::open(folder.join("part.safetensors")).unwrap();
    let stored = Weights::open(folder.join("bundle/models/model.safetensors")).unwrap();
    let of = |weights: &Weights, name: &str| weights.get(name).unwrap().values().unwrap();
    let kept = "model.0.conv.weight";
    assert_eq!(of(&part, kept), of(&stored, kept));
    assert_eq!(part.get("model.2.conv.bias").unwrap().shape(), [5]);
}

#[test]
fn a_bundle_that_needs_python_is_refused_by_the_place() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    make_bundle(&folder.join("bundle"));
    let text = BUNDLE.replace("[4, 8]", "\"$[4 * i for i in (1, 2)]\"");
    std::fs::write(folder.join("bundle/configs/inference.json"), text).unwrap();
    let said = error(folder, &["model", "info", "bundle"]);
    assert!(
        said.contains("`levels`") && said.contains("expression"),
        "{said}"
    );
}
