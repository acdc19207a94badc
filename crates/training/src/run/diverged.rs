//! What is kept of a step whose loss or gradients are not finite: its batches in a file, and the first layer
//! whose output was not finite on them.

use super::Run;
use crate::{Batch, Error, PatchSampler, Result};
use burn::module::Module;
use std::path::PathBuf;
use vesalius_networks::Weights;
use vesalius_tensor::{Tensor, tensor_from_values};

impl Run<'_> {
    /// The error of a step, with its batches kept where it is that numbers are not finite. Batches follow from
    /// the seed and the step, so that they are cut once more and need not be held beside every step.
    pub(super) fn with_batch(&self, error: Error, sampler: &PatchSampler) -> Error {
        match error {
            Error::Diverged {
                step,
                loss,
                smoothed: None,
                cases,
                ..
            } => {
                let kept = self.keep_batches(step, sampler).ok();
                let (batch, layer) = kept.unwrap_or_default();
                Error::Diverged {
                    step,
                    loss,
                    smoothed: None,
                    cases,
                    batch,
                    layer,
                }
            }
            other => other,
        }
    }

    /// Writes the batches of a step; returns the file and the first layer whose output is not finite.
    fn keep_batches(
        &self,
        step: u64,
        sampler: &PatchSampler,
    ) -> Result<(Option<PathBuf>, Option<String>)> {
        let each = self.config.gradient_accumulation as u64;
        let mut sampler = sampler.clone();
        let (mut kept, mut layer) = (Weights::default(), None);
        for part in 0..each {
            let number = step.saturating_sub(1) * each + part;
            let batch = sampler.batch(number, self.config.batch_size)?;
            let [n, _, z, y, x] = batch.shape;
            let labels = batch.labels.iter().map(|&label| label as f32).collect();
            let name = |what: &str| match each {
                1 => what.to_owned(),
                _ => format!("{what}.{part}"),
            };
            let shape = batch.shape.to_vec();
            kept.insert(name("images"), shape, batch.images.clone())?;
            kept.insert(name("labels"), vec![n, 1, z, y, x], labels)?;
            if layer.is_none() {
                layer = self.first_not_finite(batch)?;
            }
        }
        let path = self
            .options
            .output
            .join(format!("diverged_step_{step:06}.safetensors"));
        vesalius_io::write_bytes_atomically(&path, &kept.to_safetensors()?)?;
        Ok((Some(path), layer))
    }

    fn first_not_finite(&self, batch: Batch) -> Result<Option<String>> {
        let [n, c, z, y, x] = batch.shape;
        let device = self.device().clone().inner();
        let network = self.network.valid();
        network.config().check_input(c, [x, y, z])?;
        let images: Tensor<5> = tensor_from_values(batch.images, n, c, [x, y, z], &device)?;
        Ok(network.first_not_finite(images))
    }
}
