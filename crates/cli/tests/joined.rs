//! Models that work together: ensembles straight over model folders or joined into one, and a cascade
//! whose coarse half finds the region that its fine half segments.

mod common;

use common::{CONFIG, dataset, error, success};
use std::path::Path;
use vesalius::prelude::*;

fn train(folder: &Path, output: &str, config: &str, steps: &str) {
    let file = format!("{output}.yaml");
    std::fs::write(folder.join(&file), config).unwrap();
    success(
        folder,
        &["train", &file, "--output", output, "--steps", steps],
    );
}

fn labels(folder: &Path, file: &str) -> LabelMap {
    vesalius::io::read_labels(folder.join(file)).unwrap()
}

const CASE: &str = "images/spheres_001.nii.gz";

#[test]
fn models_answer_together_straight_saved_or_joined() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    train(folder, "a", CONFIG, "3");
    // Another network, another way through the volume.
    let other = CONFIG.replace(
        "channels: [4, 8], strides: [2]",
        "channels: [4, 8, 8], strides: [2, 2]",
    ) + "inferer:\n  sliding_window: {patch_size: [12, 12, 12]}\n";
    train(folder, "b", &other, "4");
    for model in ["a", "b"] {
        let saved = format!("saved_{model}");
        let run = [
            "predict", "--model", model, "--input", "images", "--output", &saved,
        ];
        success(
            folder,
            &[&run[..], &["--save-probabilities", "slabs"]].concat(),
        );
    }
    let both = [
        "predict", "--model", "a", "--model", "b", "--input", "images",
    ];
    for by in ["probabilities", "logits", "vote"] {
        let (straight, saved) = (format!("straight_{by}"), format!("from_saved_{by}"));
        let (joined, answers) = (format!("joined_{by}"), format!("answers_{by}"));
        let how = ["--by", by, "--weights", "2,1"];
        success(
            folder,
            &[&both[..], &["--output", &straight], &how].concat(),
        );
        let ensemble = ["ensemble", "saved_a", "saved_b", "--output", &saved];
        success(folder, &[&ensemble[..], &how].concat());
        let join = ["model", "ensemble", "a", "b", "--output", &joined];
        success(folder, &[&join[..], &how].concat());
        let predict = [
            "predict", "--model", &joined, "--input", "images", "--output", &answers,
        ];
        success(
            folder,
            &[&predict[..], &["--max-memory", "150MiB"]].concat(),
        );
        for case in 0..4 {
            let file = format!("spheres_00{case}.nii.gz");
            let expected = labels(folder, &format!("{saved}/{file}"));
            assert_eq!(
                labels(folder, &format!("{straight}/{file}")),
                expected,
                "{by}"
            );
            assert_eq!(
                labels(folder, &format!("{answers}/{file}")),
                expected,
                "{by}"
            );
        }
    }
    // A model of weight 0 has no effect.
    success(
        folder,
        &[&both[..], &["--output", "only_b", "--weights", "0,1"]].concat(),
    );
    for case in 0..4 {
        let file = format!("spheres_00{case}.nii.gz");
        let alone = labels(folder, &format!("saved_b/{file}"));
        assert_eq!(labels(folder, &format!("only_b/{file}")), alone);
    }
    let text = error(
        folder,
        &[&both[..], &["--output", "x", "--weights", "1"]].concat(),
    );
    assert!(text.contains("1 weights for 2 model"), "{text}");
    let text = error(
        folder,
        &[&both[..], &["--output", "x", "--weights", "0,0"]].concat(),
    );
    assert!(text.contains("not all zero"), "{text}");
    assert!(!folder.join("x").exists());
    // Another ensemble's results are not continued.
    let text = error(
        folder,
        &[&both[..], &["--output", "straight_vote"]].concat(),
    );
    assert!(text.contains("other settings"), "{text}");
}

#[test]
fn models_of_other_labels_do_not_answer_together() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    train(folder, "a", CONFIG, "1");
    let regions = format!(
        "{CONFIG}labels:\n  regions:\n    regions:\n      - {{name: any, labels: [1, 2], paint: 1}}\n"
    );
    train(folder, "b", &regions, "1");
    let both = ["predict", "--model", "a", "--model", "b", "--input", CASE];
    let text = error(folder, &[&both[..], &["--output", "out.nii.gz"]].concat());
    assert!(
        text.contains("share labels") && text.contains("any"),
        "{text}"
    );
    let join = ["model", "ensemble", "a", "b", "--output", "joined"];
    assert!(error(folder, &join).contains("share labels"));
    assert!(!folder.join("joined").exists() && !folder.join("out.nii.gz").exists());
}

/// The recipe of `configs/cascade_*.yaml` on made data.
#[test]
fn a_cascade_is_trained_joined_and_looks_where_its_coarse_half_says() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    let coarse = CONFIG
        .replace(
            "  - z_score: {}",
            "  - spacing: {to: [2, 2, 2]}\n  - z_score: {}",
        )
        .replace("[16, 16, 16]", "[8, 8, 8]")
        + "labels:\n  regions:\n    regions:\n      - {name: any, labels: [1, 2], paint: 1}\n";
    train(folder, "coarse", &coarse, "60");
    let crop = "  - crop_foreground: {labels: true, millimetres: [3, 3, 3]}\n  - z_score: {}";
    train(
        folder,
        "fine",
        &CONFIG.replace("  - z_score: {}", crop),
        "3",
    );
    // By itself the fine model has no labels to crop to.
    let alone = [
        "predict",
        "--model",
        "fine",
        "--input",
        CASE,
        "--output",
        "no.nii.gz",
    ];
    assert!(error(folder, &alone).contains("label"));
    let join = [
        "model", "cascade", "--coarse", "coarse", "--fine", "fine", "--output", "both",
    ];
    assert!(success(folder, &join).contains("[3.0, 3.0, 3.0] mm"));
    let text = std::fs::read_to_string(folder.join("both/model.yaml")).unwrap();
    assert!(
        text.contains("region:") && !text.contains("crop_foreground"),
        "{text}"
    );

    let found = [
        "predict",
        "--model",
        "coarse",
        "--input",
        CASE,
        "--output",
        "region.nii.gz",
    ];
    success(folder, &found);
    let region = labels(folder, "region.nii.gz");
    let bounds = vesalius::filters::bounding_box_where(&region, |label| label != 0);
    let bounds = bounds.expect("the coarse model found something");
    let bounds = bounds.grown([3; 3], region.geometry().size());
    let run = ["predict", "--model", "both", "--input", CASE, "--output"];
    success(
        folder,
        &[&run[..], &["whole.nii.gz", "--save-probabilities", "nifti"]].concat(),
    );
    let answer = labels(folder, "whole.nii.gz");
    assert_eq!(answer.geometry(), region.geometry());

    // On the crop alone the fine model gives what the cascade gives there; elsewhere nothing.
    let mut model = ModelDescription::read(folder.join("both")).unwrap();
    model.region = None;
    std::fs::rename(folder.join("both/model.yaml"), folder.join("kept.yaml")).unwrap();
    model.write(folder.join("both")).unwrap();
    let fine = Segmenter::open(folder.join("both")).unwrap();
    let image = vesalius::io::read(folder.join(CASE)).unwrap();
    let part = vesalius::filters::crop(&image, bounds).unwrap();
    let expected = fine.segment(&part).unwrap().into_labels().unwrap();
    let inside = vesalius::filters::crop(&answer, bounds).unwrap();
    assert_eq!(inside.data(), expected.data());
    let outside = |counts: &LabelMap| counts.data().iter().filter(|&&label| label != 0).count();
    assert_eq!(outside(&answer), outside(&inside));
    std::fs::rename(folder.join("kept.yaml"), folder.join("both/model.yaml")).unwrap();

    // A limit of memory changes nothing, and a cascade is not joined twice.
    success(
        folder,
        &[&run[..], &["tight.nii.gz", "--max-memory", "100MiB"]].concat(),
    );
    assert_eq!(labels(folder, "tight.nii.gz"), answer);
    let again = [
        "model", "cascade", "--coarse", "coarse", "--fine", "both", "--output", "more",
    ];
    assert!(error(folder, &again).contains("cascade already"));
}
