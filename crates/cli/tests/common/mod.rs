//! Runs the command as a user would, on a small made dataset.

#[allow(dead_code)]
pub mod advice;
#[allow(dead_code)]
pub mod disk;
#[allow(dead_code)]
pub mod made;
#[cfg(unix)]
#[allow(dead_code)]
pub mod other_user;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use vesalius::training::synthetic::Spheres;

/// Runs `vesalius` with these arguments in `folder`.
pub fn vesalius(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

/// A command's stderr; it must have failed with exit code 1 or 2.
#[allow(dead_code)]
pub fn error(folder: &Path, arguments: &[&str]) -> String {
    let output = vesalius(folder, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        matches!(output.status.code(), Some(1 | 2)),
        "{arguments:?} ended with {:?}: {text}",
        output.status
    );
    assert!(!text.contains("panicked"), "{text}");
    advice::check(arguments, &text);
    text
}

/// What a command printed; it must have succeeded.
#[allow(dead_code)]
pub fn success(folder: &Path, arguments: &[&str]) -> String {
    let output = vesalius(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{arguments:?} ended with {:?}: {errors}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Starts `vesalius` and kills it (SIGKILL) after so many milliseconds; whether it had ended well by then.
#[allow(dead_code)]
pub fn killed(folder: &Path, arguments: &[&str], milliseconds: u64) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(arguments)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    let _ = child.kill();
    child.wait().unwrap().success()
}

/// Runs `vesalius` to its end; how long that takes, in milliseconds.
#[allow(dead_code)]
pub fn milliseconds(folder: &Path, arguments: &[&str]) -> f64 {
    let began = std::time::Instant::now();
    success(folder, arguments);
    began.elapsed().as_secs_f64() * 1000.0
}

/// Shares of a time, from 0 to below 1, by a fixed sequence: what a kill at such a time hits differs from
/// machine to machine and from day to day.
#[allow(dead_code)]
pub fn moments() -> impl Iterator<Item = f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    std::iter::from_fn(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Some((state >> 40) as f64 / (1u64 << 24) as f64)
    })
}

/// Writes `count` cases in two folds, `dataset.json` and `config.yaml`.
#[allow(dead_code)]
pub fn dataset(folder: &Path, count: u64) {
    let spheres = Spheres {
        size: [18, 24],
        classes: 2,
        count: [1, 2],
        radius: [4.0, 6.0],
        noise: 0.15,
    };
    std::fs::create_dir_all(folder.join("images")).unwrap();
    std::fs::create_dir_all(folder.join("labels")).unwrap();
    let cases: Vec<serde_json::Value> = (0..count)
        .map(|number| {
            let subject = spheres.subject(3, number).unwrap();
            let file = format!("{}.nii.gz", subject.name());
            vesalius::io::write(folder.join("images").join(&file), subject.image()).unwrap();
            vesalius::io::write_labels(
                folder.join("labels").join(&file),
                subject.labels().unwrap(),
            )
            .unwrap();
            let (image, label) = (format!("images/{file}"), format!("labels/{file}"));
            serde_json::json!({"image": image, "label": label, "fold": usize::from(number >= 2)})
        })
        .collect();
    let list = serde_json::json!({
        "name": "spheres",
        "modality": {"0": "made"},
        "labels": {"0": "background", "1": "dark", "2": "bright"},
        "training": cases,
    });
    std::fs::write(folder.join("dataset.json"), list.to_string()).unwrap();
    std::fs::write(folder.join("config.yaml"), CONFIG).unwrap();
}

/// A network that trains in a second or two.
#[allow(dead_code)]
pub const CONFIG: &str = "name: spheres
preprocessing:
  - z_score: {}
augmentation:
  - flip: {}
patch:
  size: [16, 16, 16]
  sampling: {positive: 1, negative: 1}
network:
  unet: {channels: [4, 8], strides: [2], num_res_units: 1}
optimizer:
  adamw: {learning_rate: 0.01}
validation: {times: 1}
";

/// A file of the shared cases next to the clone; `None`, and a line that names it, where it is absent.
#[allow(dead_code)]
pub fn shared_case(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/cases")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none_or(|v| v != "1"),
        "{} is not there",
        path.display()
    );
    eprintln!("skipped: {} is not there", path.display());
    None
}

/// The commands in a message: the text after the last `: vesalius` of a line, without the name.
#[allow(dead_code)]
pub fn advised(text: &str) -> Vec<Vec<String>> {
    let commands = text
        .lines()
        .filter_map(|line| Some(line.split_once("vesalius ")?.1));
    commands
        .map(|words| {
            words
                .split(' ')
                .map(|word| word.trim_matches('\'').to_owned())
                .collect()
        })
        .collect()
}
