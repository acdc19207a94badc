//! A reader that goes away ends the command quietly.

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
