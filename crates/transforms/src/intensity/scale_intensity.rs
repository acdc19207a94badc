//! Multiplying the whole image.

use super::IntensityStep;
use super::statistics::{for_blocks, scale_shift};
use crate::config::{check_amount, check_probability, config};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Multiplies by 1 + f, f uniform in `[-factor, factor]`: MONAI's `RandScaleIntensity`.
    ScaleIntensity, "scale_intensity", {
        /// Largest |f|.
        factor: f32 = 0.1,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.5,
    }
}

impl Configured for ScaleIntensity {
    fn check(&self) -> Result<()> {
        check_amount(Self::NAME, "factor", f64::from(self.factor))?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let most = f64::from(self.factor);
        let factor = 1.0 + between(rng, [-most, most]) as f32;
        let step = Step::Intensity(IntensityStep::ScaleIntensity(ScaleIntensityStep { factor }));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// A multiplication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScaleIntensityStep {
    /// By this.
    pub factor: f32,
}

impl ScaleIntensityStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        for_blocks(image.data_mut(), |v| scale_shift(v, self.factor, 0.0));
        Ok(())
    }
}
