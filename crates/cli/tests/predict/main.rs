//! `vesalius predict` and `vesalius ensemble`: folders continued, probabilities saved and averaged, limits of memory,
//! and everything that can be wrong with a case, a model or an output.

mod again;
#[path = "../common/mod.rs"]
mod common;
#[path = "../../../io/tests/io/dicom_writer.rs"]
mod dicom_writer;
mod inputs;
mod memory;
mod parts;
mod studies;
mod unions;

use common::{dataset, error, success, vesalius};
use std::path::Path;
use std::process::Command;
use vesalius::volume::{Geometry, Volume};

const TRAIN: [&str; 6] = ["train", "config.yaml", "--output", "model", "--steps", "2"];

/// A dataset, a model of two steps, and a second one.
fn trained(folder: &Path) {
    dataset(folder, 4);
    success(folder, &TRAIN);
}

fn predict<'a>(input: &'a str, output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec![
        "predict", "--model", "model", "--input", input, "--output", output,
    ];
    arguments.extend_from_slice(more);
    arguments
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = vesalius(folder, arguments);
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn bytes(folder: &Path, file: &str) -> Vec<u8> {
    std::fs::read(folder.join(file)).unwrap()
}

fn image(size: [usize; 3], value: impl Fn([usize; 3]) -> f32) -> Volume<f32> {
    Volume::from_fn(Geometry::axis_aligned(size, [1.0; 3]).unwrap(), value)
}

#[test]
fn odd_images_are_segmented_or_refused_in_a_sentence() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let write = |name: &str, image: &Volume<f32>| {
        vesalius::io::write(folder.join(name), image).unwrap();
    };
    write("small.nii", &image([5, 4, 3], |[x, ..]| x as f32));
    write("zero.nii", &image([20, 20, 20], |_| 0.0));
    for name in ["small.nii", "zero.nii"] {
        let output = format!("out_{name}");
        success(folder, &predict(name, &output, &[]));
        let size = |file: &str| {
            vesalius::io::probe(folder.join(file))
                .unwrap()
                .geometry
                .size()
        };
        assert_eq!(size(name), size(&output));
    }
    let mut broken = image([20, 20, 20], |_| 1.0);
    broken.data_mut()[7] = f32::NAN;
    write("nan.nii", &broken);
    assert!(error(folder, &predict("nan.nii", "n.nii", &[])).contains("[7, 0, 0]"));
    let part = image([20, 20, 20], |_| 1.0);
    write("four.nii", &Volume::stack(&[part.clone(), part]).unwrap());
    assert!(error(folder, &predict("four.nii", "f.nii", &[])).contains("fourth axis"));
    std::fs::write(folder.join("two.txt"), "zero.nii, zero.nii\n").unwrap();
    let text = error(folder, &predict("two.txt", "two", &[]));
    assert!(
        text.contains("2 channels") && text.contains("trained on 1"),
        "{text}"
    );
    assert!(!folder.join("n.nii").exists() && !folder.join("f.nii").exists());
}

#[test]
fn a_run_ends_at_its_first_failure_when_told_to() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    std::fs::write(folder.join("images/spheres_000.nii.gz"), "no image").unwrap();
    let output = vesalius(
        folder,
        &predict("images", "fast", &["--fail-fast", "--max-memory", "1GiB"]),
    );
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("spheres_000") && !text.contains("spheres_001"),
        "{text}"
    );
    let text = error(folder, &predict("images", "slow", &[]));
    assert!(text.contains("1 of 4") && text.contains("[4/4]"), "{text}");
}

#[test]
fn models_that_lack_something_say_what() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let text = error(folder, &predict("images", "out", &["--folds", "3"]));
    assert!(
        text.contains("no member `3`") && text.contains("fold_0"),
        "{text}"
    );
    assert!(error(folder, &predict("images", "out", &["--step", "0"])).contains("step is 0"));
    let nnunet = folder.join("nnunet");
    std::fs::create_dir_all(nnunet.join("fold_0")).unwrap();
    let plans = r#"{"transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2], "configurations": {}}"#;
    let dataset = r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "a": 1}}"#;
    std::fs::write(nnunet.join("plans.json"), plans).unwrap();
    std::fs::write(nnunet.join("dataset.json"), dataset).unwrap();
    let run = || {
        let arguments = [
            "predict", "--model", "nnunet", "--input", "images", "--output", "out",
        ];
        error(folder, &arguments)
    };
    assert!(run().contains("has no fold with a checkpoint_final.pth"));
    std::fs::write(
        nnunet.join("fold_0/checkpoint_final.pth"),
        b"PK\x03\x04 cut",
    )
    .unwrap();
    let text = run();
    assert!(
        text.contains("checkpoint_final.pth") && text.contains("cut short"),
        "{text}"
    );
    std::fs::write(nnunet.join("plans.json"), "{").unwrap();
    assert!(run().contains("is not nnU-Net's plans"));
    assert!(!folder.join("out").exists());
}

/// A file system that is full: no file may grow beyond a block.
#[cfg(unix)]
#[test]
fn an_output_that_does_not_fit_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    std::fs::create_dir(folder.join("out")).unwrap();
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} predict --model model --input images/spheres_000.nii.gz --output out/full.nii",
        env!("CARGO_BIN_EXE_vesalius")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("full.nii") && !text.contains("panicked"),
        "{text}"
    );
    assert_eq!(std::fs::read_dir(folder.join("out")).unwrap().count(), 0);
}

/// What is left in a folder of results, by name.
fn listed(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn cases_that_are_not_whole_are_named_and_the_others_segmented() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    std::fs::create_dir(folder.join("in")).unwrap();
    for name in ["a_0000", "b_0000", "b_0001", "c_0001"] {
        let from = folder.join("images/spheres_000.nii.gz");
        std::fs::copy(from, folder.join(format!("in/{name}.nii.gz"))).unwrap();
    }
    std::fs::write(folder.join("in/notes.txt"), "x").unwrap();
    let text = error(folder, &predict("in", "out", &[]));
    assert!(
        text.contains("left out: b: has b_0000.nii.gz, b_0001.nii.gz"),
        "{text}"
    );
    assert!(
        text.contains("left out: c") && text.contains("notes.txt"),
        "{text}"
    );
    assert!(
        text.contains("2 of the input left out") && text.contains("[1/1] a"),
        "{text}"
    );
    success(folder, &predict("in", "out", &["--allow-missing"]));
    std::fs::write(
        folder.join("list.txt"),
        "images/spheres_001.nii.gz\ngone.nii.gz\n",
    )
    .unwrap();
    let text = error(folder, &predict("list.txt", "listed", &[]));
    let (named, segmented) = (text.find("line 2"), text.find("[1/1]"));
    assert!(
        named.is_some() && named < segmented && text.contains("absent"),
        "{text}"
    );
    assert!(folder.join("listed/spheres_001.nii.gz").is_file());
}
