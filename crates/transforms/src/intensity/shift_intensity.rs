//! Adding to the whole image.

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
    /// Adds an offset uniform in `[-offset, offset]`: MONAI's `RandShiftIntensity`.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![10.0, 20.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- shift_intensity: {offset: 5, probability: 1}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// let values = result.image().data();
    /// assert!((values[1] - values[0] - 10.0).abs() < 1e-4);
    /// assert!((5.0..=15.0).contains(&values[0]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ShiftIntensity, "shift_intensity", {
        /// Largest |offset|, in the units that the image has at this point of the chain.
        offset: f32 = 0.1,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.5,
    }
}

impl Configured for ShiftIntensity {
    fn check(&self) -> Result<()> {
        check_amount(Self::NAME, "offset", f64::from(self.offset))?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let most = f64::from(self.offset);
        let offset = between(rng, [-most, most]) as f32;
        let step = Step::Intensity(IntensityStep::ShiftIntensity(ShiftIntensityStep { offset }));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// An addition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShiftIntensityStep {
    /// Of this.
    pub offset: f32,
}

impl ShiftIntensityStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        for_blocks(image.data_mut(), |v| scale_shift(v, 1.0, self.offset));
        Ok(())
    }
}
