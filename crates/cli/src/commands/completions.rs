//! `vesalius completions SHELL`: a script that completes commands and options.

use super::Result;
use crate::arguments::command;
use clap_complete::{Shell, generate};

/// Arguments of `vesalius completions`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The shell that reads the script
    shell: Shell,
}

/// Prints the script.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut script = Vec::new();
    generate(
        arguments.shell,
        &mut command::<crate::Arguments>(),
        "vesalius",
        &mut script,
    );
    crate::print::to_stdout(format_args!("{}", String::from_utf8_lossy(&script)));
    Ok(())
}
