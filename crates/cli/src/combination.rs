//! How the results of several models are combined, as options of the commands that take several.

use clap::ValueEnum;
use vesalius::inferers::Combination;
use vesalius::predict::{WeightCount, weights};

/// What is averaged, and how much each model counts.
#[derive(clap::Args)]
pub struct CombinationOptions {
    /// What is averaged over models
    #[arg(long, value_enum, default_value = "probabilities")]
    by: By,
    /// How much each model counts, such as 2,1,1; equally otherwise
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "W,W,…",
        allow_hyphen_values = true
    )]
    weights: Option<Vec<f64>>,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// The mean of probabilities, as nnU-Net's ensembles
    Probabilities,
    /// The mean of logits
    Logits,
    /// The share of models that vote for it
    Vote,
}

impl CombinationOptions {
    /// What is averaged.
    pub fn combination(&self) -> Combination {
        match self.by {
            By::Probabilities => Combination::Probabilities,
            By::Logits => Combination::Logits,
            By::Vote => Combination::Vote,
        }
    }

    /// A weight for each of so many models (`what`: folders, models).
    ///
    /// # Errors
    /// Another number of weights.
    pub fn weights(&self, count: usize, what: &'static str) -> Result<Vec<f64>, WeightCount> {
        weights(self.weights.as_deref(), count, what)
    }
}
