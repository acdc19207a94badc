//! Patches around voxels that a weight map prefers.

use super::patch::start_along;
use crate::config::{bad, config, require};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Cuts a patch around a voxel drawn with a chance in proportion to a channel's value; negative values
    /// count as 0, and where all are 0 the place is anywhere (MONAI's `RandWeightedCrop`).
    WeightedPatch, "weighted_patch", {
        /// Voxels along `[x, y, z]`; -1 takes the whole of an axis.
        size: [i64; 3] = [0; 3],
        /// The channel of the image that holds the weights.
        channel: usize = 0,
    }
}

impl Configured for WeightedPatch {
    fn check(&self) -> Result<()> {
        let fine = self.size.iter().all(|&n| n == -1 || n > 0);
        require(
            fine,
            Self::NAME,
            "size",
            self.size,
            "numbers of voxels, or -1 for the whole of an axis",
        )
    }

    fn reads_values(&self) -> bool {
        true
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let image = case.image();
        if self.channel >= image.channels() {
            let found = format!(
                "channel {} of an image with {}",
                self.channel,
                image.channels()
            );
            return Err(bad(
                Self::NAME,
                "channel",
                found,
                "a channel that the image has, counted from 0",
            ));
        }
        let weights = image.channel(self.channel);
        let sum: f64 = weights.iter().map(|w| f64::from(w.max(0.0))).sum();
        let mut left = rng.random::<f64>() * sum;
        let drawn = weights.iter().position(|w| {
            left -= f64::from(w.max(0.0));
            left < 0.0
        });
        let whole = case.geometry().size();
        let offset = drawn.unwrap_or_else(|| rng.random_range(0..weights.len().max(1)));
        let centre = case.geometry().index(offset);
        let size = std::array::from_fn(|a| usize::try_from(self.size[a]).unwrap_or(whole[a]));
        let start = std::array::from_fn(|a| {
            start_along(whole[a], size[a], centre[a] as i64 - size[a] as i64 / 2)
        });
        Ok(vec![Step::Grid(GridStep::Region { start, size })])
    }
}
