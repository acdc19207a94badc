//! Transforms that are applied now and then.

use super::{check_choice, run_all};
use crate::config::{check_probability, config};
use crate::transform::Composed;
use crate::work::Work;
use crate::{Result, Transform};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Applies all of the transforms, or none.
    Maybe, "maybe", {
        /// The transforms.
        of: Vec<Transform> = Vec::new(),
        /// How often, 0 to 1.
        probability: f64 = 0.5,
    }
}

impl Composed for Maybe {
    fn check(&self) -> Result<()> {
        check_choice(Self::NAME, &self.of, &[])?;
        check_probability(Self::NAME, self.probability)
    }

    fn run(&self, work: &mut Work, rng: &mut ChaCha8Rng) -> Result<()> {
        match rng.random_bool(self.probability) {
            true => run_all(&self.of, work, rng),
            false => Ok(()),
        }
    }
}
