//! A run that is killed at any moment, ten times over, ends with the losses, weights and tables of a
//! run that was left alone.

mod common;

use common::{CONFIG, dataset, success};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const STEPS: &str = "60";
const KILLS: usize = 10;

fn start(folder: &Path, resume: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vesalius"));
    command
        .current_dir(folder)
        .args([
            "train",
            "config.yaml",
            "--output",
            "killed",
            "--steps",
            STEPS,
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if resume {
        command.arg("--resume");
    }
    command.spawn().unwrap()
}

/// Step, loss and learning rate of every step in a run's log; a step told twice fails the test.
fn curve(folder: &Path) -> Vec<(u64, String, String)> {
    let text = std::fs::read_to_string(folder.join("log.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event"] == "step")
        .map(|event| {
            // As text: not a bit may differ.
            let text = |key: &str| event[key].to_string();
            (
                event["step"].as_u64().unwrap(),
                text("loss"),
                text("learning_rate"),
            )
        })
        .collect()
}

#[test]
fn ten_kills_change_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 5);
    let config = format!(
        "{}weight_average: {{decay: 0.9}}\ncheckpoints: {{every_steps: 5, keep_best: true}}\n",
        CONFIG.replace("times: 1", "times: 4")
    );
    std::fs::write(folder.join("config.yaml"), config).unwrap();
    let began = Instant::now();
    success(
        folder,
        &[
            "train",
            "config.yaml",
            "--output",
            "whole",
            "--steps",
            STEPS,
        ],
    );
    let whole = began.elapsed();

    // Anywhere between the start of the process and the time a whole run takes; by a fixed sequence,
    // but what it hits differs from machine to machine and from day to day.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut kills = 0;
    let mut interrupted = 0;
    while kills < KILLS {
        let resume = folder.join("killed/training.yaml").is_file();
        let mut child = start(folder, resume);
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 40) as f64 / (1u64 << 24) as f64;
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * share * 0.5));
        child.kill().unwrap();
        interrupted += usize::from(!child.wait().unwrap().success());
        kills += 1;
    }
    assert!(interrupted > 0, "no kill hit a run under way");
    let resume = folder.join("killed/training.yaml").is_file();
    assert!(start(folder, resume).wait().unwrap().success());

    let (whole, killed) = (folder.join("whole"), folder.join("killed"));
    let curve_of_whole = curve(&whole);
    assert_eq!(curve_of_whole.len(), 60);
    assert_eq!(curve_of_whole, curve(&killed));
    for file in [
        "members/fold_0/weights.safetensors",
        "model.yaml",
        "validations.csv",
    ] {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(read(&whole) == read(&killed), "{file} differs");
    }
    println!("{interrupted} of {KILLS} kills hit a run under way");
}
