//! Gamma correction.

use super::IntensityStep;
use super::numeric;
use super::statistics::{Statistics, change, for_blocks, scale_shift};
use crate::config::{check_probability, check_range, check_share, config};
use crate::random::{around_one, between, each_channel};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

/// Ranges and deviations below this count as this.
const SMALLEST: f64 = 1e-7;

config! {
    /// Raises a channel, brought to 0 … 1, to a power (batchgeneratorsv2's `GammaTransform`, MONAI's
    /// `RandAdjustContrast`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![0.0, 0.5, 1.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// // The range stays; the middle is raised to the power 2.
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- gamma: {power: [2, 2], balanced: false, keep_statistics: false, probability: 1}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// let expected = [0.0, 0.25, 1.0];
    /// for (value, expected) in result.image().data().iter().zip(expected) {
    ///     assert!((value - expected).abs() < 1e-4);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Gamma, "gamma", {
        /// Least and largest power.
        power: [f64; 2] = [0.7, 1.5],
        /// Powers below and above 1 equally often (batchgenerators' `BGContrast`).
        balanced: bool = true,
        /// Correct the negative of the image.
        inverted: bool = false,
        /// Bring mean and deviation back to what they were.
        keep_statistics: bool = true,
        /// A power for each channel instead of one for all.
        per_channel: bool = true,
        /// How often a channel takes part, 0 to 1.
        channel_probability: f64 = 1.0,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.3,
    }
}

impl Configured for Gamma {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "power",
            self.power,
            1e-3,
            "two positive numbers in rising order",
        )?;
        check_share(Self::NAME, "channel_probability", self.channel_probability)?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        if !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let channels = each_channel(
            rng,
            case.channels(),
            self.per_channel,
            self.channel_probability,
            |rng| {
                let power = if self.balanced {
                    around_one(rng, self.power)
                } else {
                    between(rng, self.power)
                };
                power as f32
            },
        );
        let step = GammaStep {
            channels,
            inverted: self.inverted,
            keep_statistics: self.keep_statistics,
        };
        Ok(vec![Step::Intensity(IntensityStep::Gamma(step))])
    }
}

/// Powers of the channels that take part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GammaStep {
    /// Channel, and its power.
    pub channels: Vec<(usize, f32)>,
    /// Correct the negative of the image.
    pub inverted: bool,
    /// Bring mean and deviation back to what they were.
    pub keep_statistics: bool,
}

impl GammaStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let channels = image.channels();
        for &(channel, power) in self.channels.iter().filter(|c| c.0 < channels) {
            self.correct(image.channel_mut(channel), power);
        }
        Ok(())
    }

    /// With x' = -x where inverted: ((x' - low) / range)^power · range + low, and back.
    fn correct(&self, values: &mut [f32], power: f32) {
        let before = Statistics::of(values);
        let range = f64::from(before.high) - f64::from(before.low);
        // The negative's share of its range is (high - x) / range, which is all that changes.
        let (from, sign) = match self.inverted {
            true => (before.high, -1.0),
            false => (before.low, 1.0),
        };
        let per_range = (sign / range.max(SMALLEST)) as f32;
        let range = (range * sign) as f32;
        let correct = |block: &mut [f32]| numeric::gamma(block, from, per_range, power, range);
        if !self.keep_statistics {
            return for_blocks(values, correct);
        }
        let after = change(values, correct);
        let scale = before.sample_deviation() / after.sample_deviation().max(SMALLEST);
        let shift = before.mean() - after.mean() * scale;
        for_blocks(values, |v| scale_shift(v, scale as f32, shift as f32));
    }
}
