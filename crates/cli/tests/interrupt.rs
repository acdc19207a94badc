//! Ctrl-C: a training run saves its state, prints that, and `--resume` continues from there; a prediction keeps what is
//! done and leaves nothing half written.

#![cfg(unix)]

mod common;

use common::{dataset, error, success};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Steps that the run's log holds by now.
fn steps_in_log(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("model/log.jsonl"))
        .unwrap_or_default()
        .lines()
        .filter(|line| line.contains(r#""event":"step""#))
        .count()
}

fn interrupt(run: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn ctrl_c_saves_and_stops_and_resume_goes_on() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    let mut run = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(["train", "config.yaml", "--output", "model"])
        .args(["--steps", "1000000"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while steps_in_log(folder) < 3 {
        assert!(started.elapsed() < Duration::from_secs(120), "no step done");
        assert!(run.try_wait().unwrap().is_none(), "ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Meanwhile no other process trains in this folder; its error names the one that does.
    let process = format!("is being written by process {} on ", run.id());
    for more in [&[][..], &["--resume"]] {
        let train = ["train", "config.yaml", "--output", "model", "--steps", "3"];
        let text = error(folder, &[&train[..], more].concat());
        assert!(text.contains(&process), "{text}");
        assert!(text.contains("vesalius train config.yaml"), "{text}");
        assert!(text.contains("choose another output folder"), "{text}");
    }
    interrupt(&run);
    let output = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code().is_some(),
        "ended by the signal: {text}"
    );
    assert!(text.contains("saved"), "{text}");
    let done = steps_in_log(folder);
    assert!(folder.join("model/checkpoint.bin").exists(), "{text}");

    let total = (done + 2).to_string();
    let resume = [
        "train",
        "config.yaml",
        "--output",
        "model",
        "--resume",
        "--steps",
        &total,
    ];
    success(folder, &resume);
    assert_eq!(steps_in_log(folder), done + 2);
}

#[test]
fn ctrl_c_during_a_prediction_leaves_nothing_half_written() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    success(
        folder,
        &["train", "config.yaml", "--output", "model", "--steps", "1"],
    );
    // One small scan, and then one that takes minutes.
    std::fs::create_dir(folder.join("scans")).unwrap();
    let small = folder.join("images/spheres_000.nii.gz");
    std::fs::copy(small, folder.join("scans/a.nii.gz")).unwrap();
    let grid = vesalius::volume::Geometry::axis_aligned([150; 3], [1.0; 3]).unwrap();
    let large = vesalius::volume::Volume::from_fn(grid, |[x, y, z]| ((x * y + z) % 97) as f32);
    vesalius::io::write(folder.join("scans/b.nii.gz"), &large).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args([
            "predict", "--model", "model", "--input", "scans", "--output", "out",
        ])
        .args([
            "--step",
            "0.15",
            "--save-probabilities",
            "slabs",
            "--max-memory",
            "4GiB",
        ])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stderr.take().unwrap());
    let mut text = String::new();
    // The plan of the large scan is printed once its windows run.
    while !text.contains("b: ") {
        assert!(
            lines.read_line(&mut text).unwrap() > 0,
            "ended by itself: {text}"
        );
    }
    interrupt(&run);
    lines.read_to_string(&mut text).unwrap();
    let status = run.wait().unwrap();
    // Saved: the same command goes on.
    assert_eq!(status.code(), Some(75), "{text}");
    assert!(text.contains("stopped after 1 of 2"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    let mut left: Vec<String> = std::fs::read_dir(folder.join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["a.nii.gz", "a.probabilities.zip", "predicted_by.json"]
    );
    vesalius::io::read_labels(folder.join("out/a.nii.gz")).unwrap();
}

/// INT, TERM and HUP while a large file is written leave no part of it; what SIGKILL leaves goes with the
/// next command that writes there.
#[test]
fn signals_during_a_conversion_leave_no_part_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let grid = vesalius::volume::Geometry::axis_aligned([220; 3], [1.0; 3]).unwrap();
    let noise = vesalius::volume::Volume::from_fn(grid, |[x, y, z]| {
        let hash = ((x + 220 * (y + 220 * z)) as u32).wrapping_mul(0x9E37_79B9);
        ((hash ^ hash >> 15).wrapping_mul(0x85EB_CA6B) >> 16) as u16
    });
    vesalius::io::write(folder.join("a.nii"), &noise).unwrap();
    let parts = |folder: &Path| {
        let names = std::fs::read_dir(folder).unwrap();
        names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".part"))
            .count()
    };
    let convert = || {
        let mut run = Command::new(env!("CARGO_BIN_EXE_vesalius"))
            .current_dir(folder)
            .args(["convert", "a.nii", "b.nii.gz", "--compression", "12"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while parts(folder) == 0 {
            assert!(started.elapsed() < Duration::from_secs(120), "no part file");
            assert!(run.try_wait().unwrap().is_none(), "ended by itself");
            std::thread::sleep(Duration::from_millis(2));
        }
        run
    };
    for signal in ["-INT", "-TERM", "-HUP"] {
        let mut run = convert();
        let sent = Command::new("kill")
            .args([signal, &run.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(run.wait().unwrap().code(), Some(1), "{signal}");
        assert_eq!(parts(folder), 0, "{signal}");
        assert!(!folder.join("b.nii.gz").exists());
    }
    let mut run = convert();
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(parts(folder), 1);
    success(folder, &["convert", "a.nii", "c.nii"]);
    let left = if cfg!(target_os = "linux") { 0 } else { 1 };
    assert_eq!(parts(folder), left);
}

/// Augmentations that take seconds on a volume of 160³ voxels.
const CHAIN: &str = "- blur: {sigma: [9, 9], probability: 1}\n- elastic: {probability: 1}\n";

/// Every long command is stopped through its control: the exit code is that of a failure, and nothing is left.
#[test]
fn ctrl_c_ends_commands_that_save_nothing_with_a_word_and_no_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let grid = vesalius::volume::Geometry::axis_aligned([160; 3], [1.0; 3]).unwrap();
    let image = vesalius::volume::Volume::from_fn(grid, |[x, y, z]| {
        ((x * 31 + y * 17 + z * 7) % 251) as f32 + 0.5
    });
    vesalius::io::write(folder.join("a.nii"), &image).unwrap();
    for (name, width) in [("l.nii", 3), ("m.nii", 4)] {
        let labels = vesalius::volume::LabelMap::from_fn(grid, |[x, y, z]| {
            ((x / width + y / 5 + z / 7) % 4) as u16
        });
        vesalius::io::write_labels(folder.join(name), &labels).unwrap();
    }
    std::fs::write(folder.join("c.yaml"), CHAIN).unwrap();
    for words in [
        "evaluate --prediction l.nii --reference m.nii --metrics dice,hd95,cldice --json new/s.json",
        "view a.nii --output new/v.gif --tile 2000",
        "transform c.yaml a.nii --image --samples 200 --output new",
        "filter median a.nii new/b.nii --radius 9",
        "filter curvature-diffusion a.nii new/b.nii --iterations 100000",
        "resample a.nii new/b.nii --size 500,500,500 --interpolation cubic",
    ] {
        for signal in ["-INT", "-TERM"] {
            let mut run = Command::new(env!("CARGO_BIN_EXE_vesalius"))
                .current_dir(folder)
                .args(words.split(' '))
                .arg("--verbose")
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(run.stderr.take().unwrap());
            let mut text = String::new();
            // A stage of the work has begun.
            assert!(lines.read_line(&mut text).unwrap() > 0, "{words}: {text}");
            let sent = Command::new("kill")
                .args([signal, &run.id().to_string()])
                .status();
            assert!(sent.unwrap().success());
            lines.read_to_string(&mut text).unwrap();
            let status = run.wait().unwrap();
            assert_eq!(status.code(), Some(1), "{words}: {text}");
            assert!(
                text.contains("error: stopped before the end"),
                "{words}: {text}"
            );
            assert!(!text.contains("panicked"), "{words}: {text}");
            assert!(!folder.join("new").exists(), "{words}");
        }
    }
}

#[test]
fn quiet_leaves_errors_and_results() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    let run = |words: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_vesalius"))
            .current_dir(folder)
            .args(words.split(' '))
            .output()
            .unwrap();
        (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (out, errors) = run("train config.yaml --output model --steps 1 --quiet");
    assert!(out.contains("model") && errors.is_empty(), "{errors}");
    let (_, errors) = run("info gone.nii --quiet");
    assert!(errors.starts_with("error: "), "{errors}");
    let (_, errors) = run("info gone.nii --quiet --verbose");
    assert!(errors.contains("cannot be used with"), "{errors}");
}
