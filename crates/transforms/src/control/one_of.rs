//! One transform out of several.

use super::{check_choice, draw};
use crate::config::config;
use crate::transform::Composed;
use crate::work::Work;
use crate::{Result, Transform};
use rand_chacha::ChaCha8Rng;

config! {
    /// Applies one of the transforms (MONAI's `OneOf`).
    OneOf, "one_of", {
        /// The transforms.
        of: Vec<Transform> = Vec::new(),
        /// How often each is taken, relative to the others; empty for equally often.
        weights: Vec<f64> = Vec::new(),
    }
}

impl Composed for OneOf {
    fn check(&self) -> Result<()> {
        check_choice(Self::NAME, &self.of, &self.weights)
    }

    fn run(&self, work: &mut Work, rng: &mut ChaCha8Rng) -> Result<()> {
        self.of[draw(self.of.len(), &self.weights, rng)].run(work, rng)
    }
}
