//! Some transforms out of several.

use super::{check_choice, draw, run_all};
use crate::config::{config, require};
use crate::pending::PendingTransforms;
use crate::transform::Composed;
use crate::{Result, Transform};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Applies some of the transforms, none twice, in the order of the list (MONAI's `SomeOf`).
    SomeOf, "some_of", {
        /// The transforms.
        of: Vec<Transform> = Vec::new(),
        /// Fewest and most that are applied.
        count: [usize; 2] = [1, 1],
        /// How often each is taken, relative to the others; empty for equally often.
        weights: Vec<f64> = Vec::new(),
    }
}

impl Composed for SomeOf {
    fn check(&self) -> Result<()> {
        let fine = self.count[0] <= self.count[1] && self.count[1] <= self.of.len();
        check_choice(Self::NAME, &self.of, &self.weights)?;
        require(
            fine,
            Self::NAME,
            "count",
            self.count,
            "two numbers in rising order, at most the transforms there are",
        )
    }

    fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
        let count = rng.random_range(self.count[0]..=self.count[1]);
        let mut left: Vec<usize> = (0..self.of.len()).collect();
        let mut taken: Vec<usize> = (0..count)
            .map(|_| {
                let weights: Vec<f64> = match self.weights.is_empty() {
                    true => Vec::new(),
                    false => left.iter().map(|i| self.weights[*i]).collect(),
                };
                left.remove(draw(left.len(), &weights, rng))
            })
            .collect();
        taken.sort_unstable();
        let transforms: Vec<Transform> = taken.iter().map(|i| self.of[*i].clone()).collect();
        run_all(&transforms, work, rng)
    }
}
