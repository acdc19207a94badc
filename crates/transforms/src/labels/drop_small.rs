//! Removes small components.

use super::LabelStep;
use crate::config::{check_amount, config};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_filters::{ComponentOptions, Connectivity, keep_larger_than};
use vesalius_volume::LabelMap;

config! {
    /// Turns components below a volume into background (MONAI's `RemoveSmallObjects` with `by_measure`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![0.0, 0.0, 0.0, 0.0, 0.0])?;
    /// let labels = LabelMap::new(grid, vec![1, 1, 0, 1, 0])?;
    /// let subject = Subject::new("case_01", image, Some(labels))?;
    /// // Voxels of 1 mm³.
    /// let chain: Chain = serde_saphyr::from_str("- drop_small: {volume: 2}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.labels().unwrap().data(), [1, 1, 0, 0, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    DropSmall, "drop_small", {
        /// The smallest volume that stays, in mm³.
        volume: f64 = 10.0,
        /// Components of each label separately; otherwise all foreground is one mask.
        by_label: bool = true,
        /// Voxels touch at faces, edges and corners; otherwise at faces alone.
        corners: bool = true,
    }
}

impl Configured for DropSmall {
    fn check(&self) -> Result<()> {
        check_amount(Self::NAME, "volume", self.volume)
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Labels(LabelStep::DropSmall(self.clone()))])
    }
}

impl DropSmall {
    pub(super) fn apply(&self, labels: &mut LabelMap) -> Result<()> {
        let connectivity = if self.corners {
            Connectivity::Corners
        } else {
            Connectivity::Faces
        };
        let options = ComponentOptions {
            connectivity,
            by_label: self.by_label,
        };
        *labels = keep_larger_than(labels, self.volume, &options)?;
        Ok(())
    }
}
