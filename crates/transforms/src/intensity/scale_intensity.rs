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
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![10.0, 20.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- scale_intensity: {factor: 0.5, probability: 1}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// let values = result.image().data();
    /// assert_eq!(values[1], 2.0 * values[0]);
    /// assert!((5.0..=15.0).contains(&values[0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
