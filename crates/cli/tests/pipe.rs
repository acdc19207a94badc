//! A reader that closes ends the command without a message; a full target, a file that may not be read and a
//! disk that fails are errors of the machine, for which no case is called broken.

#![cfg(unix)]

mod common;

use common::made::{MRI, input};
use common::other_user::{allow, without_rights};
use common::{CONFIG, dataset, error, success};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn a_closed_pipe_is_no_panic() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .args(["filter", "--list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Closed before the command can have printed all of its list.
    drop(command.stdout.take());
    let mut text = String::new();
    let mut errors = command.stderr.take().unwrap();
    errors.read_to_string(&mut text).unwrap();
    command.wait().unwrap();
    assert!(!text.contains("panicked"), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_one_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let grid = vesalius::volume::Geometry::axis_aligned([4; 3], [1.0; 3]).unwrap();
    let path = folder.path().join("a.nii");
    vesalius::io::write(&path, &vesalius::volume::Volume::filled(grid, 1u8)).unwrap();
    let path = path.display().to_string();
    for arguments in [
        &["filter", "--list"][..],
        &["info", &path],
        &["info", &path, "--json"],
    ] {
        let full = || {
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap()
        };
        let output = Command::new(env!("CARGO_BIN_EXE_vesalius"))
            .args(arguments)
            .stdout(full())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
        assert!(
            text.contains("stdout: No space left"),
            "{arguments:?}: {text}"
        );
        // With stderr full as well nothing can be printed, and nothing panics.
        let status = Command::new(env!("CARGO_BIN_EXE_vesalius"))
            .args(arguments)
            .stdout(full())
            .stderr(full())
            .status();
        assert_eq!(status.unwrap().code(), Some(1), "{arguments:?}");
    }
}

/// The error for a user without rights, where the machine lets tests be one; the command must have failed.
fn refused(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = without_rights(folder, arguments)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    common::advice::check(arguments, &said);
    Some(said)
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    success(
        folder,
        &["train", "config.yaml", "--output", "model", "--steps", "1"],
    );
    std::fs::create_dir(folder.join("made")).unwrap();
    MRI.write(&folder.join("made"));
    input(&folder.join("made"), "name: made\nmodality: MRI\n");
    allow(folder, 0o755);
    let image = "images/spheres_000.nii.gz";
    for (arguments, named) in [
        (&["train", "config.yaml", "--output", "again"][..], "again"),
        (
            &["train", "config.yaml", "--output", "model", "--resume"],
            "model",
        ),
        (
            &[
                "predict", "--model", "model", "--input", "images", "--output", "out",
            ],
            "out",
        ),
        (&["convert", image, "out.nii"], "out.nii"),
        (&["resample", image, "out.nii", "--spacing", "2"], "out.nii"),
        (
            &["auto", "run", "made/input.yaml", "--output", "work"],
            "work",
        ),
    ] {
        let Some(said) = refused(folder, arguments) else {
            return;
        };
        assert!(
            said.contains("Permission denied") && said.contains(named),
            "{said}"
        );
    }
    for made in ["again", "out", "out.nii", "work"] {
        assert!(!folder.join(made).exists(), "{made}");
    }
}

#[test]
fn a_case_that_may_not_be_read_is_not_left_out_as_a_broken_one() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    std::fs::write(
        folder.join("config.yaml"),
        format!("{CONFIG}bad_case: skip\n"),
    )
    .unwrap();
    let image = folder.join("images/spheres_003.nii.gz");
    allow(folder, 0o777);
    allow(&image, 0o000);
    let train = ["train", "config.yaml", "--output", "model", "--steps", "1"];
    let analyze = [
        "auto",
        "analyze",
        "--data",
        ".",
        "--output",
        "analysis",
        "--keep-going",
    ];
    for arguments in [&train[..], &analyze] {
        let Some(said) = refused(folder, arguments) else {
            return;
        };
        assert!(
            said.contains("spheres_003") && said.contains("Permission denied"),
            "{said}"
        );
        assert!(!said.contains("left out"), "{said}");
    }
    allow(&image, 0o644);
    for arguments in [&train[..], &analyze] {
        let output = without_rights(folder, arguments).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fails_while_a_case_is_read_stops_the_work_and_calls_no_case_broken() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    std::fs::write(
        folder.join("config.yaml"),
        format!("{CONFIG}bad_case: skip\n"),
    )
    .unwrap();
    // The first page of a process's memory is not there: to read it fails with EIO.
    let image = folder.join("images/spheres_003.nii.gz");
    std::fs::remove_file(&image).unwrap();
    std::os::unix::fs::symlink("/proc/self/mem", &image).unwrap();
    for arguments in [
        &["train", "config.yaml", "--output", "model", "--steps", "1"][..],
        &[
            "auto",
            "analyze",
            "--data",
            ".",
            "--output",
            "analysis",
            "--keep-going",
        ],
    ] {
        let said = error(folder, arguments);
        assert!(
            said.contains("spheres_003") && said.contains("Input/output error"),
            "{said}"
        );
        assert!(!said.contains("left out"), "{said}");
    }
}
