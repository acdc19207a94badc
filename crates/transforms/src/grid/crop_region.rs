//! Cropping to a given box.

use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Error, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;

config! {
    /// Crops to a box of voxels (MONAI's `SpatialCrop` with `roi_start` and `roi_size`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![1.0, 2.0, 3.0, 4.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- crop_region: {start: [1, 0, 0], size: [2, 1, 1]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [2.0, 3.0]);
    /// assert_eq!(result.geometry().origin(), [1.0, 0.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    CropRegion, "crop_region", {
        /// First voxel `[x, y, z]`.
        start: [usize; 3] = [0; 3],
        /// Number of voxels along `[x, y, z]`.
        size: [usize; 3] = [0; 3],
    }
}

impl Configured for CropRegion {
    fn check(&self) -> Result<()> {
        let fine = !self.size.contains(&0);
        require(
            fine,
            Self::NAME,
            "size",
            self.size,
            "positive numbers of voxels",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let whole = case.geometry().size();
        let start = self.start.map(|v| v as i64);
        if (0..3).any(|a| self.start[a].saturating_add(self.size[a]) > whole[a]) {
            return Err(Error::BadPatch {
                found: self.size.map(|v| v as i64),
                reason: format!(
                    "`crop_region` from {:?} reaches outside of an image of {whole:?} voxels; make it \
                     smaller, or `pad` first",
                    self.start
                ),
            });
        }
        Ok(vec![Step::Grid(GridStep::Region {
            start,
            size: self.size,
        })])
    }
}
