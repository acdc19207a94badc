//! Contrast about the mean.

use super::IntensityStep;
use super::statistics::{Statistics, for_blocks, scale_shift_clip};
use crate::config::{check_probability, check_range, check_share, config};
use crate::random::{around_one, between, each_channel};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Stretches or squeezes intensities about a channel's mean (batchgeneratorsv2's
    /// `ContrastTransform`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![9.0, 10.0, 11.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- contrast: {factor: [2, 2], keep_range: false, probability: 1}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [8.0, 10.0, 12.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Contrast, "contrast", {
        /// Least and largest factor.
        factor: [f64; 2] = [0.75, 1.25],
        /// Factors below and above 1 equally often (batchgenerators' `BGContrast`).
        balanced: bool = true,
        /// Clip to the range that the channel had.
        keep_range: bool = true,
        /// A factor for each channel instead of one for all.
        per_channel: bool = true,
        /// How often a channel takes part, 0 to 1.
        channel_probability: f64 = 1.0,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.15,
    }
}

impl Configured for Contrast {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "factor",
            self.factor,
            0.0,
            "two numbers of 0 or more in rising order",
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
                let factor = if self.balanced {
                    around_one(rng, self.factor)
                } else {
                    between(rng, self.factor)
                };
                factor as f32
            },
        );
        let step = ContrastStep {
            channels,
            keep_range: self.keep_range,
        };
        Ok(vec![Step::Intensity(IntensityStep::Contrast(step))])
    }
}

/// Factors of the channels that take part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContrastStep {
    /// Channel, and its factor.
    pub channels: Vec<(usize, f32)>,
    /// Clip to the range that the channel had.
    pub keep_range: bool,
}

impl ContrastStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let channels = image.channels();
        for &(channel, factor) in self.channels.iter().filter(|c| c.0 < channels) {
            let values = image.channel_mut(channel);
            let found = Statistics::of(values);
            let shift = (found.mean() * (1.0 - f64::from(factor))) as f32;
            let [low, high] = match self.keep_range {
                true => [found.low, found.high],
                false => [f32::NEG_INFINITY, f32::INFINITY],
            };
            for_blocks(values, |v| scale_shift_clip(v, factor, shift, low, high));
        }
        Ok(())
    }
}
