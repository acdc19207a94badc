//! The files of a training run, and its messages when its dataset, cache or disk is not as it should be.

mod common;

use common::disk::SmallDisk;
use common::{CONFIG, dataset, error, success, vesalius};
use std::path::Path;
use std::process::Command;

const TRAIN: [&str; 6] = ["train", "config.yaml", "--output", "model", "--steps", "4"];

fn with_config(folder: &Path, more: &str) {
    std::fs::write(folder.join("config.yaml"), format!("{CONFIG}{more}")).unwrap();
}

fn events(folder: &Path) -> Vec<serde_json::Value> {
    events_of(&folder.join("model"))
}

fn events_of(model: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(model.join("log.jsonl")).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn losses(folder: &Path) -> Vec<String> {
    losses_of(&folder.join("model"))
}

fn losses_of(model: &Path) -> Vec<String> {
    let events = events_of(model);
    let steps = events.iter().filter(|e| e["event"] == "step");
    steps.map(|e| e["loss"].to_string()).collect()
}

fn cut_in_half(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn logs_tables_and_a_report_in_one_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 5);
    success(folder, &TRAIN);
    let model = folder.join("model");
    let steps = std::fs::read_to_string(model.join("steps.csv")).unwrap();
    assert_eq!(steps.lines().count(), 5);
    assert!(steps.starts_with("step,loss,learning_rate,gradient_norm"));
    let scores = std::fs::read_to_string(model.join("validations.csv")).unwrap();
    assert!(
        scores.starts_with("step,dice,smoothed,dark,bright\n4,"),
        "{scores}"
    );
    let boards: Vec<_> = std::fs::read_dir(model.join("tensorboard"))
        .unwrap()
        .collect();
    assert_eq!(boards.len(), 1);
    let report = std::fs::read_to_string(model.join("report.html")).unwrap();
    for part in [
        "Training of spheres",
        "<svg",
        "Training loss",
        "Dice of held-out cases",
        "Worst held-out cases",
        "data:image/png;base64",
        "processor",
        "seed",
        "num_res_units",
    ] {
        assert!(report.contains(part), "{part} is not in the report");
    }
    // The letters of a picture's bytes may spell anything.
    let words: String = report
        .split("base64,")
        .map(|part| part.split_once('"').map_or(part, |(_, rest)| rest))
        .collect();
    assert!(!words.contains("src=\"http") && !words.contains("NaN"));
}

#[test]
fn a_broken_case_stops_the_run_or_is_left_out_and_counted() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 6);
    cut_in_half(&folder.join("images/spheres_003.nii.gz"));
    assert!(error(folder, &TRAIN).contains("spheres_003"));
    assert!(!folder.join("model").exists());
    with_config(folder, "bad_case: skip\n");
    let output = vesalius(folder, &TRAIN);
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("spheres_003") && text.contains("left out"),
        "{text}"
    );
    let skipped: Vec<_> = events(folder)
        .into_iter()
        .filter(|event| event["event"] == "case_skipped")
        .collect();
    assert_eq!(skipped.len(), 1);
    let report = std::fs::read_to_string(folder.join("model/report.html")).unwrap();
    assert!(report.contains("Cases left out") && report.contains("1 could not be used"));
}

/// The entries of a cache, without the notes on the files that they were made from.
fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_none_or(|ending| ending != "seen"))
        .collect()
}

#[test]
fn memory_disk_and_threads_make_no_difference_to_batches() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 6);
    let run = |cache: &str| {
        with_config(folder, cache);
        let _ = std::fs::remove_dir_all(folder.join("model"));
        success(folder, &TRAIN);
        losses(folder)
    };
    let in_memory = run("cache: {workers: 1}\n");
    assert_eq!(run("cache: {workers: 3, batches_ahead: 1}\n"), in_memory);
    // No memory at all: everything is read from the run's own folder.
    assert_eq!(run("cache: {memory: 0, workers: 2}\n"), in_memory);
    let stored = |path: &str| entries(&folder.join(path)).len();
    assert_eq!(stored("model/cache"), 6);
    // A folder that runs share: made once, found again, and made again where an entry is broken.
    assert_eq!(run("cache: {folder: shared}\n"), in_memory);
    assert_eq!(stored("shared"), 6);
    for entry in std::fs::read_dir(folder.join("shared")).unwrap() {
        cut_in_half(&entry.unwrap().path());
    }
    assert_eq!(run("cache: {folder: shared, memory: 0}\n"), in_memory);
    assert_eq!(stored("shared"), 6);
    // Another preprocessing is another entry.
    let other = CONFIG.replace("  - z_score: {}", "  - z_score: {}\n  - orient: {to: LPS}");
    std::fs::write(
        folder.join("config.yaml"),
        other + "cache: {folder: shared}\n",
    )
    .unwrap();
    std::fs::remove_dir_all(folder.join("model")).unwrap();
    success(folder, &TRAIN);
    assert_eq!(stored("shared"), 12);
}

#[test]
fn two_processes_share_a_cache() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 6);
    with_config(folder, "cache: {folder: shared, memory: 0}\n");
    let children: Vec<_> = ["one", "two"]
        .map(|output| {
            Command::new(env!("CARGO_BIN_EXE_vesalius"))
                .current_dir(folder)
                .args(["train", "config.yaml", "--steps", "2", "--output", output])
                .stderr(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .into();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(entries(&folder.join("shared")).len(), 6);
}

#[test]
fn a_label_that_training_never_sees_is_told() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 5);
    let list = folder.join("dataset.json");
    let text = std::fs::read_to_string(&list).unwrap();
    let more = text.replace("\"2\":\"bright\"", "\"2\":\"bright\",\"3\":\"ghost\"");
    assert_ne!(text, more);
    std::fs::write(&list, more).unwrap();
    let output = vesalius(folder, &TRAIN);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("`ghost`") && said.contains("label 3"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_started_from_or_frozen_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 5);
    success(folder, &TRAIN);
    let tune = ["train", "config.yaml", "--output", "tuned", "--steps", "3"];
    let fails = |start: &str| {
        with_config(folder, &format!("start_from: {start}\n"));
        error(folder, &tune)
    };
    assert!(fails("{weights: gone.pt}").contains("gone.pt"));
    let text = fails("{weights: model, freeze: [nothing]}");
    assert!(
        text.contains("`nothing`") && text.contains("model."),
        "{text}"
    );
    let wider = CONFIG.replace("channels: [4, 8]", "channels: [6, 8]");
    std::fs::write(
        folder.join("config.yaml"),
        format!("{wider}start_from: {{weights: model}}\n"),
    )
    .unwrap();
    assert!(error(folder, &tune).contains("partial"));
    std::fs::write(
        folder.join("config.yaml"),
        format!("{wider}start_from: {{weights: model, partial: true}}\n"),
    )
    .unwrap();
    let output = vesalius(folder, &tune);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("first values stay"));
    std::fs::remove_dir_all(folder.join("tuned")).unwrap();

    // With everything but the last layers frozen, what is frozen stays to the bit.
    with_config(folder, "start_from: {weights: model, freeze: [model.0.]}\n");
    success(folder, &tune);
    let weights = |run: &str| {
        let path = folder.join(run).join("members/fold_0/weights.safetensors");
        vesalius::networks::Weights::open(path).unwrap()
    };
    let (before, after) = (weights("model"), weights("tuned"));
    let mut moved = 0;
    for (name, tensor) in before.iter() {
        let same = tensor.values().unwrap() == after.get(name).unwrap().values().unwrap();
        assert!(same || !name.starts_with("model.0."), "{name} moved");
        moved += usize::from(!same);
    }
    assert!(moved > 0);
}

/// Bytes of all files in a folder and below it.
fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let each = entries.map(|entry| match entry.path().is_dir() {
        true => bytes_below(&entry.path()),
        false => entry.metadata().unwrap().len(),
    });
    each.sum()
}

/// Nothing that is half written, and no lock, in a folder and below it.
fn no_litter(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(!name.starts_with('.'), "{name} is litter");
        if entry.path().is_dir() {
            no_litter(&entry.path());
        }
    }
}

#[test]
fn a_full_disk_of_the_cache_is_told_and_leaves_nothing_half_written() {
    let Some(disk) = SmallDisk::mount("128k") else {
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 5);
    let cache = disk.path().display();
    with_config(folder, &format!("cache: {{folder: {cache}, memory: 0}}\n"));
    let text = error(folder, &TRAIN);
    assert!(
        text.contains("cache.folder") && text.contains("space"),
        "{text}"
    );
    no_litter(disk.path());
    assert!(!folder.join("model").exists());
    disk.resize("20m");
    success(folder, &TRAIN);
    // A cache that holds everything may be on a disk that cannot be written.
    disk.allow("ro");
    std::fs::remove_dir_all(folder.join("model")).unwrap();
    success(folder, &TRAIN);
    // One that does not is named.
    disk.allow("rw");
    std::fs::remove_file(&entries(disk.path())[0]).unwrap();
    disk.allow("ro");
    std::fs::remove_dir_all(folder.join("model")).unwrap();
    let text = error(folder, &TRAIN);
    assert!(text.contains("cannot be locked (Read-only"), "{text}");
    assert!(text.contains(&cache.to_string()), "{text}");
}

#[test]
fn a_run_whose_disk_is_full_stops_and_goes_on_to_the_bit_when_there_is_room() {
    let Some(disk) = SmallDisk::mount("20m") else {
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 5);
    with_config(folder, "checkpoints: {every_steps: 1, keep_best: true}\n");
    success(folder, &TRAIN);
    let (whole, needed) = (losses(folder), bytes_below(&folder.join("model")));
    let weights =
        |model: &Path| std::fs::read(model.join("members/fold_0/weights.safetensors")).unwrap();
    for eighths in 1..8 {
        let output = disk.path().join(eighths.to_string());
        let path = output.display().to_string();
        let train = ["train", "config.yaml", "--steps", "4", "--output", &path];
        disk.resize(&(needed * eighths / 8).max(8192).to_string());
        let text = error(folder, &train);
        assert!(text.contains("space") || text.contains("room"), "{text}");
        if output.exists() {
            no_litter(&output);
        }
        let checkpoint = output.join("checkpoint.bin");
        if checkpoint.exists() {
            vesalius::training::Checkpoint::read(&checkpoint).unwrap();
        }
        disk.resize("20m");
        match output.join("training.yaml").exists() {
            true => success(folder, &[&train[..], &["--resume"]].concat()),
            false => success(folder, &train),
        };
        assert_eq!(losses_of(&output), whole, "{eighths} eighths");
        assert!(weights(&output) == weights(&folder.join("model")));
        std::fs::remove_dir_all(output).unwrap();
    }
}
