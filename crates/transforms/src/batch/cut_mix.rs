//! CutMix: a box of each sample comes from another one (S. Yun et al., 2019).

use super::mix_up::check_batch;
use super::{beta, permutation};
use crate::Result;
use crate::config::{config, require};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

config! {
    /// Fills a random box of each sample from another one (MONAI's `CutMix`); label maps are cut by the same boxes,
    /// so that labels are never mixed.
    CutMix, "cut_mix", {
        /// Weights come from Beta(α, α); a box's sides are √(1 - weight) of the patch's.
        alpha: f64 = 1.0,
    }
}

impl CutMix {
    /// Checks that α is positive.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`].
    pub fn check(&self) -> Result<()> {
        require(
            self.alpha.is_finite() && self.alpha > 0.0,
            Self::NAME,
            "alpha",
            self.alpha,
            "a positive number",
        )
    }

    /// Samples boxes and partners for a batch of `count` samples of `size` voxels `[x, y, z]`.
    ///
    /// # Errors
    /// As [`CutMix::check`].
    ///
    /// ```
    /// use vesalius_transforms::{CutMix, Stream, keyed};
    ///
    /// // Two label maps of 4 × 4 × 1 voxels: 1 everywhere and 2 everywhere.
    /// let mut batch = [[1_u16; 16], [2; 16]].concat();
    /// let step = CutMix::default().sample(2, [4, 4, 1], &mut keyed(0, 0, Stream::Other(0)))?;
    /// step.apply(&mut batch)?;
    /// assert!(batch.iter().all(|label| [1, 2].contains(label)), "labels are copied, not mixed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sample(
        &self,
        count: usize,
        size: [usize; 3],
        rng: &mut ChaCha8Rng,
    ) -> Result<CutMixStep> {
        self.check()?;
        let weights = (0..count).map(|_| beta(self.alpha, rng) as f32).collect();
        let partners = permutation(count, rng);
        let start = size.map(|n| rng.random_range(0..n.max(1)));
        Ok(CutMixStep {
            weights,
            partners,
            start,
            size,
        })
    }
}

/// The boxes and partners of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CutMixStep {
    /// The weight of each sample, from which its box follows.
    pub weights: Vec<f32>,
    /// The other sample of each.
    pub partners: Vec<usize>,
    /// First voxel of the boxes, the same for all as in MONAI.
    pub start: [usize; 3],
    /// Size of a sample, `[x, y, z]`.
    pub size: [usize; 3],
}

impl CutMixStep {
    /// Cuts a buffer `[N, C, Z, Y, X]` in place: images, or label maps with one channel.
    ///
    /// # Errors
    /// A buffer that is not as many samples as weights were drawn.
    pub fn apply<T: Copy>(&self, batch: &mut [T]) -> Result<()> {
        let count = self.weights.len();
        check_batch(batch.len(), count, self.partners.len())?;
        let voxels = self.size.iter().product::<usize>();
        let sample = batch.len() / count;
        check_batch(sample, voxels.max(1), voxels.max(1))?;
        let before = batch.to_vec();
        for (i, values) in batch.chunks_mut(sample.max(1)).enumerate() {
            let other = &before[self.partners[i] * sample..][..sample];
            let end: [usize; 3] = std::array::from_fn(|a| {
                let side = self.size[a] as f64 * f64::from(1.0 - self.weights[i]).max(0.0).sqrt();
                ((self.start[a] as f64 + side).ceil() as usize).min(self.size[a])
            });
            for row in 0..sample / self.size[0].max(1) {
                let (y, z) = (row % self.size[1], row / self.size[1] % self.size[2]);
                if (self.start[1]..end[1]).contains(&y) && (self.start[2]..end[2]).contains(&z) {
                    let begin = row * self.size[0] + self.start[0];
                    let stretch = begin..(row * self.size[0] + end[0]).max(begin);
                    values[stretch.clone()].copy_from_slice(&other[stretch]);
                }
            }
        }
        Ok(())
    }
}
