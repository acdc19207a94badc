//! One transform out of several.

use super::{check_choice, draw};
use crate::config::config;
use crate::pending::PendingTransforms;
use crate::transform::Composed;
use crate::{Result, Transform};
use rand_chacha::ChaCha8Rng;

config! {
    /// Applies one of the transforms (MONAI's `OneOf`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    ///
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- one_of: {of: [blur: {probability: 1}, sharpen: {probability: 1}], weights: [3, 1]}",
    /// )?;
    /// assert!(chain.is_random());
    /// chain.check()?;
    ///
    /// // Weights are one for each transform.
    /// let chain: Chain = serde_saphyr::from_str("- one_of: {of: [blur, sharpen], weights: [1]}")?;
    /// assert!(chain.check().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

    fn run(&self, work: &mut PendingTransforms, rng: &mut ChaCha8Rng) -> Result<()> {
        self.of[draw(self.of.len(), &self.weights, rng)].run(work, rng)
    }
}
