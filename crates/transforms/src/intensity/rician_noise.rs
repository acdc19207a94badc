//! Rician noise, as magnitude images have it.

use super::IntensityStep;
use super::numeric::with_noise;
use crate::config::{check_amount, check_probability, config};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// The magnitude of the image with Gaussian noise in its real and imaginary part: MONAI's
    /// `RandRicianNoise`.
    RicianNoise, "rician_noise", {
        /// Largest standard deviation, in the units that the image has at this point of the chain.
        deviation: f32 = 0.1,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for RicianNoise {
    fn check(&self) -> Result<()> {
        check_amount(Self::NAME, "deviation", f64::from(self.deviation))?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let deviation = between(rng, [0.0, f64::from(self.deviation)]) as f32;
        let step = RicianNoiseStep {
            deviation,
            seed: rng.random(),
        };
        let step = Step::Intensity(IntensityStep::RicianNoise(step));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// Noise of one strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RicianNoiseStep {
    /// The deviation of each part.
    pub deviation: f32,
    /// The seed that the values follow from.
    pub seed: u64,
}

impl RicianNoiseStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let deviation = self.deviation;
        let mut imaginary = vec![0.0f32; image.data().len()];
        with_noise(&mut imaginary, self.seed, 1, |v, noise| {
            v.copy_from_slice(noise)
        });
        with_noise(image.data_mut(), self.seed, 0, |values, noise| {
            for (v, n) in values.iter_mut().zip(noise) {
                *v += n * deviation;
            }
        });
        for (v, n) in image.data_mut().iter_mut().zip(&imaginary) {
            *v = (*v * *v + n * n * deviation * deviation).sqrt();
        }
        Ok(())
    }
}
