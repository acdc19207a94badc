//! A run that was stopped and resumed does what an unbroken one does, step for step.

mod common;

use common::{config, data};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vesalius::prelude::*;
use vesalius::training::{Duration, Event, FitReport, LOG_FILE};

const STEPS: u64 = 12;

fn labels() -> LabelScheme {
    LabelScheme::exclusive(&[("dark", 1), ("bright", 2)]).unwrap()
}

fn options(folder: &std::path::Path, resume: bool, stop: Arc<AtomicBool>) -> FitOptions {
    FitOptions {
        output: folder.to_path_buf(),
        duration: Some(Duration::Steps(STEPS)),
        resume,
        stop,
        ..FitOptions::default()
    }
}

/// Trains until `stop_after` steps are done, or to the end.
fn train(folder: &std::path::Path, resume: bool, stop_after: Option<u64>) -> FitReport {
    let config = config(11);
    let data = data(&labels(), &config, 4, 2);
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let options = options(folder, resume, stop);
    fit(&config, &data, &options, &mut |event| {
        if let Event::Step { step, .. } = event {
            flag.store(Some(*step) == stop_after, Ordering::Relaxed);
        }
    })
    .unwrap()
}

fn steps_in_log(folder: &std::path::Path) -> Vec<(u64, f64, f64)> {
    let text = std::fs::read_to_string(folder.join(LOG_FILE)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event"] == "step")
        .map(|e| {
            (
                e["step"].as_u64().unwrap(),
                e["loss"].as_f64().unwrap(),
                e["learning_rate"].as_f64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_broken_run_goes_on_with_the_same_batches_and_losses() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let unbroken = train(whole.path(), false, None);
    assert!(unbroken.finished && unbroken.losses.len() == STEPS as usize);

    let first = train(broken.path(), false, Some(5));
    assert!(!first.finished && first.losses.len() == 5);
    let second = train(broken.path(), true, Some(8));
    let third = train(broken.path(), true, None);
    assert!(third.finished);
    let losses: Vec<f32> = [first.losses, second.losses, third.losses].concat();
    assert_eq!(losses, unbroken.losses);
    assert_eq!(steps_in_log(whole.path()), steps_in_log(broken.path()));
    assert_eq!(third.progress.best, unbroken.progress.best);

    let weights = |folder: &std::path::Path| {
        std::fs::read(folder.join("members/fold_0/weights.safetensors")).unwrap()
    };
    assert_eq!(weights(whole.path()), weights(broken.path()));
}

#[test]
fn a_folder_with_a_run_is_not_overwritten_and_a_foreign_checkpoint_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    train(folder.path(), false, Some(2));
    let (labels, other) = (labels(), config(12));
    let fit_other = |resume| {
        let data = data(&labels, &other, 4, 2);
        fit(
            &other,
            &data,
            &options(folder.path(), resume, Arc::default()),
            &mut |_| {},
        )
        .unwrap_err()
        .to_string()
    };
    assert!(fit_other(false).contains("--resume"));
    assert!(fit_other(true).contains("seed"));

    let checkpoint = folder.path().join("checkpoint.bin");
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&checkpoint, bytes).unwrap();
    assert!(fit_other(true).contains("damaged"));
}
