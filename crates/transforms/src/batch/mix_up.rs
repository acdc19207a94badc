//! MixUp: weighted means of pairs of samples (H. Zhang et al., 2018).

use super::{beta, permutation};
use crate::config::{config, require};
use crate::{Error, Result};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

config! {
    /// Replaces each sample by a weighted mean with another one (MONAI's `MixUp`); labels, as shares of
    /// classes, are mixed by the same weights.
    MixUp, "mix_up", {
        /// Weights come from Beta(α, α): 1 is uniform, smaller is nearer to 0 and 1.
        alpha: f64 = 0.4,
    }
}

impl MixUp {
    /// Checks that α is positive.
    ///
    /// # Errors
    /// [`Error::BadValue`].
    pub fn check(&self) -> Result<()> {
        require(
            self.alpha.is_finite() && self.alpha > 0.0,
            Self::NAME,
            "alpha",
            self.alpha,
            "a positive number",
        )
    }

    /// Draws weights and partners for a batch of `count` samples.
    ///
    /// # Errors
    /// As [`MixUp::check`].
    ///
    /// ```
    /// use vesalius_transforms::{MixUp, Stream, keyed};
    ///
    /// // A batch of two samples with two values each.
    /// let mut batch = [0.0, 0.0, 10.0, 10.0];
    /// let step = MixUp::default().sample(2, &mut keyed(0, 0, Stream::Other(0)))?;
    /// step.apply(&mut batch)?;
    /// assert!(batch.iter().all(|value| (0.0..=10.0).contains(value)));
    /// assert_eq!(batch[0], batch[1], "all values of a sample have one weight");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sample(&self, count: usize, rng: &mut ChaCha8Rng) -> Result<MixUpStep> {
        self.check()?;
        let weights = (0..count).map(|_| beta(self.alpha, rng) as f32).collect();
        Ok(MixUpStep {
            weights,
            partners: permutation(count, rng),
        })
    }
}

/// The weights and partners of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixUpStep {
    /// The weight of each sample; its partner has the rest.
    pub weights: Vec<f32>,
    /// The other sample of each.
    pub partners: Vec<usize>,
}

impl MixUpStep {
    /// Mixes a buffer `[N, …]` in place: images, or one channel of shares per class.
    ///
    /// # Errors
    /// A buffer that is not as many equal samples as weights were drawn.
    pub fn apply(&self, batch: &mut [f32]) -> Result<()> {
        let count = self.weights.len();
        check_batch(batch.len(), count, self.partners.len())?;
        let before = batch.to_vec();
        let sample = batch.len() / count.max(1);
        for (i, values) in batch.chunks_mut(sample.max(1)).enumerate() {
            let (weight, other) = (
                self.weights[i],
                &before[self.partners[i] * sample..][..sample],
            );
            values
                .iter_mut()
                .zip(other)
                .for_each(|(v, o)| *v = *v * weight + o * (1.0 - weight));
        }
        Ok(())
    }
}

/// Checks that a buffer is `count` equal samples.
pub(super) fn check_batch(length: usize, count: usize, partners: usize) -> Result<()> {
    if count > 0 && length.is_multiple_of(count) && partners == count {
        return Ok(());
    }
    Err(Error::BadBatch { length, count })
}
