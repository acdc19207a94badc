//! Held-out cases scored on a fixed sample of patches.

use crate::validate::{Scores, within};
use crate::{Batch, PatchSampler, Result};
use std::time::Instant;
use vesalius_control::Control;
use vesalius_networks::Network;
use vesalius_tensor::{Device, LogitsSlab, tensor_from_values, values_of};
use vesalius_volume::LabelScheme;

/// Scores a network on the first `patches` patches of a sampler that augments nothing: overlaps are
/// added up over all of them before they are divided (nnU-Net's pseudo-Dice). A label that neither
/// occurs nor is found counts in no mean.
///
/// # Errors
/// A batch size of 0, a patch that cannot be cut, a network whose output does not fit; [`crate::Error::Cancelled`].
pub fn validate_patches(
    network: &Network,
    sampler: &mut PatchSampler,
    patches: u64,
    batch_size: usize,
    scheme: &LabelScheme,
    device: &Device,
    control: &Control,
) -> Result<Scores> {
    let patches = HeldOutPatches {
        network,
        sampler,
        patches,
        batch_size,
        scheme,
        device,
        control,
        ends: None,
    };
    Ok(patches.score()?.0)
}

/// Patches to score a network on.
pub(crate) struct HeldOutPatches<'a> {
    pub network: &'a Network,
    pub sampler: &'a mut PatchSampler,
    pub patches: u64,
    pub batch_size: usize,
    pub scheme: &'a LabelScheme,
    pub device: &'a Device,
    pub control: &'a Control,
    /// The time from which on no more is scored.
    pub ends: Option<Instant>,
}

impl HeldOutPatches<'_> {
    /// The scores, and how many patches were done in time.
    pub fn score(self) -> Result<(Scores, u64)> {
        if self.batch_size == 0 {
            return crate::config::bad("batch_size", 0, "at least 1");
        }
        let foreground = self.scheme.foreground();
        let mut overlaps = vec![[0u64; 3]; foreground.len()];
        let batches = self.patches.div_ceil(self.batch_size as u64);
        let stage = self.control.stage("validation", batches);
        let timed = within(self.control, self.ends);
        let mut done = 0;
        for number in 0..batches {
            self.control.check()?;
            if timed.is_cancelled() {
                break;
            }
            let batch = self.sampler.batch(number, self.batch_size)?;
            let predicted = predict(self.network, &batch, self.scheme, self.device)?;
            count_overlaps(&mut overlaps, &batch, &predicted, self.scheme);
            done += batch.shape[0] as u64;
            stage.advance(1);
        }
        Ok((pooled(&overlaps, &foreground), done.min(self.patches)))
    }
}

/// Adds to each label's voxels in both, in the truth, and in what was found.
fn count_overlaps(
    overlaps: &mut [[u64; 3]],
    batch: &Batch,
    predicted: &[u16],
    scheme: &LabelScheme,
) {
    for (overlap, (_, values)) in overlaps.iter_mut().zip(scheme.foreground()) {
        for (&truth, &found) in batch.labels.iter().zip(predicted) {
            // What is to be ignored counts neither as hit nor as miss.
            if scheme.ignore().map(i32::from) == Some(truth) {
                continue;
            }
            let is = u16::try_from(truth).is_ok_and(|truth| values.contains(&truth));
            let was = values.contains(&found);
            overlap[0] += u64::from(is && was);
            overlap[1] += u64::from(is);
            overlap[2] += u64::from(was);
        }
    }
}

/// Dice of overlaps that were added up.
fn pooled<T>(overlaps: &[[u64; 3]], foreground: &[(&str, T)]) -> Scores {
    let dice: Vec<Option<f64>> = overlaps
        .iter()
        .map(|[both, is, was]| (is + was > 0).then(|| 2.0 * *both as f64 / (is + was) as f64))
        .collect();
    let counted: Vec<f64> = dice.iter().flatten().copied().collect();
    let names = foreground.iter().map(|(name, _)| (*name).to_owned());
    Scores {
        dice: counted.iter().sum::<f64>() / counted.len().max(1) as f64,
        labels: names.zip(dice.iter().map(|d| d.unwrap_or(0.0))).collect(),
        cases: Vec::new(),
    }
}

/// The label of each voxel of a batch.
fn predict(
    network: &Network,
    batch: &Batch,
    scheme: &LabelScheme,
    device: &Device,
) -> Result<Vec<u16>> {
    let [n, c, z, y, x] = batch.shape;
    let images = tensor_from_values(batch.images.clone(), n, c, [x, y, z], device)?;
    let output = network.try_forward(images)?.swap_remove(0);
    let values = values_of(output)?;
    let each = values.len() / n;
    let mut labels = vec![0; n * x * y * z];
    for (values, labels) in values.chunks(each).zip(labels.chunks_mut(x * y * z)) {
        LogitsSlab::new(scheme, values.to_vec())?.labels_into(labels)?;
    }
    Ok(labels)
}
