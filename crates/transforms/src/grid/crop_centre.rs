//! Cropping to the middle.

use super::centred;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;

config! {
    /// Crops to a box in the middle (MONAI's `CenterSpatialCrop`); an axis that is shorter stays whole.
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
