//! Bad input: one clear sentence on stderr that names the file or key, exit code 1 or 2, nothing half
//! written.

#[path = "../common/mod.rs"]
mod common;
#[cfg(unix)]
mod kinds;

use common::{CONFIG, dataset, error, success};
use std::path::Path;
use vesalius::prelude::*;

const TRAIN: [&str; 6] = ["train", "config.yaml", "--output", "model", "--steps", "2"];

/// The error of a training run after `spoil` changed a good dataset; nothing may be left in its output.
fn training_error(spoil: impl Fn(&Path)) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    spoil(folder);
    let text = error(folder, &TRAIN);
    assert!(
        !folder.join("model/model.yaml").exists() && !folder.join("model/checkpoint.bin").exists()
    );
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("error: "))
            .count(),
        1,
        "{text}"
    );
    text
}

fn edit_config(folder: &Path, from: &str, to: &str) {
    assert!(CONFIG.contains(from));
    std::fs::write(folder.join("config.yaml"), CONFIG.replace(from, to)).unwrap();
}

const CASE: &str = "spheres_001.nii.gz";

#[test]
fn files_that_are_absent_cut_short_or_not_images() {
    let image = |folder: &Path| folder.join("images").join(CASE);
    let text = training_error(|folder| std::fs::remove_file(image(folder)).unwrap());
    assert!(
        text.contains(CASE) && text.contains("does not exist"),
        "{text}"
    );
    let text = training_error(|folder| {
        let bytes = std::fs::read(image(folder)).unwrap();
        std::fs::write(image(folder), &bytes[..bytes.len() / 3]).unwrap();
    });
    assert!(text.contains(CASE), "{text}");
    let text =
        training_error(|folder| std::fs::write(image(folder), "this is not an image").unwrap());
    assert!(text.contains(CASE), "{text}");
}

#[test]
fn labels_that_do_not_belong_to_their_image() {
    let label = |folder: &Path| folder.join("labels").join(CASE);
    let change = |folder: &Path, change: &dyn Fn(LabelMap) -> LabelMap| {
        let labels = vesalius::io::read_labels(label(folder)).unwrap();
        vesalius::io::write_labels(label(folder), &change(labels)).unwrap();
    };
    let text = training_error(|folder| {
        change(folder, &|labels| {
            let grid = labels.geometry().region([0; 3], [10, 10, 10]).unwrap();
            LabelMap::background(grid)
        });
    });
    assert!(
        text.contains("spheres_001") && text.contains("size"),
        "{text}"
    );
    let text = training_error(|folder| {
        change(folder, &|labels| {
            let grid = labels
                .geometry()
                .region([3, 0, 0], labels.geometry().size())
                .unwrap();
            labels.with_geometry(grid).unwrap()
        });
    });
    assert!(
        text.contains("spheres_001") && text.contains("mm apart"),
        "{text}"
    );
    let text = training_error(|folder| {
        change(folder, &|mut labels| {
            labels.data_mut()[7] = 9;
            labels
        });
    });
    assert!(
        text.contains("spheres_001") && text.contains("value 9"),
        "{text}"
    );
}

#[test]
fn configs_and_datalists_with_mistakes() {
    let text = training_error(|folder| edit_config(folder, "augmentation:", "augmentations:"));
    assert!(
        text.contains("config.yaml") && text.contains("augmentations"),
        "{text}"
    );
    let text = training_error(|folder| edit_config(folder, "flip: {}", "flipp: {}"));
    assert!(text.contains("flipp"), "{text}");
    let text =
        training_error(|folder| edit_config(folder, "learning_rate: 0.01", "learning_rate: -1"));
    assert!(text.contains("learning_rate"), "{text}");
    let text = training_error(|folder| {
        edit_config(
            folder,
            "optimizer:",
            "loss: {dice: {smooth_nr: -1}}\noptimizer:",
        )
    });
    assert!(text.contains("smooth_nr"), "{text}");
    let text = training_error(|folder| edit_config(folder, "strides: [2]", "strides: [2, 2]"));
    assert!(text.contains("strides"), "{text}");
    let text = training_error(|folder| edit_config(folder, "[16, 16, 16]", "[15, 16, 16]"));
    assert!(text.contains("divisible") && text.contains("16"), "{text}");
    let text = training_error(|folder| std::fs::remove_file(folder.join("config.yaml")).unwrap());
    assert!(text.contains("config.yaml"), "{text}");
    let text = training_error(|folder| std::fs::remove_file(folder.join("dataset.json")).unwrap());
    assert!(text.contains("dataset.json"), "{text}");
    let text = training_error(|folder| {
        let path = folder.join("dataset.json");
        let list = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, list.replace(CASE, "gone.nii.gz")).unwrap();
    });
    assert!(text.contains("gone.nii.gz"), "{text}");
    let text = training_error(|folder| {
        edit_config(folder, "validation: {times: 1}", "validation: {fold: 5}")
    });
    assert!(text.contains("fold 5"), "{text}");
}

#[test]
fn devices_that_are_not_there() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    for device in ["cuda", "wgpu:1", "vulkan", "tpu", "cuda:x"] {
        let text = error(
            folder,
            &["train", "config.yaml", "--steps", "1", "--device", device],
        );
        assert!(text.contains(device.split(':').next().unwrap()), "{text}");
    }
}

#[test]
fn folders_that_cannot_be_used() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    success(folder, &TRAIN);
    std::fs::create_dir(folder.join("empty")).unwrap();
    std::fs::write(folder.join("file"), "").unwrap();
    let predict = |input: &str, output: &str| {
        error(
            folder,
            &[
                "predict", "--model", "model", "--input", input, "--output", output,
            ],
        )
    };
    assert!(predict("empty", "out").contains("no image"));
    assert!(predict("gone", "out").contains("gone"));
    // Not even root can make a folder inside a file.
    let text = predict("images", "file/out");
    assert!(
        text.contains("file/out") && text.contains("--output"),
        "{text}"
    );
    assert!(predict("images", "images").contains("input image"));
    assert!(!folder.join("out").exists());
    let text = error(
        folder,
        &[
            "train",
            "config.yaml",
            "--output",
            "file/model",
            "--steps",
            "1",
        ],
    );
    assert!(text.contains("file/model"), "{text}");
    let text = error(
        folder,
        &[
            "predict", "--model", "empty", "--input", "images", "--output", "out",
        ],
    );
    assert!(text.contains("model.yaml"), "{text}");
    // A run that exists is not written over.
    assert!(error(folder, &TRAIN).contains("--resume"));

    let weights = folder.join("model/members/fold_0/weights.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    let text = predict("images", "out");
    assert!(text.contains("weights.safetensors"), "{text}");
}

#[test]
fn segmentations_that_cannot_be_scored() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    std::fs::create_dir(folder.join("out")).unwrap();
    let copy = |from: &str, to: &str| std::fs::copy(folder.join(from), folder.join(to)).unwrap();
    copy("labels/spheres_000.nii.gz", "out/spheres_000.nii.gz");
    let evaluate = ["evaluate", "--prediction", "out", "--reference", "labels"];
    let text = error(folder, &evaluate);
    assert!(
        text.contains("3 of 4") && text.contains("--allow-missing"),
        "{text}"
    );
    let table = success(folder, &[&evaluate[..], &["--allow-missing"]].concat());
    assert!(table.contains("0.2500"), "{table}");
    copy("labels/spheres_001.nii.gz", "labels/spheres_000.nii.gz");
    let text = error(
        folder,
        &[
            "evaluate",
            "--prediction",
            "out/spheres_000.nii.gz",
            "--reference",
            "labels/spheres_000.nii.gz",
        ],
    );
    assert!(text.contains("spheres_000"), "{text}");
    assert!(
        error(
            folder,
            &["evaluate", "--prediction", "gone", "--reference", "labels"]
        )
        .contains("gone")
    );
}
