//! Ctrl-C: the run saves where it stands, says so, and `--resume` goes on from there.

#![cfg(unix)]

mod common;

use common::{dataset, success};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Steps that the run's log holds by now.
fn steps_in_log(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("model/log.jsonl"))
        .unwrap_or_default()
        .lines()
        .filter(|line| line.contains(r#""event":"step""#))
        .count()
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
    let interrupt = Command::new("kill")
        .args(["-INT", &run.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
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
