//! Several labels as one region.

use super::LabelStep;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::LabelMap;

config! {
    /// Merges labels into regions, numbered from 1 in this order; a label in several regions ends in the
    /// last of them, as nnU-Net orders `regions_class_order`. Everything else becomes background.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![0.0, 0.0, 0.0, 0.0])?;
    /// let labels = LabelMap::new(grid, vec![0, 1, 2, 3])?;
    /// let subject = Subject::new("case_01", image, Some(labels))?;
    /// // Whole tumour, core and enhancing tumour; the innermost region is the last.
    /// let chain: Chain = serde_saphyr::from_str("- merge_regions: {regions: [[1, 2, 3], [2, 3], [3]]}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.labels().unwrap().data(), [0, 1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    MergeRegions, "merge_regions", {
        /// The labels of each region, such as `[[1, 2, 3], [2, 3], [3]]` for the whole tumour, its core
        /// and the enhancing tumour.
        regions: Vec<Vec<u16>> = Vec::new(),
    }
}

impl Configured for MergeRegions {
    fn check(&self) -> Result<()> {
        let fine = !self.regions.is_empty()
            && self.regions.len() < usize::from(u16::MAX)
            && self
                .regions
                .iter()
                .all(|r| !r.is_empty() && !r.contains(&0));
        require(
            fine,
            Self::NAME,
            "regions",
            &self.regions,
            "lists of labels, none empty, none with background",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Labels(LabelStep::MergeRegions(self.clone()))])
    }
}

impl MergeRegions {
    pub(super) fn apply(&self, labels: &mut LabelMap) -> Result<()> {
        let mut table = vec![0u16; usize::from(u16::MAX) + 1];
        for (region, members) in (1u16..).zip(&self.regions) {
            members
                .iter()
                .for_each(|label| table[usize::from(*label)] = region);
        }
        labels
            .data_mut()
            .iter_mut()
            .for_each(|label| *label = table[usize::from(*label)]);
        Ok(())
    }
}
