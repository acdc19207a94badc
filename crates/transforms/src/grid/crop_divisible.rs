//! Cropping to sizes that a network can halve.

use super::centred;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Error, Result, Step};
use rand_chacha::ChaCha8Rng;

config! {
    /// Crops the middle so that each axis is a multiple of a number; pad instead to lose nothing.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([50, 33, 20], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- crop_divisible: {by: [16, 16, 8]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry().size(), [48, 32, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    CropDivisible, "crop_divisible", {
        /// The numbers along `[x, y, z]`.
        by: [usize; 3] = [16; 3],
    }
}

impl Configured for CropDivisible {
    fn check(&self) -> Result<()> {
        require(
            !self.by.contains(&0),
            Self::NAME,
            "by",
            self.by,
            "positive numbers",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let whole = case.geometry().size();
        let size: [usize; 3] = std::array::from_fn(|a| whole[a] / self.by[a] * self.by[a]);
        if size.contains(&0) {
            return Err(Error::BadPatch {
                found: self.by.map(|v| v as i64),
                reason: format!(
                    "an image of {whole:?} voxels has no multiple of it; use `pad: {{divisible_by: …}}`"
                ),
            });
        }
        Ok(vec![Step::Grid(centred(whole, size))])
    }
}
