//! Train, predict, evaluate, resume, look: the commands one after another on a made dataset.

mod common;

use common::{dataset, success, vesalius};

#[test]
fn from_files_to_scores() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 6);
    let trained = success(
        folder,
        &[
            "train",
            "config.yaml",
            "--output",
            "model",
            "--steps",
            "30",
            "--json",
        ],
    );
    let state: serde_json::Value = serde_json::from_str(&trained).unwrap();
    assert_eq!(state["step"], 30);
    assert!(folder.join("model/model.yaml").is_file());

    success(
        folder,
        &[
            "predict", "--model", "model", "--input", "images", "--output", "out",
        ],
    );
    assert_eq!(count_images(&folder.join("out")), 6);
    let (image, label) = ("images/spheres_003.nii.gz", "out/spheres_003.nii.gz");
    let grid = |path: &str| vesalius::io::probe(folder.join(path)).unwrap().geometry;
    assert_eq!(grid(image).affine(), grid(label).affine());

    let table = success(
        folder,
        &[
            "evaluate",
            "--prediction",
            "out",
            "--reference",
            "labels",
            "--json",
            "scores.json",
        ],
    );
    assert!(
        table.contains("worst first") && table.contains("mean"),
        "{table}"
    );
    let scores: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("scores.json")).unwrap())
            .unwrap();
    let mean = scores["mean"]["dice"].as_f64().unwrap();
    assert!(mean > 0.3 && mean <= 1.0, "{mean}");
    assert!(scores["labels"]["1"]["dice"].is_f64() && scores["labels"]["2"]["dice"].is_f64());
    assert_eq!(scores["cases"].as_array().unwrap().len(), 6);
    assert!(
        scores["cases"][0]["case"].is_string() && scores["cases"][0]["labels"]["1"].is_object()
    );

    // One file to one file, and pictures of it.
    success(
        folder,
        &[
            "predict",
            "--model",
            "model",
            "--input",
            image,
            "--output",
            "one/seg.nii",
        ],
    );
    assert!(folder.join("one/seg.nii").is_file());
    success(
        folder,
        &["view", image, "--labels", label, "--output", "picture.png"],
    );
    assert!(
        std::fs::read(folder.join("picture.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
    let info = success(folder, &["info", image, "--json"]);
    assert!(serde_json::from_str::<serde_json::Value>(&info).unwrap()[0]["size"].is_array());
    success(
        folder,
        &["resample", image, "coarse.nii.gz", "--spacing", "2,2,2"],
    );
    success(
        folder,
        &["resample", "coarse.nii.gz", "back.nii.gz", "--like", image],
    );
    assert!(grid("back.nii.gz").is_same(&grid(image)));
    success(folder, &["convert", image, "copy.nii"]);
    assert_eq!(grid("copy.nii").affine(), grid(image).affine());

    // Resuming after the end changes nothing; a longer run continues.
    success(
        folder,
        &[
            "train",
            "config.yaml",
            "--output",
            "model",
            "--steps",
            "32",
            "--resume",
        ],
    );
    let log = std::fs::read_to_string(folder.join("model/log.jsonl")).unwrap();
    assert_eq!(
        log.lines()
            .filter(|line| line.contains("\"event\":\"step\""))
            .count(),
        32
    );
}

#[test]
fn nine_of_ten_are_segmented_and_the_tenth_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 10);
    success(
        folder,
        &["train", "config.yaml", "--output", "model", "--steps", "2"],
    );
    let broken = folder.join("images/spheres_004.nii.gz");
    let bytes = std::fs::read(&broken).unwrap();
    std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    let output = vesalius(
        folder,
        &[
            "predict", "--model", "model", "--input", "images", "--output", "out",
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("spheres_004") && errors.contains("1 of 10"),
        "{errors}"
    );
    assert_eq!(count_images(&folder.join("out")), 9);
    assert!(!folder.join("out/spheres_004.nii.gz").exists());
}

fn count_images(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .filter(|entry| vesalius::io::is_image(entry.as_ref().unwrap().path()))
        .count()
}
