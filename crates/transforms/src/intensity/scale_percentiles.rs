//! Percentiles to a range.

use super::IntensityStep;
use super::window::stretch;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Volume;

config! {
    /// Maps two percentiles of the image linearly to a range (MONAI's `ScaleIntensityRangePercentiles`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![10.0, 20.0, 30.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- scale_percentiles: {lower: 0, upper: 100}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [0.0, 0.5, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ScalePercentiles, "scale_percentiles", {
        /// The lower percentile, 0 to 100.
        lower: f64 = 0.5,
        /// The upper percentile, 0 to 100.
        upper: f64 = 99.5,
        /// The range that they become.
        to: [f64; 2] = [0.0, 1.0],
        /// Cut off what lies beyond.
        clip: bool = true,
        /// Percentiles of the voxels that are not zero, alone.
        nonzero: bool = false,
        /// Percentiles of each channel instead of all together.
        per_channel: bool = true,
    }
}

impl Configured for ScalePercentiles {
    fn check(&self) -> Result<()> {
        let fine = 0.0 <= self.lower && self.lower < self.upper && self.upper <= 100.0;
        require(
            fine,
            Self::NAME,
            "lower, upper",
            (self.lower, self.upper),
            "percentiles from 0 to 100 in rising order",
        )?;
        let fine = self.to[0] <= self.to[1] && self.to.iter().all(|v| v.is_finite());
        require(
            fine,
            Self::NAME,
            "to",
            self.to,
            "two numbers in rising order",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Intensity(IntensityStep::ScalePercentiles(
            self.clone(),
        ))])
    }
}

impl ScalePercentiles {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let voxels = image.geometry().voxel_count();
        let part = if self.per_channel {
            voxels
        } else {
            image.data().len()
        };
        for values in image.data_mut().chunks_mut(part.max(1)) {
            let mut counted: Vec<f32> = values
                .iter()
                .copied()
                .filter(|v| !self.nonzero || *v != 0.0)
                .collect();
            if let Some(from) = percentiles(&mut counted, [self.lower, self.upper]) {
                stretch(values, from, self.to, self.clip);
            }
        }
        Ok(())
    }
}

/// Two percentiles, linear between the nearest values (numpy's default); nothing of nothing.
pub(super) fn percentiles(values: &mut [f32], shares: [f64; 2]) -> Option<[f64; 2]> {
    let last = values.len().checked_sub(1)?;
    Some(shares.map(|share| {
        let at = share / 100.0 * last as f64;
        let (_, below, above) = values.select_nth_unstable_by(at as usize, f32::total_cmp);
        let below = f64::from(*below);
        let next = above
            .iter()
            .copied()
            .min_by(f32::total_cmp)
            .map_or(below, f64::from);
        below + (next - below) * at.fract()
    }))
}
