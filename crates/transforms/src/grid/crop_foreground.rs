//! Cropping to what matters: labels, or voxels above a threshold.

use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_filters::bounding_box_where;

config! {
    /// Crops to the box around the voxels above a threshold in any channel, or around the labels; a
    /// case without any stays whole (MONAI's `CropForeground`).
    CropForeground, "crop_foreground", {
        /// Voxels above this count.
        above: f32 = 0.0,
        /// Labelled voxels count instead of bright ones.
        labels: bool = false,
        /// Voxels to keep around the box on each side, as far as the image goes.
        margin: [usize; 3] = [0; 3],
        /// Millimetres to keep around the box on each side, beside `margin`.
        millimetres: [f64; 3] = [0.0; 3],
    }
}

impl Configured for CropForeground {
    fn check(&self) -> Result<()> {
        require(
            self.above.is_finite(),
            Self::NAME,
            "above",
            self.above,
            "a number",
        )?;
        require(
            self.millimetres
                .iter()
                .all(|mm| mm.is_finite() && *mm >= 0.0),
            Self::NAME,
            "millimetres",
            self.millimetres,
            "lengths in mm, not negative",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn reads_values(&self) -> bool {
        true
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let found = match self.labels {
            true => bounding_box_where(case.labels("crop_foreground")?, |l| l != 0),
            false => bounding_box_where(case.image(), |v| v > self.above),
        };
        Ok(found.map_or(Vec::new(), |bounds| {
            let spacing = case.geometry().spacing();
            let margin = std::array::from_fn(|axis| {
                self.margin[axis] + (self.millimetres[axis] / spacing[axis]).ceil() as usize
            });
            let bounds = bounds.grown(margin, case.geometry().size());
            let start = bounds.start.map(|v| v as i64);
            vec![Step::Grid(GridStep::Region {
                start,
                size: bounds.size,
            })]
        }))
    }
}
