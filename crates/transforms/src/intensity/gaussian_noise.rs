//! Additive Gaussian noise.

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
    /// Adds Gaussian noise whose deviation is uniform in `[0, deviation]`: MONAI's `RandGaussianNoise`,
    /// batchgeneratorsv2's `GaussianNoiseTransform` (whose `noise_variance` is a deviation).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![5.0, 5.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- gaussian_noise: {deviation: 0.1, probability: 1}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// let values = result.image().data();
    /// assert_ne!(values[0], values[1]);
    /// assert!((values[0] - 5.0).abs() < 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    GaussianNoise, "gaussian_noise", {
        /// Largest standard deviation, in the units that the image has at this point of the chain.
        deviation: f32 = 0.1,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for GaussianNoise {
    fn check(&self) -> Result<()> {
        check_amount(Self::NAME, "deviation", f64::from(self.deviation))?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let deviation = between(rng, [0.0, f64::from(self.deviation)]) as f32;
        let step = GaussianNoiseStep {
            deviation,
            seed: rng.random(),
        };
        let step = Step::Intensity(IntensityStep::GaussianNoise(step));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// Noise of one strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaussianNoiseStep {
    /// Its standard deviation.
    pub deviation: f32,
    /// The seed that its values follow from.
    pub seed: u64,
}

impl GaussianNoiseStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let deviation = self.deviation;
        with_noise(image.data_mut(), self.seed, 0, |values, noise| {
            for (v, n) in values.iter_mut().zip(noise) {
                *v += n * deviation;
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn noise_has_the_deviation_asked_for_and_repeats() {
        let g = Geometry::axis_aligned([40, 40, 40], [1.0; 3]).unwrap();
        let step = GaussianNoiseStep {
            deviation: 2.0,
            seed: 7,
        };
        let (mut a, mut b) = (Volume::filled(g, 0.0f32), Volume::filled(g, 0.0f32));
        step.apply(&mut a).unwrap();
        step.apply(&mut b).unwrap();
        assert_eq!(a, b);
        let variance = a.data().iter().map(|v| v * v).sum::<f32>() / a.data().len() as f32;
        assert!((variance.sqrt() - 2.0).abs() < 0.05, "{variance}");
    }
}
