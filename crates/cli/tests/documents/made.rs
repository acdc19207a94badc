//! The files that the guides name, small and made.

use crate::blocks::{blocks, root};
use crate::common::{self, success};
use crate::dicom_writer::{save, slice};
use std::path::Path;
use vesalius::io::{LabelName, WriteOptions, write, write_labels, write_labels_with};
use vesalius::prelude::*;
use vesalius::training::synthetic::Spheres;

fn case(number: u64) -> Subject {
    let spheres = Spheres {
        size: [20, 24],
        classes: 2,
        count: [1, 2],
        radius: [4.0, 6.0],
        noise: 0.15,
    };
    spheres.subject(3, number).unwrap()
}

fn put(folder: &Path, image: &str, labels: &str, number: u64) {
    let case = case(number);
    for file in [image, labels] {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
    }
    write(folder.join(image), case.image()).unwrap();
    write_labels(folder.join(labels), case.labels().unwrap()).unwrap();
}

/// `Task04_Hippocampus`: five folds of a case, and one without labels.
pub fn dataset(folder: &Path) {
    let home = folder.join("Task04_Hippocampus");
    let mut listed = Vec::new();
    for number in 0..5 {
        let (image, label) = (
            format!("imagesTr/h_{number}.nii.gz"),
            format!("labelsTr/h_{number}.nii.gz"),
        );
        put(&home, &image, &label, number);
        listed.push(serde_json::json!({"image": image, "label": label, "fold": number}));
    }
    let image = "imagesTs/h_5.nii.gz";
    put(&home, image, "labelsTs/h_5.nii.gz", 5);
    let list = serde_json::json!({
        "name": "hippocampus",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "training": listed,
        "testing": [{"image": image}],
    });
    std::fs::write(home.join("dataset.json"), list.to_string()).unwrap();
}

/// The dataset's description as nnU-Net has it.
pub fn nnunet_dataset(folder: &Path) {
    let home = folder.join("nnUNet_raw/Dataset004_Hippocampus");
    std::fs::create_dir_all(&home).unwrap();
    let description = serde_json::json!({
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "Anterior": 1, "Posterior": 2},
        "numTraining": 5,
        "file_ending": ".nii.gz",
    });
    std::fs::write(home.join("dataset.json"), description.to_string()).unwrap();
}

/// The whole of it, five cases.
pub fn nnunet_folder(folder: &Path) {
    nnunet_dataset(folder);
    for number in 0..5 {
        let image = format!("imagesTr/h_{number}_0000.nii.gz");
        let labels = format!("labelsTr/h_{number}.nii.gz");
        put(
            &folder.join("nnUNet_raw/Dataset004_Hippocampus"),
            &image,
            &labels,
            number,
        );
    }
}

/// `t1`, a DICOM series of a patient.
pub fn series(folder: &Path) {
    let made = vesalius::dicom::example_series(folder, "MR", [8, 7, 6]).unwrap();
    std::fs::rename(made, folder.join("t1")).unwrap();
}

/// `organs.nrrd`, labels with names on the grid of `t1`.
pub fn organs(folder: &Path) {
    let grid = *vesalius::io::read(folder.join("t1")).unwrap().geometry();
    let labels = LabelMap::<u16>::from_fn(grid, |[x, y, _]| u16::from(x > 2 && y > 2));
    let options = WriteOptions {
        labels: vec![LabelName::new(1, "liver")],
        ..WriteOptions::default()
    };
    write_labels_with(folder.join("organs.nrrd"), &labels, &options).unwrap();
}

/// `study`, with two DICOM series: number 4, `thorax`, and number 7, `abdomen`.
pub fn study(folder: &Path) {
    let study = folder.join("study");
    std::fs::create_dir_all(&study).unwrap();
    for z in 0..4i16 {
        let height = 3.0 * f64::from(z);
        let other: &[(u32, &[u8; 2], &[u8])] = &[
            (0x0020_000E, b"UI", b"1.2.4"),
            (0x0020_0011, b"IS", b"7"),
            (0x0008_103E, b"LO", b"abdomen"),
        ];
        save(&study, &format!("a{z}"), &slice(height, [z; 6], &[]));
        save(&study, &format!("b{z}"), &slice(height, [z; 6], other));
    }
}

/// `slanted.nii.gz`, whose directions are not at right angles.
pub fn slanted(folder: &Path) {
    let rows = [
        [1.0, 0.02, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ];
    let affine = vesalius::volume::Affine::try_from(rows).unwrap();
    let grid = Geometry::new([12, 10, 8], affine).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z) as f32 + 0.5);
    write(folder.join("slanted.nii.gz"), &image).unwrap();
}

/// The guide's own `input.yaml`.
pub fn input_of_the_guide(folder: &Path) {
    let blocks = blocks("docs/auto.md");
    let text = blocks.iter().map(|block| &block.text);
    let input = text.clone().find(|text| text.starts_with("# input.yaml"));
    std::fs::write(folder.join("input.yaml"), input.unwrap()).unwrap();
}

/// A plan that is there before the planner runs, which then keeps it: some steps of a small network.
pub fn plan(folder: &Path) {
    let plans = folder.join("work/plans");
    std::fs::create_dir_all(&plans).unwrap();
    let training = common::CONFIG.replace("name: spheres", "name: vesalius");
    let training = format!("{training}duration: {{steps: 60}}\n");
    let lines: Vec<String> = training.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("because: [it is small]\ntraining:\n{}", lines.concat());
    std::fs::write(plans.join("vesalius.yaml"), text).unwrap();
}

/// The repository's `configs`.
pub fn configs(folder: &Path) {
    copy(&root().join("configs"), &folder.join("configs"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// `scans/a.nii.gz`, `scans/b.nii.gz`.
pub fn scans(folder: &Path) {
    std::fs::create_dir_all(folder.join("scans")).unwrap();
    for (name, number) in [("a", 6), ("b", 7)] {
        write(
            folder.join(format!("scans/{name}.nii.gz")),
            case(number).image(),
        )
        .unwrap();
    }
}

/// Their labels, in `labels`.
pub fn references(folder: &Path) {
    labels_in(folder, "labels", &[("a", 6), ("b", 7)], 0);
}

/// Segmentations of them and of `scan.nii.gz`, in `out`, shifted by a voxel from the references.
pub fn predictions(folder: &Path) {
    labels_in(folder, "labels", &[("scan", 9)], 0);
    labels_in(folder, "out", &[("a", 6), ("b", 7), ("scan", 9)], 1);
}

/// Another model's segmentations, in `other`, shifted by two voxels.
pub fn other_predictions(folder: &Path) {
    labels_in(folder, "other", &[("a", 6), ("b", 7), ("scan", 9)], 2);
}

fn labels_in(folder: &Path, output: &str, cases: &[(&str, u64)], shift: usize) {
    std::fs::create_dir_all(folder.join(output)).unwrap();
    for (name, number) in cases {
        let case = case(*number);
        let labels = case.labels().unwrap();
        let grid = *labels.geometry();
        let last = grid.size()[0] - 1;
        let shifted =
            LabelMap::from_fn(grid, |[x, y, z]| labels.get([(x + shift).min(last), y, z]));
        write_labels(folder.join(format!("{output}/{name}.nii.gz")), &shifted).unwrap();
    }
}

/// `scan.nii.gz` and `labels.nii.gz`.
pub fn scan(folder: &Path) {
    put(folder, "scan.nii.gz", "labels.nii.gz", 9);
}

/// `moving.nii.gz`, `fixed.nii.gz`, and two maps between them.
pub fn maps(folder: &Path) {
    let (moving, fixed) = (case(9), case(10));
    write(folder.join("moving.nii.gz"), moving.image()).unwrap();
    write(folder.join("fixed.nii.gz"), fixed.image()).unwrap();
    let shift = "#Insight Transform File V1.0\n#Transform 0\nTransform: TranslationTransform_double_3_3\n\
                 Parameters: -2 0 0\nFixedParameters: \n";
    std::fs::write(folder.join("itk.tfm"), shift).unwrap();
    let vectors = [-2.0f32, 0.0, 0.0].map(|v| Volume::filled(*fixed.geometry(), v));
    write(
        folder.join("ants_warp.nii.gz"),
        &Volume::stack(&vectors).unwrap(),
    )
    .unwrap();
}

fn model(folder: &Path, name: &str, seed: u64) {
    let config = format!("{}seed: {seed}\n", common::CONFIG);
    std::fs::write(folder.join("quick.yaml"), config).unwrap();
    let output = format!("runs/{name}");
    let data = "Task04_Hippocampus";
    success(
        folder,
        &[
            "train",
            "quick.yaml",
            "--data",
            data,
            "--output",
            &output,
            "--steps",
            "2",
        ],
    );
}

/// Models of two steps.
pub fn models(folder: &Path) {
    model(folder, "first", 0);
    model(folder, "second", 1);
    copy(&folder.join("runs/first"), &folder.join("runs/coarse"));
    copy(&folder.join("runs/second"), &folder.join("runs/fine"));
}

/// `union.yaml`, the first one in the guide.
pub fn union(folder: &Path) {
    let blocks = crate::blocks::blocks("docs/unions.md");
    let first = blocks.iter().find(|block| block.language == "yaml");
    std::fs::write(folder.join("union.yaml"), &first.unwrap().text).unwrap();
}

/// One of them, under the name that the README gives it.
pub fn first_model(folder: &Path) {
    model(folder, "hippocampus", 0);
}

/// A model folder that nnU-Net wrote.
pub fn nnunet_model(folder: &Path) {
    let stored = root().join("crates/inferers/tests/data/nnunet/models/checkpoints");
    copy(
        &stored,
        &folder.join("nnUNetTrainer__nnUNetPlans__3d_fullres"),
    );
}

const NETWORK: &str = r#"{"_target_": "monai.networks.nets.UNet", "spatial_dims": 3, "in_channels": 1,
    "out_channels": 2, "channels": [2, 4], "strides": [2]}"#;

const STEPS: &str = r#"
    "preprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "LoadImaged", "keys": "image"}, {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "ScaleIntensityd", "keys": "image"}]},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32, 32], "overlap": 0.25},
    "postprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "Activationsd", "keys": "pred", "softmax": true},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": true}]}"#;

/// The steps of DeepEdit's bundle, whose network takes two more channels.
const STEPS_OF_CLICKS: &str = r#"
    "preprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "LoadImaged", "keys": "image"}, {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "ScaleIntensityd", "keys": "image"},
        {"_target_": "AddGuidanceFromPointsDeepEditd", "ref_image": "image", "guidance": "guidance",
            "label_names": {"left": 1, "background": 0}},
        {"_target_": "Resized", "keys": "image", "spatial_size": [32, 32, 32], "mode": "area"},
        {"_target_": "ResizeGuidanceMultipleLabelDeepEditd", "guidance": "guidance", "ref_image": "image"},
        {"_target_": "AddGuidanceSignalDeepEditd", "keys": "image", "guidance": "guidance", "number_intensity_ch": 1}]},
    "inferer": {"_target_": "SimpleInferer"},
    "postprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "Activationsd", "keys": "pred", "softmax": true},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": true}]}"#;

/// `bundle`, a MONAI bundle's folder.
pub fn bundle(folder: &Path) {
    bundle_of(&folder.join("bundle"), NETWORK, STEPS);
}

/// `deepedit`, a MONAI bundle that takes clicks.
pub fn deepedit(folder: &Path) {
    let network = NETWORK.replace(r#""in_channels": 1"#, r#""in_channels": 3"#);
    bundle_of(&folder.join("deepedit"), &network, STEPS_OF_CLICKS);
}

fn bundle_of(home: &Path, network: &str, steps: &str) {
    std::fs::create_dir_all(home.join("configs")).unwrap();
    std::fs::create_dir_all(home.join("models")).unwrap();
    let config = format!(r#"{{"network_def": {network}, {steps}}}"#);
    std::fs::write(home.join("configs/inference.json"), config).unwrap();
    std::fs::write(home.join("models/model.safetensors"), tensors(network)).unwrap();
}

fn tensors(network: &str) -> Vec<u8> {
    use vesalius::networks::NetworkConfig;
    let config = format!(r#"{{"network_def": {network}}}"#);
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let config = NetworkConfig::from_monai_bundle(&config).unwrap();
    let network = config.init_seeded(&Device::flex(), 3).unwrap();
    network.weights().to_safetensors().unwrap()
}

/// `weights.pt`, which MONAI 1.6.1 made (`torch.save(UNet(3, 1, 2, [2, 4], [2]).state_dict(), "weights.pt")`), its
/// `architecture.json`, another architecture, and an input.
pub fn weights(folder: &Path) {
    std::fs::write(folder.join("weights.pt"), include_bytes!("weights.pt")).unwrap();
    std::fs::write(folder.join("architecture.json"), NETWORK).unwrap();
    let other = "unet: {channels: [2, 4], strides: [2], out_channels: 5, num_res_units: 0}";
    std::fs::write(folder.join("other.yaml"), other).unwrap();
    let voxels = [8, 8, 8];
    let head = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, {}, {}, {}), }}",
        voxels[0], voxels[1], voxels[2]
    );
    let padded = (10 + head.len() + 1).next_multiple_of(64) - 11;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(padded + 1).unwrap().to_le_bytes());
    bytes.extend(format!("{head:padded$}\n").bytes());
    bytes.extend((0..512u16).flat_map(|v| (f32::from(v) / 512.0).to_le_bytes()));
    std::fs::write(folder.join("input.npy"), bytes).unwrap();
}
