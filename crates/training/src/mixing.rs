//! Patches of a batch mixed with one another, after augmentation: MixUp and CutMix.

use crate::config::bad;
use crate::{Batch, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_transforms::{CutMix, MixUp};

/// How often and by what batches are mixed; of two ways each takes half of the mixed batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MixingConfig {
    /// Weighted means of patches; the loss is the mean over both label maps with the same weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix_up: Option<MixUp>,
    /// Boxes from other patches, labels with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_mix: Option<CutMix>,
    /// The share of batches that are mixed.
    pub probability: f64,
}

impl Default for MixingConfig {
    fn default() -> Self {
        Self {
            mix_up: None,
            cut_mix: None,
            probability: 0.5,
        }
    }
}

/// The second label map of a batch that MixUp mixed.
#[derive(Debug, Clone, PartialEq)]
pub struct MixedTarget {
    /// Label values, `[N, 1, Z, Y, X]`, of the patches that were mixed in.
    pub labels: Vec<i32>,
    /// How much they count; the batch's own labels have the rest.
    pub weight: f32,
}

impl MixingConfig {
    pub(crate) fn check(&self) -> Result<()> {
        if !(0.0..=1.0).contains(&self.probability) {
            return bad(
                "mixing.probability",
                self.probability,
                "a share from 0 to 1",
            );
        }
        if self.mix_up.is_none() && self.cut_mix.is_none() {
            return bad("mixing", "neither", "`mix_up`, `cut_mix` or both");
        }
        if let Some(mix_up) = &self.mix_up {
            mix_up.check()?;
        }
        if let Some(cut_mix) = &self.cut_mix {
            cut_mix.check()?;
        }
        Ok(())
    }

    /// Mixes a batch, or leaves it as it is.
    pub(crate) fn apply(&self, batch: &mut Batch, rng: &mut ChaCha8Rng) -> Result<()> {
        let count = batch.shape[0];
        if count < 2 || rng.random::<f64>() >= self.probability {
            return Ok(());
        }
        let first = rng.random::<f64>() < 0.5;
        match (&self.mix_up, &self.cut_mix) {
            (Some(mix_up), cut_mix) if first || cut_mix.is_none() => {
                let mut step = mix_up.sample(count, rng)?;
                // One weight for all, as in the paper, so that the loss of the batch stays one number.
                let weight = step.weights[0];
                step.weights.fill(weight);
                step.apply(&mut batch.images)?;
                let voxels = batch.labels.len() / count;
                let labels = step
                    .partners
                    .iter()
                    .flat_map(|&other| &batch.labels[other * voxels..][..voxels])
                    .copied()
                    .collect();
                batch.mixed_target = Some(MixedTarget {
                    labels,
                    weight: 1.0 - weight,
                });
            }
            (_, Some(cut_mix)) => {
                let [_, _, z, y, x] = batch.shape;
                let step = cut_mix.sample(count, [x, y, z], rng)?;
                step.apply(&mut batch.images)?;
                step.apply(&mut batch.labels)?;
            }
            (_, None) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_transforms::{Stream, keyed};

    fn batch() -> Batch {
        let voxels = 4 * 4 * 4;
        Batch {
            shape: [2, 1, 4, 4, 4],
            images: (0..2 * voxels).map(|i| (i / voxels) as f32).collect(),
            labels: (0..2 * voxels).map(|i| i / voxels).collect(),
            cases: vec!["a".into(), "b".into()],
            mixed_target: None,
            absent: Vec::new(),
        }
    }

    fn mixed(config: &MixingConfig, draws: u64) -> Vec<Batch> {
        (0..draws)
            .map(|draw| {
                let mut batch = batch();
                config
                    .apply(&mut batch, &mut keyed(1, draw, Stream::Other(0)))
                    .unwrap();
                batch
            })
            .collect()
    }

    #[test]
    fn mix_up_weighs_images_and_losses_alike() {
        let config = MixingConfig {
            mix_up: Some(MixUp::default()),
            probability: 1.0,
            ..MixingConfig::default()
        };
        for batch in mixed(&config, 20) {
            let mixed_target = batch.mixed_target.unwrap();
            let own = batch.labels[0] as f32;
            let expected = own * (1.0 - mixed_target.weight)
                + mixed_target.labels[0] as f32 * mixed_target.weight;
            assert!((batch.images[0] - expected).abs() < 1e-6);
            assert_eq!(batch.labels, self::batch().labels);
        }
    }

    #[test]
    fn cut_mix_moves_labels_with_voxels() {
        let config = MixingConfig {
            cut_mix: Some(CutMix::default()),
            probability: 1.0,
            ..MixingConfig::default()
        };
        let mut changed = 0;
        for batch in mixed(&config, 20) {
            let same = batch
                .images
                .iter()
                .zip(&batch.labels)
                .all(|(v, l)| *v == *l as f32);
            assert!(same && batch.mixed_target.is_none());
            changed += usize::from(batch.labels != self::batch().labels);
        }
        assert!(changed > 3, "{changed} of 20 cut");
    }

    #[test]
    fn the_share_of_mixed_batches_is_the_one_asked_for() {
        let config = MixingConfig {
            mix_up: Some(MixUp::default()),
            probability: 0.25,
            ..MixingConfig::default()
        };
        let mixed = mixed(&config, 400)
            .iter()
            .filter(|b| b.mixed_target.is_some())
            .count();
        assert!((60..140).contains(&mixed), "{mixed} of 400");
        assert!(MixingConfig::default().check().is_err());
    }
}
