//! Cropping to the middle.

use super::centred;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;

config! {
    /// Crops to a box in the middle (MONAI's `CenterSpatialCrop`); an axis that is shorter stays whole.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![1.0, 2.0, 3.0, 4.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- crop_centre: {size: [2, -1, -1]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [2.0, 3.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    CropCentre, "crop_centre", {
        /// Voxels along `[x, y, z]`; -1 keeps the whole of an axis.
        size: [i64; 3] = [0; 3],
    }
}

impl Configured for CropCentre {
    fn check(&self) -> Result<()> {
        let fine = self.size.iter().all(|&n| n == -1 || n > 0);
        require(
            fine,
            Self::NAME,
            "size",
            self.size,
            "numbers of voxels, or -1 for the whole of an axis",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let whole = case.geometry().size();
        let size = std::array::from_fn(|a| {
            usize::try_from(self.size[a]).map_or(whole[a], |n| n.min(whole[a]))
        });
        Ok(vec![Step::Grid(centred(whole, size))])
    }
}
