//! Brightness: a factor or an offset per channel.

use super::IntensityStep;
use super::statistics::{for_blocks, scale_shift};
use crate::config::{check_probability, check_range, check_share, config};
use crate::random::{around_one, between, each_channel};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Multiplies channels and adds to them (batchgeneratorsv2's `MultiplicativeBrightnessTransform` and
    /// `BrightnessAdditiveTransform`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![0.0, 10.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- brightness: {factor: [2, 2], offset: [1, 1], balanced: false, probability: 1}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [1.0, 21.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Brightness, "brightness", {
        /// Least and largest factor.
        factor: [f64; 2] = [0.75, 1.25],
        /// Factors below and above 1 equally often (batchgenerators' `BGContrast`).
        balanced: bool = true,
        /// Least and largest offset, added after the factor.
        offset: [f64; 2] = [0.0, 0.0],
        /// Numbers for each channel instead of one pair for all.
        per_channel: bool = true,
        /// How often a channel takes part, 0 to 1.
        channel_probability: f64 = 1.0,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.15,
    }
}

impl Configured for Brightness {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "factor",
            self.factor,
            0.0,
            "two numbers of 0 or more in rising order",
        )?;
        check_range(
            Self::NAME,
            "offset",
            self.offset,
            f64::NEG_INFINITY,
            "two numbers in rising order",
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
                [factor as f32, between(rng, self.offset) as f32]
            },
        );
        Ok(vec![Step::Intensity(IntensityStep::Brightness(
            BrightnessStep { channels },
        ))])
    }
}

/// Factor and offset of the channels that take part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrightnessStep {
    /// Channel, and its factor and offset.
    pub channels: Vec<(usize, [f32; 2])>,
}

impl BrightnessStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let channels = image.channels();
        for &(channel, [factor, offset]) in self.channels.iter().filter(|c| c.0 < channels) {
            for_blocks(image.channel_mut(channel), |v| {
                scale_shift(v, factor, offset)
            });
        }
        Ok(())
    }
}
