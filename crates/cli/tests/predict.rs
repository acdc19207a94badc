//! `vesalius predict` and `vesalius ensemble`: folders gone on with, probabilities saved and averaged,
//! limits of memory, and everything that can be wrong with a case, a model or an output.

mod common;

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

#[test]
fn a_folder_is_gone_on_with_and_models_are_not_mixed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let first = said(folder, &predict("images", "out", &[]));
    assert!(
        first.contains("windows") && first.contains("[4/4]"),
        "{first}"
    );
    std::fs::remove_file(folder.join("out/spheres_002.nii.gz")).unwrap();
    let again = said(folder, &predict("images", "out", &[]));
    assert_eq!(again.matches("is there already").count(), 3, "{again}");
    let text = error(folder, &predict("images", "out", &["--step", "1"]));
    assert!(text.contains("other settings"), "{text}");
    let table = success(folder, &predict("images", "out", &["--overwrite"]));
    assert!(
        table.contains("dark (ml)") || table.contains("bright (ml)"),
        "{table}"
    );
    let json = success(folder, &predict("images", "out", &["--json"]));
    let lines: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(lines[3]["was_there"], true);
}

#[test]
fn a_limit_of_memory_changes_no_voxel() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let case = "images/spheres_001.nii.gz";
    success(folder, &predict(case, "free.nii", &[]));
    success(
        folder,
        &predict(case, "tight.nii", &["--max-memory", "200MiB"]),
    );
    assert_eq!(bytes(folder, "free.nii"), bytes(folder, "tight.nii"));
    let text = error(folder, &predict(case, "no.nii", &["--max-memory", "1MB"]));
    assert!(text.contains("the smallest that works is"), "{text}");
    let smallest = text
        .split("works is ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let smallest = smallest.replace(' ', "");
    success(
        folder,
        &predict(case, "least.nii", &["--max-memory", &smallest]),
    );
    assert_eq!(bytes(folder, "free.nii"), bytes(folder, "least.nii"));
    assert!(!folder.join("no.nii").exists());
}

/// Probabilities of 49 MB that lie in a scratch file are saved as those in memory are, in every form.
#[test]
fn a_limit_of_memory_changes_no_saved_probability() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let large = image([160; 3], |[x, y, z]| {
        ((x * 7 + y * 13 + z * 29) % 37) as f32
    });
    vesalius::io::write(folder.join("large.nii"), &large).unwrap();
    let least = [
        "--max-memory",
        "1MB",
        "--step",
        "1",
        "--save-probabilities",
        "npz",
    ];
    let text = error(folder, &predict("large.nii", "no.nii", &least));
    let smallest = text.split("works is ").nth(1).unwrap();
    let smallest = smallest.lines().next().unwrap().replace(' ', "");
    for (form, files) in [
        ("npz", &["large.npz", "large.pkl"][..]),
        ("slabs", &["large.probabilities.zip"]),
        ("nifti", &["large_probabilities.nii.gz"]),
    ] {
        let (free, tight) = (format!("free_{form}"), format!("tight_{form}"));
        for name in [&free, &tight] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        let more = ["--step", "1", "--save-probabilities", form];
        let output = format!("{free}/large.nii.gz");
        let told = said(folder, &predict("large.nii", &output, &more));
        assert!(
            !told.contains("scratch") && told.contains(" s by its first windows"),
            "{told}"
        );
        let limit = ["--max-memory", &smallest];
        let output = format!("{tight}/large.nii.gz");
        let told = said(
            folder,
            &predict("large.nii", &output, &[&more[..], &limit].concat()),
        );
        assert!(told.contains("probabilities in scratch files"), "{told}");
        for file in files.iter().chain(&["large.nii.gz"]) {
            let of = |folder_name: &str| bytes(folder, &format!("{folder_name}/{file}"));
            assert!(of(&free) == of(&tight), "{form}: {file}");
        }
    }
}

#[test]
fn saved_probabilities_become_an_ensemble() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let (npz, slabs) = (
        ["--save-probabilities", "npz"],
        ["--save-probabilities", "slabs"],
    );
    success(folder, &predict("images", "a", &npz));
    success(folder, &predict("images", "b", &slabs));
    assert!(folder.join("a/spheres_000.pkl").is_file());
    for by in ["probabilities", "logits", "vote"] {
        let output = format!("mean_{by}");
        success(
            folder,
            &["ensemble", "a", "b", "--output", &output, "--by", by],
        );
        let label = format!("{output}/spheres_003.nii.gz");
        assert_eq!(
            bytes(folder, &label),
            bytes(folder, "a/spheres_003.nii.gz"),
            "{by}"
        );
    }
    let weights = ["ensemble", "a", "b", "--output", "c", "--weights", "1"];
    assert!(error(folder, &weights).contains("1 weights for 2 folders"));
    std::fs::remove_file(folder.join("b/spheres_000.probabilities.zip")).unwrap();
    let text = error(folder, &["ensemble", "a", "b", "--output", "c"]);
    assert!(text.contains("spheres_000 is not in all"), "{text}");
    assert!(error(folder, &["ensemble", "a", "images", "--output", "c"]).contains("no saved"));
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
        text.contains("2 channel(s)") && text.contains("trained on 1"),
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
