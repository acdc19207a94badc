//! `vesalius man DIR`: a manual page for each command.

use super::Result;
use crate::arguments::command;
use clap::Command;
use clap_mangen::Man;
use std::path::{Path, PathBuf};
use vesalius::io::write_bytes_atomically;

/// Arguments of `vesalius man`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder to write the pages to, such as ~/.local/share/man/man1; pages of an earlier version are replaced
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages.
pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = &arguments.folder;
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
    let mut command = command::<crate::Arguments>().disable_help_subcommand(true);
    command.build();
    let count = write(&command, "vesalius", folder)?;
    out!("{count} pages in {}", folder.display());
    Ok(())
}

/// Writes the page of a command and those of its own commands; how many they are.
fn write(command: &Command, name: &str, folder: &Path) -> Result<usize> {
    let mut page = Vec::new();
    let titled = command
        .clone()
        .name(name.to_owned())
        .display_name(name.to_owned());
    Man::new(titled).render(&mut page)?;
    write_bytes_atomically(folder.join(format!("{name}.1")), &page)?;
    let mut count = 1;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        count += write(sub, &format!("{name}-{}", sub.get_name()), folder)?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_options() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = Arguments {
            folder: folder.path().join("man1"),
        };
        run(&arguments).unwrap();
        let page = |name: &str| std::fs::read_to_string(arguments.folder.join(name)).unwrap();
        for sub in command::<crate::Arguments>().get_subcommands() {
            let text = page(&format!("vesalius-{}.1", sub.get_name()));
            assert!(text.contains(".TH") && text.contains("SYNOPSIS"), "{text}");
        }
        assert!(page("vesalius-predict.1").contains("save\\-probabilities"));
        assert!(page("vesalius-auto-run.1").contains("tune\\-trials"));
        assert!(page("vesalius-filter-median.1").contains("radius"));
    }
}
