//! Every command on every kind of bad input: exit code 1 or 2, one error that names the file, no panic, no wait
//! without end, and nothing left behind.

use crate::common::other_user::{allow, without_rights};
use crate::common::{dataset, success};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Commands with `IN` in place of the bad input, and `out` where they would write.
const COMMANDS: &[&str] = &[
    "info IN",
    "convert IN out/a.nii.gz",
    "resample IN out/a.nii.gz --spacing 2 --image",
    "resample good.nii out/a.nii.gz --like IN --image",
    "view IN --output out/a.png",
    "view good.nii --labels IN --output out/a.png",
    "filter gaussian IN out/a.nii.gz --sigma 1",
    "filter dilate IN out/a.nii.gz --radius 1",
    "filter label-statistics IN",
    "transform chain.yaml IN --output out",
    "transform IN good.nii --output out",
    "predict --model model --input IN --output out",
    "predict --model IN --input good.nii --output out",
    "ensemble IN IN --output out",
    "evaluate --prediction IN --reference good.nii",
    "evaluate --prediction good.nii --reference IN",
    "model info IN",
    "model convert IN out/a.safetensors",
    "model ensemble model IN --output out",
    "model run --architecture IN --weights model --input good.npy --output out/a.npy",
    "train IN --output out",
    "train config.yaml --data IN --output out",
    "auto run IN --output out",
    "auto analyze --data IN --output out",
    "auto plan IN",
    "auto report IN",
];

/// Those of which the header alone is read, which a truncated file may still have.
const HEADERS: [&str; 2] = [
    "info IN",
    "resample good.nii out/a.nii.gz --like IN --image",
];

/// A command that does not end by itself has failed long before.
const WATCHDOG: Duration = Duration::from_secs(60);

/// What replaces a good file.
struct Kind {
    what: &'static str,
    /// Its name, and the part of it that the error holds.
    name: OsString,
    shown: &'static str,
}

fn kind(what: &'static str, name: impl AsRef<OsStr>, shown: &'static str) -> Kind {
    Kind {
        what,
        name: name.as_ref().to_owned(),
        shown,
    }
}

/// Makes the bad inputs in a folder.
fn kinds(folder: &Path) -> Vec<Kind> {
    let at = |name: &str| folder.join(name);
    std::fs::create_dir(at("notes")).unwrap();
    std::fs::write(at("notes/readme.md"), "nothing to see").unwrap();
    std::fs::create_dir(at("empty")).unwrap();
    symlink("gone.nii.gz", at("dangling.nii.gz")).unwrap();
    symlink("circle.nii.gz", at("circle.nii.gz")).unwrap();
    let pipe = Command::new("mkfifo").arg(at("pipe.nii.gz")).status();
    assert!(pipe.unwrap().success());
    let whole = std::fs::read(at("images/spheres_000.nii.gz")).unwrap();
    std::fs::write(at("truncated.nii.gz"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(at("text.nii.gz"), "this is no image\n").unwrap();
    std::fs::write(at("nothing.nii.gz"), "").unwrap();
    let long = format!("{}long.nii.gz", "d/".repeat(2042));
    assert_eq!(long.len(), 4095);
    vec![
        kind("a missing file", "gone.nii.gz", "gone.nii.gz"),
        kind("a folder", "notes", "notes"),
        kind("an empty folder", "empty", "empty"),
        kind("a dangling link", "dangling.nii.gz", "dangling.nii.gz"),
        kind("a circular link", "circle.nii.gz", "circle.nii.gz"),
        kind("a pipe", "pipe.nii.gz", "pipe.nii.gz"),
        kind("an endless device", "/dev/zero", "/dev/zero"),
        kind("an empty device", "/dev/null", "/dev/null"),
        kind("a name with a newline", "two\nlines.nii.gz", "lines.nii.gz"),
        kind(
            "a name that is no UTF-8",
            OsStr::from_bytes(b"b\xff.nii.gz"),
            ".nii.gz",
        ),
        kind("a path of 4,096 bytes", format!("{long}x"), "long.nii.gz"),
        kind("a truncated file", "truncated.nii.gz", "truncated.nii.gz"),
        kind("a text", "text.nii.gz", "text.nii.gz"),
        kind("an empty file", "nothing.nii.gz", "nothing.nii.gz"),
    ]
}

/// Everything in a folder and below it.
fn listed(folder: &Path) -> BTreeSet<OsString> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(listed(&path));
        }
        found.insert(path.into_os_string());
    }
    found
}

/// Waits for a command; its exit code and stderr, or why there are none.
fn ended(mut child: Child, stderr: &Path) -> Result<(i32, String), String> {
    let began = Instant::now();
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if began.elapsed() > WATCHDOG => {
                child.kill().unwrap();
                child.wait().unwrap();
                return Err("does not end".to_owned());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let text = String::from_utf8_lossy(&std::fs::read(stderr).unwrap()).into_owned();
    match status.code() {
        Some(code) => Ok((code, text)),
        None => Err(format!("ended by {status}: {text}")),
    }
}

/// What is wrong with how a command takes a kind of input.
fn problem(folder: &Path, command: &str, kind: &Kind, stderr: &Path) -> Option<String> {
    let words = command.split(' ').map(|word| match word {
        "IN" => kind.name.clone(),
        word => word.into(),
    });
    // What a pipe is opened for comes from another process.
    let writer = (kind.what == "a pipe").then(|| {
        let echo = Command::new("sh")
            .args(["-c", "echo text > pipe.nii.gz"])
            .current_dir(folder)
            .spawn();
        echo.unwrap()
    });
    let child = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(stderr).unwrap())
        .spawn()
        .unwrap();
    let result = ended(child, stderr);
    if let Some(mut writer) = writer {
        let _ = writer.kill();
        writer.wait().unwrap();
    }
    let (code, text) = match result {
        Ok(ended) => ended,
        Err(problem) => return Some(problem),
    };
    let errors = text
        .lines()
        .filter(|line| line.starts_with("error: "))
        .count();
    let mut wrong = Vec::new();
    if !matches!(code, 1 | 2) {
        wrong.push(format!("exit code {code}"));
    }
    if text.contains("panicked") {
        wrong.push("a panic".to_owned());
    }
    if errors != 1 {
        wrong.push(format!("{errors} errors"));
    }
    if !text.contains(kind.shown) {
        wrong.push(format!("no {}", kind.shown));
    }
    (!wrong.is_empty()).then(|| format!("{}: {text}", wrong.join(", ")))
}

/// The other inputs of the commands.
fn good_files(folder: &Path) {
    dataset(folder, 4);
    let train = ["train", "config.yaml", "--output", "model", "--steps", "1"];
    success(folder, &train);
    success(
        folder,
        &["convert", "labels/spheres_000.nii.gz", "good.nii"],
    );
    std::fs::write(folder.join("chain.yaml"), "- z_score: {}\n").unwrap();
}

#[test]
fn every_command_names_a_file_that_it_may_not_read() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    good_files(folder);
    std::fs::copy(folder.join("good.nii"), folder.join("secret.nii")).unwrap();
    allow(&folder.join("secret.nii"), 0o000);
    allow(folder, 0o777);
    for command in COMMANDS {
        let words: Vec<&str> = command
            .split(' ')
            .map(|word| if word == "IN" { "secret.nii" } else { word })
            .collect();
        let Some(output) = without_rights(folder, &words) else {
            return;
        };
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{command}: {text}"
        );
        assert!(text.contains("secret.nii"), "{command}: {text}");
        assert!(!text.contains("panicked"), "{command}: {text}");
        assert!(!folder.join("out").exists(), "{command}: {text}");
    }
}

#[test]
fn every_command_refuses_every_kind_of_bad_input_in_a_sentence() {
    let temporary = tempfile::tempdir().unwrap();
    let stderr = tempfile::NamedTempFile::new().unwrap();
    let folder = temporary.path();
    good_files(folder);
    let kinds = kinds(folder);
    let before = listed(folder);
    let mut problems = Vec::new();
    for command in COMMANDS {
        let whole_file =
            |kind: &&Kind| kind.what != "a truncated file" || !HEADERS.contains(command);
        for kind in kinds.iter().filter(whole_file) {
            let mut found = problem(folder, command, kind, stderr.path());
            let left: Vec<_> = listed(folder).difference(&before).cloned().collect();
            if !left.is_empty() {
                found = Some(format!("left {left:?}; {}", found.unwrap_or_default()));
                let _ = std::fs::remove_dir_all(folder.join("out"));
            }
            if let Some(found) = found {
                problems.push(format!("`{command}` on {}: {found}", kind.what));
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} of them:\n{}",
        problems.len(),
        problems.join("\n")
    );
}
