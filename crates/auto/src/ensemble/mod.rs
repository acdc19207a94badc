//! Which models together segment best: every candidate is scored on cases that none of its members was trained on.

mod candidates;
mod model;
mod post;
mod score;

pub use model::{write_model, write_model_with};
pub(crate) use score::segment_case;
pub use score::{Choice, ChooseOptions, Scored, choose};

use serde::{Deserialize, Serialize};
use vesalius_inferers::Combination;

/// Models that could segment together: for each fold the algorithms whose runs on it take part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// What it is called: `all`, `best 3`, `best by fold`, the names of a pair.
    pub name: String,
    /// Fold and algorithms.
    pub members: Vec<(usize, Vec<String>)>,
    /// How they are combined.
    pub combine: Combination,
}

impl Candidate {
    /// How many runs take part.
    pub fn size(&self) -> usize {
        self.members
            .iter()
            .map(|(_, algorithms)| algorithms.len())
            .sum()
    }
}
