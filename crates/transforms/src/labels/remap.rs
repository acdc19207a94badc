//! Other numbers for labels.

use super::LabelStep;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use vesalius_volume::LabelMap;

config! {
    /// Gives labels other numbers (MONAI's `MapLabelValue`).
    Remap, "remap", {
        /// From label to label, such as `{10: 1, 20: 2}`; what is not named stays.
        labels: BTreeMap<u16, u16> = BTreeMap::new(),
        /// What becomes of labels that are not named; null keeps them.
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
