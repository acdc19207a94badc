//! `vesalius ensemble`: saved probabilities of several models become one segmentation a case.

use super::Result;
use crate::combination::CombinationOptions;
use crate::interrupt::control;
use crate::target::OutputOption;
use std::path::PathBuf;
use vesalius::inferers::describe_model;
use vesalius::predict::{EnsembleMember, EnsembleOptions, ensemble_cases};
use vesalius::volume::counted;

/// Arguments of `vesalius ensemble`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folders that `vesalius predict --save-probabilities` or nnU-Net wrote, two or more
    #[arg(required = true, num_args = 2.., value_name = "FOLDER")]
    inputs: Vec<PathBuf>,
    /// The folder to write segmentations to
    #[arg(long)]
    output: PathBuf,
    #[command(flatten)]
    combination: CombinationOptions,
    /// A model folder with the meaning of the channels, where the folders have none
    #[arg(long)]
    model: Option<PathBuf>,
    /// Also write the averaged probabilities, as NAME.probabilities.zip
    #[arg(long)]
    save_probabilities: bool,
    #[command(flatten)]
    overwrite: OutputOption,
}

/// Writes a segmentation for every case of the folders.
pub fn run(arguments: &Arguments) -> Result<()> {
    let weights = arguments
        .combination
        .weights(arguments.inputs.len(), "folders")?;
    let members: Vec<EnsembleMember> = arguments
        .inputs
        .iter()
        .zip(weights)
        .map(|(folder, weight)| EnsembleMember {
            folder: folder.clone(),
            weight,
        })
        .collect();
    let mut options = EnsembleOptions::new(arguments.combination.combination());
    if let Some(folder) = &arguments.model {
        options = options.labels(describe_model(folder)?.labels);
    }
    if arguments.save_probabilities {
        options = options.save_probabilities();
    }
    let _claimed = arguments
        .overwrite
        .folder(&arguments.output, &arguments.inputs)?;
    let count = ensemble_cases(
        &members,
        &arguments.output,
        &options,
        &control(),
        |name, path| note!("{name}: {}", path.display()),
    )?;
    out!(
        "{} into {}",
        counted(count, "case"),
        arguments.output.display()
    );
    Ok(())
}
