//! Clipping of intensities.

use super::IntensityStep;
use super::statistics::{for_blocks, scale_shift_clip};
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Volume;

config! {
    /// Raises values below a limit and lowers values above one (MONAI's `ClipIntensity` with fixed values).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![-2000.0, 0.0, 3000.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- clip: {low: -1000, high: 1000}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [-1000.0, 0.0, 1000.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Clip, "clip", {
        /// The smallest value that stays; null for no limit.
        low: Option<f32> = None,
        /// The largest value that stays; null for no limit.
        high: Option<f32> = None,
    }
}

impl Clip {
    fn limits(&self) -> [f32; 2] {
        [
            self.low.unwrap_or(f32::NEG_INFINITY),
            self.high.unwrap_or(f32::INFINITY),
        ]
    }

    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let [low, high] = self.limits();
        for_blocks(image.data_mut(), |v| {
            scale_shift_clip(v, 1.0, 0.0, low, high)
        });
        Ok(())
    }
}

impl Configured for Clip {
    fn check(&self) -> Result<()> {
        let [low, high] = self.limits();
        let given = self.low.is_some() || self.high.is_some();
        require(
            given && low <= high,
            Self::NAME,
            "low, high",
            (self.low, self.high),
            "a lower or an upper limit, in order",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Intensity(IntensityStep::Clip(self.clone()))])
    }
}
