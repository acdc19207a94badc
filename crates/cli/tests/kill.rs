//! Commands that are killed (SIGKILL) at any time, again and again, end as ones that were left alone: a training run
//! with the same losses, weights and tables, a prediction with the same files. The stages of `auto` are in
//! `auto_kills.rs`.

mod common;

use common::{CONFIG, dataset, killed, milliseconds, moments, success};
use std::path::Path;

/// Kills of the training run; the prediction and the stages of `auto` have theirs.
const KILLS_OF_TRAINING: usize = 10;
const KILLS_OF_PREDICTION: usize = 6;

/// Step, loss and learning rate of every step in a run's log; a step logged twice fails the test.
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

/// Names of the files in a folder, those of what is half written or locked included.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn kills_at_random_moments_of_a_training_run_change_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 5);
    let config = format!(
        "{}weight_average: {{decay: 0.9}}\ncheckpoints: {{every_steps: 5, keep_best: true}}\n",
        CONFIG.replace("times: 1", "times: 4")
    );
    std::fs::write(folder.join("config.yaml"), config).unwrap();
    let train = |output| {
        let mut arguments = vec!["train", "config.yaml", "--steps", "60", "--output", output];
        if folder.join(output).join("training.yaml").is_file() {
            arguments.push("--resume");
        }
        arguments
    };
    let whole = milliseconds(folder, &train("whole"));
    let mut interrupted = 0;
    let mut time = whole * 0.5;
    for share in moments().take(KILLS_OF_TRAINING) {
        let ended = killed(folder, &train("killed"), (time * share) as u64);
        interrupted += usize::from(!ended);
        if interrupted == 0 {
            // The machine had more to do while the other run was timed.
            std::fs::remove_dir_all(folder.join("killed")).unwrap();
            time /= 2.0;
        }
    }
    assert!(interrupted > 0, "no kill hit a run under way");
    success(folder, &train("killed"));

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
    // Nothing that is half written, no lock.
    for below in ["", "members/fold_0"] {
        assert_eq!(names(&whole.join(below)), names(&killed.join(below)));
    }
    println!("{interrupted} of {KILLS_OF_TRAINING} kills hit a run under way");
}

#[test]
fn kills_at_random_moments_of_a_prediction_change_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 6);
    success(
        folder,
        &["train", "config.yaml", "--output", "model", "--steps", "2"],
    );
    let predict = |output| {
        vec![
            "predict", "--model", "model", "--input", "images", "--step", "0.2", "--output", output,
        ]
    };
    let whole = milliseconds(folder, &predict("whole"));
    let mut interrupted = 0;
    let mut time = whole * 0.8;
    for share in moments().skip(KILLS_OF_TRAINING).take(KILLS_OF_PREDICTION) {
        let ended = killed(folder, &predict("killed"), (time * share) as u64);
        interrupted += usize::from(!ended);
        if interrupted == 0 {
            std::fs::remove_dir_all(folder.join("killed")).unwrap();
            time /= 2.0;
        }
    }
    assert!(interrupted > 0, "no kill hit a prediction under way");
    success(folder, &predict("killed"));
    let (whole, killed) = (folder.join("whole"), folder.join("killed"));
    let images = names(&folder.join("images"));
    assert_eq!(images.len(), 6);
    for file in images {
        let read = |folder: &Path| std::fs::read(folder.join(&file)).unwrap();
        assert!(read(&whole) == read(&killed), "{file} differs");
    }
    println!("{interrupted} of {KILLS_OF_PREDICTION} kills hit a prediction under way");
}
