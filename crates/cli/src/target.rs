//! `--overwrite`, and where results of a command go.

use std::path::{Path, PathBuf};
use vesalius::workflow::output::{Claimed, Error, Existing, claim_file, claim_folder, claim_image};

/// Whether an output that is there may be replaced, shared by every command that writes one.
#[derive(clap::Args, Clone, Copy)]
pub struct OutputOption {
    /// Replace an existing output
    #[arg(long)]
    overwrite: bool,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

impl OutputOption {
    fn existing(self) -> Existing {
        match self.overwrite {
            true => Existing::Replace,
            false => Existing::Refuse,
        }
    }

    /// Claims a file of any ending.
    pub fn file(self, output: &Path, inputs: &[&Path]) -> Result<Claimed> {
        claim_file(output, inputs, self.existing()).map_err(explained)
    }

    /// Claims an image.
    pub fn image(self, output: &Path, inputs: &[&Path]) -> Result<Claimed> {
        claim_image(output, inputs, self.existing()).map_err(explained)
    }

    /// Claims a folder.
    pub fn folder(self, output: &Path, inputs: &[PathBuf]) -> Result<Claimed> {
        claim_folder(output, inputs, self.existing()).map_err(explained)
    }
}

/// What went wrong, in the options of the command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    match error {
        Error::Exists(path) => format!(
            "{} is there already; choose another name, or add `--overwrite`",
            path.display()
        )
        .into(),
        Error::IsInput(path) => format!(
            "{} is an input, which would be overwritten; choose another output, or add `--overwrite`",
            path.display()
        )
        .into(),
        error => error.into(),
    }
}
