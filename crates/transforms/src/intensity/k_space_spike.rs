//! A spike in k-space: the stripes of a radio-frequency leak.

use super::IntensityStep;
use super::fourier::{complex, shifted, transform};
use crate::config::{check_probability, check_range, config};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustfft::num_complex::Complex64;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Sets the logarithm of one frequency's magnitude to a multiple of the mean logarithm, its phase
    /// kept (MONAI's `RandKSpaceSpikeNoise`).
    KSpaceSpike, "k_space_spike", {
        /// Least and largest multiple of the mean log magnitude.
        intensity: [f64; 2] = [1.8, 2.2],
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for KSpaceSpike {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "intensity",
            self.intensity,
            0.0,
            "two numbers of 0 or more in rising order",
        )?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let size = case.geometry().size();
        if size.contains(&0) {
            return Ok(Vec::new());
        }
        let at = size.map(|n| rng.random_range(0..n));
        let step = KSpaceSpikeStep {
            at,
            intensity: between(rng, self.intensity),
        };
        let step = Step::Intensity(IntensityStep::KSpaceSpike(step));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// One spike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KSpaceSpikeStep {
    /// Where, `[x, y, z]`, in a k-space with frequency zero in the middle.
    pub at: [usize; 3],
    /// The logarithm of its magnitude, as a multiple of the channel's mean logarithm.
    pub intensity: f64,
}

impl KSpaceSpikeStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let size = image.geometry().size();
        if (0..3).any(|a| self.at[a] >= size[a]) {
            return Ok(());
        }
        for channel in 0..image.channels() {
            let mut k = complex(image.channel(channel));
            transform(&mut k, size, false);
            let logs: f64 = k.iter().map(|v| (v.norm() + 1e-10).ln()).sum();
            let magnitude = (self.intensity * logs / k.len() as f64).exp();
            for (offset, value) in k.iter_mut().enumerate() {
                let index = image.geometry().index(offset);
                if (0..3).all(|a| shifted(index[a], size[a]) == self.at[a]) {
                    *value = Complex64::from_polar(magnitude, value.arg());
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
