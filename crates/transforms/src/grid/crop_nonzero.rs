//! nnU-Net's crop: the smallest box around everything that is not zero in any channel.

use crate::config::config;
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_filters::bounding_box;

config! {
    /// Crops to the box around the voxels that are not zero in any channel; an image of zeros stays whole.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![0.0, 0.0, 7.0, 0.0, 8.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- crop_nonzero")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [7.0, 0.0, 8.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    CropNonzero, "crop_nonzero", {
        /// Voxels to keep around the box on each side, as far as the image goes; nnU-Net keeps none.
        margin: [usize; 3] = [0; 3],
    }
}

impl Configured for CropNonzero {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn is_random(&self) -> bool {
        false
    }

    fn reads_values(&self) -> bool {
        true
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(bounding_box(case.image()).map_or(Vec::new(), |bounds| {
            let bounds = bounds.grown(self.margin, case.geometry().size());
            let start = bounds.start.map(|v| v as i64);
            vec![Step::Grid(GridStep::Region {
                start,
                size: bounds.size,
            })]
        }))
    }
}
