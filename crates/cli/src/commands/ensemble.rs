//! `vesalius ensemble`: saved probabilities of several models become one segmentation a case.

use super::Result;
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::inferers::{Combination, ModelDescription, NnUnetModelFolder};
use vesalius::predict::{EnsembleMember, ensemble_cases};

/// Arguments of `vesalius ensemble`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Folders that `vesalius predict --save-probabilities` or nnU-Net wrote, two or more
    #[arg(required = true, num_args = 2.., value_name = "FOLDER")]
    inputs: Vec<PathBuf>,
    /// The folder to write segmentations to
    #[arg(long)]
    output: PathBuf,
    /// What is averaged
    #[arg(long, value_enum, default_value = "probabilities")]
    by: By,
    /// How much each folder counts, such as 2,1,1; equally otherwise
    #[arg(long, value_delimiter = ',')]
    weights: Option<Vec<f64>>,
    /// A model folder that says what the channels mean, where the folders do not
    #[arg(long)]
    model: Option<PathBuf>,
    /// Also write the averaged probabilities, as NAME.probabilities.zip
    #[arg(long)]
    save_probabilities: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// The mean of probabilities, as nnU-Net's ensembles
    Probabilities,
    /// The mean of logits
    Logits,
    /// How many models say so
    Vote,
}

/// Writes a segmentation for every case of the folders.
pub fn run(arguments: &Arguments) -> Result<()> {
    let weights = match &arguments.weights {
        Some(weights) if weights.len() != arguments.inputs.len() => {
            return Err(format!(
                "{} weights for {} folders; give one for each",
                weights.len(),
                arguments.inputs.len()
            )
            .into());
        }
        Some(weights) => weights.clone(),
        None => vec![1.0; arguments.inputs.len()],
    };
    let members: Vec<EnsembleMember> = arguments
        .inputs
        .iter()
        .zip(weights)
        .map(|(folder, weight)| EnsembleMember {
            folder: folder.clone(),
            weight,
        })
        .collect();
    let labels = match &arguments.model {
        Some(folder) if NnUnetModelFolder::is_one(folder) => {
            Some(NnUnetModelFolder::read(folder, None)?.description.labels)
        }
        Some(folder) => Some(ModelDescription::read(folder)?.labels),
        None => None,
    };
    let combination = match arguments.by {
        By::Probabilities => Combination::Probabilities,
        By::Logits => Combination::Logits,
        By::Vote => Combination::Vote,
    };
    let count = ensemble_cases(
        &members,
        &arguments.output,
        combination,
        labels.as_ref(),
        arguments.save_probabilities,
        |name, path| eprintln!("{name}: {}", path.display()),
    )?;
    println!("{count} case(s) into {}", arguments.output.display());
    Ok(())
}
