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
fn results_are_made_again_when_model_image_or_result_changed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    success(folder, &predict("images", "out", &[]));
    let first = bytes(folder, "out/spheres_000.nii.gz");
    // A copy has another time and the same content: nothing to do. Another image of the same name and
    // size, a result that was cut, and one that somebody worked on: each is made again.
    std::fs::copy(
        folder.join("images/spheres_003.nii.gz"),
        folder.join("copy"),
    )
    .unwrap();
    std::fs::rename(
        folder.join("copy"),
        folder.join("images/spheres_003.nii.gz"),
    )
    .unwrap();
    let other = vesalius::io::read(folder.join("images/spheres_001.nii.gz")).unwrap();
    vesalius::io::write(
        folder.join("images/spheres_001.nii.gz"),
        &other.map(|value| -value),
    )
    .unwrap();
    std::fs::write(
        folder.join("out/spheres_000.nii.gz"),
        &first[..first.len() / 2],
    )
    .unwrap();
    let grid = *vesalius::io::probe(folder.join("out/spheres_002.nii.gz"))
        .unwrap()
        .geometry
        .affine();
    let grid = Geometry::new([3; 3], grid).unwrap();
    let corrected = vesalius::volume::LabelMap::<u16>::background(grid);
    vesalius::io::write_labels(folder.join("out/spheres_002.nii.gz"), &corrected).unwrap();
    let json = success(folder, &predict("images", "out", &["--json"]));
    let lines: serde_json::Value = serde_json::from_str(&json).unwrap();
    let there: Vec<bool> = (0..4).map(|i| lines[i]["was_there"] == true).collect();
    assert_eq!(there, [false, false, false, true]);
    assert_eq!(bytes(folder, "out/spheres_000.nii.gz"), first);
    assert_eq!(lines[2]["warnings"][0]["kind"], "result_changed");
    let kept = folder.join("out/spheres_002.nii.gz.changed-1");
    assert!(kept.is_file(), "{:?}", listed(&folder.join("out")));
    // Other weights under the same description are another model.
    success(
        folder,
        &[
            "train",
            "config.yaml",
            "--output",
            "model_b",
            "--steps",
            "3",
        ],
    );
    let weights = "members/fold_0/weights.safetensors";
    std::fs::copy(
        folder.join("model_b").join(weights),
        folder.join("model").join(weights),
    )
    .unwrap();
    let description = folder.join("model/model.yaml");
    std::fs::copy(folder.join("model_b/model.yaml"), description).unwrap();
    let text = error(folder, &predict("images", "out", &[]));
    assert!(text.contains("the weights"), "{text}");
    let again = said(folder, &predict("images", "out", &["--overwrite"]));
    assert!(!again.contains("is there already"), "{again}");
    // A file that is no result of ours is never overwritten unasked.
    std::fs::create_dir(folder.join("mine")).unwrap();
    std::fs::write(folder.join("mine/spheres_000.nii.gz"), "mine").unwrap();
    let text = error(folder, &predict("images", "mine", &[]));
    assert!(text.contains("was not made by this command"), "{text}");
    assert_eq!(bytes(folder, "mine/spheres_000.nii.gz"), b"mine");
}

#[test]
fn a_folder_that_another_process_writes_is_refused_with_its_holder() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let held = vesalius::io::FolderLock::exclusive(folder.join("out")).unwrap();
    let text = error(folder, &predict("images", "out", &[]));
    let holder = format!("process {}", std::process::id());
    assert!(
        text.contains("is being written by") && text.contains(&holder),
        "{text}"
    );
    drop(held);
    success(folder, &predict("images", "out", &[]));
    assert!(!listed(&folder.join("out")).contains(&".vesalius.lock".to_owned()));
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

/// A case whose grid at the model's spacing no machine holds, beside three good ones.
#[test]
fn one_case_that_is_too_large_does_not_take_the_others_along() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 3);
    let config = std::fs::read_to_string(folder.join("config.yaml")).unwrap();
    let config = config.replace(
        "preprocessing:\n",
        "preprocessing:\n  - spacing: {to: [1, 1, 1]}\n",
    );
    std::fs::write(folder.join("config.yaml"), config).unwrap();
    success(folder, &TRAIN);
    let grid = Geometry::axis_aligned([40, 40, 40], [1000.0; 3]).unwrap();
    let huge = Volume::filled(grid, 1.0f32);
    vesalius::io::write(folder.join("images/huge.nii.gz"), &huge).unwrap();
    let grid = Geometry::axis_aligned([40, 40, 40], [20.0; 3]).unwrap();
    vesalius::io::write(folder.join("large.nii.gz"), &Volume::filled(grid, 1.0f32)).unwrap();
    for more in [&[][..], &["--max-memory", "1GiB"]] {
        let output = format!("out{}", more.len());
        let text = error(folder, &predict("images", &output, more));
        assert!(
            text.contains("huge: error") && text.contains("[40000, 40000, 40000]"),
            "{text}"
        );
        assert!(
            text.contains("1 of 4 cases could not be segmented: huge"),
            "{text}"
        );
        assert!(folder.join(output).join("spheres_002.nii.gz").is_file());
    }
    // 800³ values of four bytes: under what the machine may have, above the limit.
    let text = error(
        folder,
        &predict("large.nii.gz", "l.nii", &["--max-memory", "1GiB"]),
    );
    assert!(
        text.contains("2048000000 bytes") && text.contains("the limit is"),
        "{text}"
    );
    let resampled = [
        "resample",
        "images/huge.nii.gz",
        "r.nii.gz",
        "--spacing",
        "1,1,1",
    ];
    let text = error(folder, &resampled);
    assert!(text.contains("the machine has left"), "{text}");
    // Training names the case instead of ending in an abort.
    let labels = vesalius::volume::LabelMap::<u16>::background(*huge.geometry());
    vesalius::io::write_labels(folder.join("labels/spheres_000.nii.gz"), &labels).unwrap();
    vesalius::io::write(folder.join("images/spheres_000.nii.gz"), &huge).unwrap();
    let train = ["train", "config.yaml", "--output", "m2", "--steps", "1"];
    let output = vesalius(folder, &train);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some_and(|code| code <= 1), "{text}");
    assert!(
        text.contains("spheres_000") && text.contains("the machine has left"),
        "{text}"
    );
}

/// Disks of several sizes that fill up: finished cases stay, the file is named once, and the same command
/// goes on once there is room.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run_and_the_same_command_goes_on() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    for form in ["npz", "slabs"] {
        let Some(disk) = common::disk::SmallDisk::mount("300k") else {
            return;
        };
        let output = disk.path().join("out").display().to_string();
        let more = ["--save-probabilities", form];
        let run = vesalius(folder, &predict("images", &output, &more));
        let text = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{text}");
        assert!(
            text.contains("No space left") && text.contains("the run ends here"),
            "{text}"
        );
        assert!(text.contains("stopped after"), "{text}");
        assert!(
            !text.contains("panicked") && !text.contains("ZipWriter"),
            "{text}"
        );
        let left = listed(&disk.path().join("out"));
        assert!(left.iter().all(|name| !name.ends_with(".part")), "{left:?}");
        let done = left.iter().filter(|name| name.ends_with(".nii.gz")).count();
        disk.resize("20m");
        let again = said(folder, &predict("images", &output, &more));
        assert!(
            again.matches("is there already").count() >= done.saturating_sub(1),
            "{again}"
        );
        assert!(again.contains("[4/4]"), "{again}");
        disk.allow("ro");
        let text = error(folder, &predict("images", &output, &["--overwrite"]));
        assert!(text.contains("Read-only"), "{text}");
        disk.allow("rw");
    }
}
