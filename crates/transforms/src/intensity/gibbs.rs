//! Gibbs ringing: the outer part of k-space is missing.

use super::IntensityStep;
use super::fourier::{complex, shifted, transform};
use crate::config::{check_probability, check_range, config, require};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Cuts k-space to a ball, which makes edges ring (MONAI's `RandGibbsNoise`).
    Gibbs, "gibbs", {
        /// Least and largest share that is cut: 0 nothing, 1 everything.
        alpha: [f64; 2] = [0.0, 1.0],
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for Gibbs {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "alpha",
            self.alpha,
            0.0,
            "two shares from 0 to 1 in rising order",
        )?;
        require(
            self.alpha[1] <= 1.0,
            Self::NAME,
            "alpha",
            self.alpha,
            "two shares from 0 to 1 in rising order",
        )?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let step = Step::Intensity(IntensityStep::Gibbs(GibbsStep {
            alpha: between(rng, self.alpha),
        }));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// One cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GibbsStep {
    /// The share that is cut.
    pub alpha: f64,
}

impl GibbsStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let size = image.geometry().size();
        let longest = size.iter().copied().max().unwrap_or(0) as f64;
        let radius = (1.0 - self.alpha) * longest * std::f64::consts::SQRT_2 / 2.0;
        let away = |i: usize, n: usize| (shifted(i, n) as f64 - (n as f64 - 1.0) / 2.0).powi(2);
        for channel in 0..image.channels() {
            let mut k = complex(image.channel(channel));
            transform(&mut k, size, false);
            for (offset, value) in k.iter_mut().enumerate() {
                let [x, y, z] = image.geometry().index(offset);
                let distance = (away(x, size[0]) + away(y, size[1]) + away(z, size[2])).sqrt();
                if distance > radius {
                    *value = Default::default();
                }
            }
            transform(&mut k, size, true);
            image
                .channel_mut(channel)
                .iter_mut()
                .zip(&k)
                .for_each(|(v, k)| *v = k.re as f32);
        }
        Ok(())
    }
}
