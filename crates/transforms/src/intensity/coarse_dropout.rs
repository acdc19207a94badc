//! Random boxes that are blanked.

use super::IntensityStep;
use crate::config::{check_probability, config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Fills a number of random boxes with a value (MONAI's `RandCoarseDropout`, batchgeneratorsv2's
    /// `BlankRectangleTransform`); labels stay.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- coarse_dropout: {boxes: [1, 1], smallest: [2, 2, 2], largest: [2, 2, 2], value: -1, probability: 1}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// let filled = result.image().data().iter().filter(|&&value| value == -1.0).count();
    /// assert_eq!(filled, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    CoarseDropout, "coarse_dropout", {
        /// Fewest and most boxes.
        boxes: [usize; 2] = [1, 5],
        /// Least size of a box along `[x, y, z]`, in voxels.
        smallest: [usize; 3] = [8; 3],
        /// Largest size of a box along `[x, y, z]`, in voxels; cut to the image.
        largest: [usize; 3] = [32; 3],
        /// What the boxes hold.
        value: f32 = 0.0,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for CoarseDropout {
    fn check(&self) -> Result<()> {
        let fine = 1 <= self.boxes[0] && self.boxes[0] <= self.boxes[1] && self.boxes[1] <= 10_000;
        require(
            fine,
            Self::NAME,
            "boxes",
            self.boxes,
            "two numbers of 1 or more in rising order",
        )?;
        let sizes = (self.smallest, self.largest);
        let fine = (0..3).all(|a| 1 <= sizes.0[a] && sizes.0[a] <= sizes.1[a]);
        require(
            fine,
            Self::NAME,
            "smallest, largest",
            sizes,
            "positive sizes, the smallest not above the largest",
        )?;
        require(
            self.value.is_finite(),
            Self::NAME,
            "value",
            self.value,
            "a number",
        )?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        if !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let whole = case.geometry().size();
        let count = rng.random_range(self.boxes[0]..=self.boxes[1]);
        let boxes = (0..count)
            .map(|_| {
                let size: [usize; 3] = std::array::from_fn(|a| {
                    rng.random_range(self.smallest[a]..=self.largest[a])
                        .min(whole[a])
                });
                let start = std::array::from_fn(|a| rng.random_range(0..=whole[a] - size[a]));
                (start, size)
            })
            .collect();
        let step = CoarseDropoutStep {
            boxes,
            value: self.value,
        };
        Ok(vec![Step::Intensity(IntensityStep::CoarseDropout(step))])
    }
}

/// The boxes that are blanked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoarseDropoutStep {
    /// First voxel and size of each.
    pub boxes: Vec<([usize; 3], [usize; 3])>,
    /// What they hold.
    pub value: f32,
}

impl CoarseDropoutStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let whole = image.geometry().size();
        for channel in 0..image.channels() {
            let values = image.channel_mut(channel);
            for (start, size) in &self.boxes {
                let end: [usize; 3] =
                    std::array::from_fn(|a| start[a].saturating_add(size[a]).min(whole[a]));
                for z in start[2]..end[2] {
                    for y in start[1]..end[1] {
                        let row = (z * whole[1] + y) * whole[0];
                        values[row + start[0].min(end[0])..row + end[0]].fill(self.value);
                    }
                }
            }
        }
        Ok(())
    }
}
