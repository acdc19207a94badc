//! What a run leaves in its folder with and without reports.

use super::*;
use std::path::Path;
use vesalius_networks::{NetworkConfig, UNetConfig};
use vesalius_training::{
    Case, FitOptions, MemoryCases, TrainingConfig, TrainingData, ValidationConfig, fit,
};
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};

fn config() -> TrainingConfig {
    let network = NetworkConfig::UNet(UNetConfig {
        channels: vec![2, 4],
        strides: vec![2.into()],
        ..UNetConfig::default()
    });
    let validation = ValidationConfig {
        times: 2,
        ..ValidationConfig::default()
    };
    TrainingConfig::new(network)
        .name("drawn")
        .patch([8, 8, 8])
        .validation(validation)
}

fn data() -> TrainingData {
    let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let grid = Geometry::axis_aligned([10, 9, 8], [1.0; 3]).unwrap();
    let case = |name: &str| {
        let organ = LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 4));
        let image = Volume::from_fn(grid, |[x, y, z]| ((x * 5 + y + z) % 11) as f32);
        let subject = Subject::new(name, image, Some(organ)).unwrap();
        Case::new(subject, &labels, &Default::default()).unwrap()
    };
    TrainingData {
        dataset: "made".to_owned(),
        channels: vec!["CT".to_owned()],
        training: MemoryCases::shared([case("a")]),
        validation: MemoryCases::shared([case("held out")]),
        labels,
        warnings: Vec::new(),
    }
}

fn run(folder: &Path, callbacks: Callbacks, steps: u64) {
    let options = FitOptions {
        output: folder.to_owned(),
        resume: folder.exists(),
        callbacks,
        ..FitOptions::default()
    };
    fit(&config().steps(steps), &data(), &options, &mut |_| ()).unwrap();
}

/// The event files' bytes, in order of their names' last number.
fn boards(folder: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder.join(TENSORBOARD_FOLDER)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn count(bytes: &[u8], what: &str) -> usize {
    let windows = bytes.windows(what.len());
    windows.filter(|window| *window == what.as_bytes()).count()
}

#[test]
fn a_run_draws_only_where_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("bare");
    run(&bare, Callbacks::default(), 2);
    for file in ["checkpoint.bin", "log.jsonl", "steps.csv", "model.yaml"] {
        assert!(bare.join(file).is_file(), "{file}");
    }
    for drawn in [REPORT_FILE, TENSORBOARD_FOLDER] {
        assert!(!bare.join(drawn).exists(), "{drawn}");
    }
}

#[test]
fn a_run_that_goes_on_adds_to_its_curves_and_ends_with_the_worst_cases() {
    let folder = tempfile::tempdir().unwrap();
    let drawn = folder.path().join("drawn");
    run(&drawn, all(), 2);
    let first = boards(&drawn);
    assert_eq!(first.len(), 1);
    for (tag, times) in [
        ("train/loss", 2),
        ("validation/dice/organ", 2),
        ("prediction/held out", 2),
        ("config/text_summary", 1),
    ] {
        assert_eq!(count(&first[0], tag), times, "{tag}");
    }
    let page = std::fs::read_to_string(drawn.join(REPORT_FILE)).unwrap();
    for words in [
        "Training of drawn",
        "2 steps of 2",
        "Worst held-out cases",
        "held out, Dice",
        "Training loss",
        "burn",
        "<td>CPU</td>",
        "out_channels: 2",
    ] {
        assert!(page.contains(words), "{words}");
    }
    run(&drawn, all(), 4);
    let second = boards(&drawn);
    assert_eq!((second.len(), &second[0]), (2, &first[0]));
    assert_eq!(count(&second[1], "train/loss"), 2);
    assert_eq!(count(&second[1], "config/text_summary"), 0);
    let page = std::fs::read_to_string(drawn.join(REPORT_FILE)).unwrap();
    assert!(page.contains("4 steps of 4"));
}

#[test]
fn warnings_of_several_logs_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = |name: &str, lines: &str| {
        let run = folder.path().join(name);
        std::fs::create_dir(&run).unwrap();
        std::fs::write(run.join(vesalius_training::LOG_FILE), lines).unwrap();
        run
    };
    let line = |text: &str| {
        let event = serde_json::json!({"event": "warning", "kind": "k", "text": text});
        format!("{event}\n")
    };
    let folders = [
        log("a", &format!("{}{}cut", line("x"), line("y"))),
        log("b", &line("x")),
        folder.path().join("no run"),
    ];
    assert_eq!(logged_warnings(&folders), ["x", "y"]);
}
