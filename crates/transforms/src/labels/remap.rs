//! Renumbering of labels.

use super::LabelStep;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use vesalius_volume::LabelMap;

config! {
    /// Renumbers labels (MONAI's `MapLabelValue`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![0.0, 0.0, 0.0, 0.0])?;
    /// let labels = LabelMap::new(grid, vec![0, 10, 20, 30])?;
    /// let subject = Subject::new("case_01", image, Some(labels))?;
    /// let chain: Chain = serde_saphyr::from_str("- remap: {labels: {10: 1, 20: 2}, others: 0}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.labels().unwrap().data(), [0, 1, 2, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Remap, "remap", {
        /// From label to label, such as `{10: 1, 20: 2}`; labels that are not named stay.
        labels: BTreeMap<u16, u16> = BTreeMap::new(),
        /// The value for labels that are not named; null keeps them.
        others: Option<u16> = None,
    }
}

impl Configured for Remap {
    fn check(&self) -> Result<()> {
        let fine = !self.labels.is_empty() || self.others.is_some();
        require(
            fine,
            Self::NAME,
            "labels",
            &self.labels,
            "at least one pair of labels",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Labels(LabelStep::Remap(self.clone()))])
    }
}

impl Remap {
    pub(super) fn apply(&self, labels: &mut LabelMap) -> Result<()> {
        let table: Vec<u16> = (0..=u16::MAX)
            .map(|label| match (self.labels.get(&label), self.others) {
                (Some(to), _) => *to,
                (None, Some(other)) if label != 0 => other,
                _ => label,
            })
            .collect();
        labels
            .data_mut()
            .iter_mut()
            .for_each(|label| *label = table[usize::from(*label)]);
        Ok(())
    }
}
