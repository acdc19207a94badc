//! `vesalius model` on a MONAI bundle's folder: costs, weights, a raw tensor, another number of classes; and `predict`
//! on a model folder whose weights are damaged.

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
    // A bundle as it comes without its weights is its configs alone.
    std::fs::create_dir(folder.join("bare")).unwrap();
    let (from, to) = (folder.join("bundle/configs"), folder.join("bare/configs"));
    std::fs::create_dir(&to).unwrap();
    std::fs::copy(from.join("inference.json"), to.join("inference.json")).unwrap();
    let table = success(folder, &["model", "info", "bare"]);
    assert!(
        table.contains("none in `models`") && table.contains("receptive field"),
        "{table}"
    );
    let bare = error(folder, &["model", "convert", "bare", "w.safetensors"]);
    assert!(bare.contains("the MONAI bundle has no weights"), "{bare}");
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
        said.contains("`levels` is") && said.contains("set `levels`"),
        "{said}"
    );
}

/// A model folder with made weights and a scan; `change` is made to the weights before they are written.
fn make_model(folder: &Path, change: impl FnOnce(&mut Weights)) {
    let text = "channels: [c]\n\
        labels: {exclusive: {classes: [{name: background, value: 0}, {name: a, value: 1}]}}\n\
        network: {unet: {spatial_dims: 3, in_channels: 1, out_channels: 2, channels: [4, 8], strides: [2]}}\n\
        inferer: {simple: {}}\nmembers: [fold_0]\n";
    std::fs::write(folder.join("model.yaml"), text).unwrap();
    let mut model = ModelDescription::read(folder).unwrap();
    let network = model.network.init_seeded(&Device::flex(), 3).unwrap();
    let mut weights = network.weights();
    change(&mut weights);
    let bytes = weights.to_safetensors().unwrap();
    let model_folder = folder.join("model");
    std::fs::create_dir(&model_folder).unwrap();
    model
        .write_with_weights(&model_folder, "fold_0", &bytes)
        .unwrap();
    let grid = Geometry::axis_aligned([8; 3], [1.0; 3]).unwrap();
    let scan = Volume::from_fn(grid, |[x, y, z]| (x + 2 * y + 3 * z) as f32);
    vesalius::io::write(folder.join("scan.nii.gz"), &scan).unwrap();
}

const PREDICT: [&str; 7] = [
    "predict",
    "--model",
    "model",
    "--input",
    "scan.nii.gz",
    "--output",
    "out",
];

#[test]
fn predict_refuses_weights_of_another_checksum_and_tells_those_without_one() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    make_model(folder, |_| {});
    let strict = [&["--strict"], &PREDICT[..]].concat();
    success(folder, &strict);
    let file = folder.join("model/members/fold_0/weights.safetensors");
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    std::fs::write(&file, &damaged).unwrap();
    let said = error(folder, &PREDICT);
    for word in [
        "weights.safetensors",
        "BLAKE3 hash of member `fold_0`",
        "copy the model folder again",
    ] {
        assert!(said.contains(word), "{said}");
    }
    // A checksum that was changed by hand, and a folder from before there were any.
    std::fs::write(&file, &whole).unwrap();
    let description = folder.join("model/model.yaml");
    let text = std::fs::read_to_string(&description).unwrap();
    let (before, _) = text.split_once("checksums:").unwrap();
    let other = format!("{before}checksums: {{fold_0: [{}]}}\n", "0".repeat(64));
    std::fs::write(&description, other).unwrap();
    assert!(error(folder, &PREDICT).contains(&"0".repeat(64)));
    std::fs::write(&description, before).unwrap();
    let output = vesalius(folder, &PREDICT);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("warning"),
        "{said}"
    );
    // The checksum is no part of what results were made from: the folder is continued.
    assert!(said.contains("is there already"), "{said}");
    assert!(error(folder, &strict).contains("--strict"));
}

#[test]
fn check_layers_names_the_layer_that_is_not_finite() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let mut layer = String::new();
    make_model(folder, |weights| {
        let name = weights
            .names()
            .find(|name| name.ends_with("conv.weight"))
            .unwrap();
        let (name, shape) = (name.to_owned(), weights.get(name).unwrap().shape().to_vec());
        layer = name.strip_suffix(".weight").unwrap().to_owned();
        let values = vec![3e38; shape.iter().product()];
        weights.insert(name, shape, values).unwrap();
    });
    let said = error(folder, &PREDICT);
    assert!(
        said.contains("`--check-layers` names the first layer") && !said.contains(&layer),
        "{said}"
    );
    let said = error(folder, &[&PREDICT[..], &["--check-layers"]].concat());
    assert!(
        said.contains(&layer) && said.contains("the first layer"),
        "{said}"
    );
    assert!(!folder.join("out/scan.nii.gz").exists());
}

#[test]
fn weights_of_a_checkpoint_come_without_the_optimisers_state() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let mut checkpoint = Weights::default();
    for name in [
        "network_weights.encoder.weight",
        "network_weights.decoder.encoder.weight",
        "optimizer_state.state.0.momentum_buffer",
        "optimizer_state.state.1.momentum_buffer",
    ] {
        checkpoint
            .insert(name.to_owned(), vec![2], vec![1.0, 2.0])
            .unwrap();
    }
    std::fs::write(
        folder.join("checkpoint.safetensors"),
        checkpoint.to_safetensors().unwrap(),
    )
    .unwrap();
    success(
        folder,
        &[
            "model",
            "convert",
            "checkpoint.safetensors",
            "weights.safetensors",
        ],
    );
    let found = Weights::open(folder.join("weights.safetensors")).unwrap();
    let names: Vec<&str> = found.names().collect();
    assert_eq!(names, ["decoder.encoder.weight", "encoder.weight"]);
}

#[test]
fn doctor_says_what_the_machine_can_do() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let doctor = ["doctor", "--test", "0"];
    let text = success(folder, &doctor);
    for what in ["version", "threads", "scratch", "cuda", "vulkan", "wgpu"] {
        assert!(text.contains(what), "{what}: {text}");
    }
    let json = success(folder, &["doctor", "--test", "1", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(
        found["speed"]["million_voxels_per_second"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    assert_eq!(found["devices"][0]["name"], "cpu");
    assert!(error(folder, &["doctor", "--test", "21"]).contains("21"));
}

#[test]
fn a_model_folder_tells_its_labels_parts_and_costs() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    common::dataset(folder, 4);
    success(
        folder,
        &["train", "config.yaml", "--output", "one", "--steps", "1"],
    );
    success(
        folder,
        &["model", "ensemble", "one", "one", "--output", "both"],
    );
    let text = success(folder, &["model", "info", "both"]);
    assert!(
        text.contains("1 dark") && text.contains("2 bright"),
        "{text}"
    );
    assert!(
        text.contains("together with") && text.contains("z_score"),
        "{text}"
    );
    let info = ["model", "info", "one", "--size", "20,24,18", "--json"];
    let found: serde_json::Value = serde_json::from_str(&success(folder, &info)).unwrap();
    assert!(found["segmentation"]["memory"].as_u64().unwrap() > 0);
    assert!(found["segmentation"]["windows"].as_u64().unwrap() > 0);
    assert_eq!(found["summary"]["labels"][1]["name"], "dark");
    let text = error(folder, &["model", "info", "one", "--size", "-4,4,4"]);
    assert!(text.contains("invalid value"), "{text}");
}
