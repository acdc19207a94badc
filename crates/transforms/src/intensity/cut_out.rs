//! One large box that is blanked.

use super::{CoarseDropoutStep, IntensityStep};
use crate::config::{check_probability, config, require};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

config! {
    /// Sets one box to zero whose sides are the square root of a random share of the image's, which may
    /// reach over the border (MONAI's `CutOut`: T. DeVries and G. Taylor, 2017).
    CutOut, "cut_out", {
        /// Least and largest square of the box's sides, as shares of the image's.
        share: [f64; 2] = [0.02, 0.25],
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for CutOut {
    fn check(&self) -> Result<()> {
        let [low, high] = self.share;
        let fine = 0.0 < low && low <= high && high <= 1.0;
        require(
            fine,
            Self::NAME,
            "share",
            self.share,
            "two shares above 0, at most 1, in rising order",
        )?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let whole = case.geometry().size();
        if whole.contains(&0) || !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let start = whole.map(|n| rng.random_range(0..n));
        let side = between(rng, self.share).sqrt();
        let size = whole.map(|n| ((n as f64 * side).ceil() as usize).max(1));
        let step = CoarseDropoutStep {
            boxes: vec![(start, size)],
            value: 0.0,
        };
        Ok(vec![Step::Intensity(IntensityStep::CoarseDropout(step))])
    }
}
