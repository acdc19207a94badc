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
    crate::print::to_stdout(format_args!("{}", script(arguments.shell)));
    Ok(())
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(
        shell,
        &mut command::<crate::Arguments>(),
        "vesalius",
        &mut script,
    );
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_every_shell_names_every_command() {
        let command = command::<crate::Arguments>();
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Elvish,
        ] {
            let script = script(shell);
            for sub in command.get_subcommands() {
                assert!(
                    script.contains(sub.get_name()),
                    "{shell}: {}",
                    sub.get_name()
                );
            }
            assert!(script.contains("max-memory"), "{shell}");
        }
    }
}
