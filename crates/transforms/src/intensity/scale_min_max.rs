//! The image's least and greatest value to a range.

use super::IntensityStep;
use super::statistics::{Statistics, for_blocks, scale_shift};
use super::window::stretch;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Volume;

config! {
    /// Maps the least and the greatest value linearly to a range (MONAI's `ScaleIntensity`); where they are equal, values
    /// are multiplied by the range's lower end, as there.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![10.0, 20.0, 30.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- scale_min_max: {to: [-1, 1]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [-1.0, 0.0, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ScaleMinMax, "scale_min_max", {
        /// The range.
        to: [f64; 2] = [0.0, 1.0],
        /// Each channel by itself instead of all together.
        per_channel: bool = false,
    }
}

impl Configured for ScaleMinMax {
    fn check(&self) -> Result<()> {
        require(
            self.to.iter().all(|v| v.is_finite()),
            Self::NAME,
            "to",
            self.to,
            "two numbers",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Intensity(IntensityStep::ScaleMinMax(
            self.clone(),
        ))])
    }
}

impl ScaleMinMax {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let part = match self.per_channel {
            true => image.geometry().voxel_count(),
            false => image.data().len(),
        };
        for values in image.data_mut().chunks_mut(part.max(1)) {
            let found = Statistics::of(values);
            let from = [f64::from(found.low), f64::from(found.high)];
            match from[0] < from[1] {
                true => stretch(values, from, self.to, false),
                false => for_blocks(values, |v| scale_shift(v, self.to[0] as f32, 0.0)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn an_even_image_is_multiplied_by_the_lower_end() {
        let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3]).unwrap();
        let mut image = Volume::new(grid, 2, vec![3.0, 3.0, 1.0, 2.0]).unwrap();
        let scale = ScaleMinMax {
            to: [-1.0, 1.0],
            per_channel: true,
        };
        scale.apply(&mut image).unwrap();
        // MONAI 1.6.1: `rescale_array` of an array of threes gives -3.
        assert_eq!(image.data(), [-3.0, -3.0, -1.0, 1.0]);
    }
}
