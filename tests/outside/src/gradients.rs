//! A way of computing the gradients of a step.

use vesalius::networks::Network;
use vesalius::prelude::*;
use vesalius::training::{Batch, GradientStrategy, Gradients, Objective, Result};

/// Learns from the batch of a step that has the largest loss.
#[derive(Debug)]
pub struct LargestLoss {
    /// The network's device.
    pub device: Device,
}

impl GradientStrategy for LargestLoss {
    fn gradients(
        &self,
        network: &Network,
        batches: Vec<Batch>,
        objective: &Objective,
    ) -> Result<Gradients> {
        let device = self.device.clone().autodiff();
        let mut largest: Option<Gradients> = None;
        for batch in batches {
            let found = objective.gradients(network, batch, &device)?;
            if largest
                .as_ref()
                .is_none_or(|largest| found.loss > largest.loss)
            {
                largest = Some(found);
            }
        }
        Ok(Gradients::mean(network, largest))
    }
}
