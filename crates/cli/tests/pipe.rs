//! A reader that goes away ends the command quietly; a place that takes no more is an error.

#![cfg(unix)]

use std::io::Read;
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
        // With stderr full as well nothing can be said, and nothing panics.
        let status = Command::new(env!("CARGO_BIN_EXE_vesalius"))
            .args(arguments)
            .stdout(full())
            .stderr(full())
            .status();
        assert_eq!(status.unwrap().code(), Some(1), "{arguments:?}");
    }
}
