//! What is done to outputs while they are still in the caches: an activation, and the moments that a
//! norm after the convolution needs.

use super::plan::ConvLayout;
use super::weights::padded_channels;
use crate::activation::{Activation, leak};
use crate::buffer::Shared;
use crate::norm::Moments;

/// What is done to every output after its sum and bias.
#[derive(Default)]
pub(crate) struct Finish<'a> {
    pub activation: Activation<'a>,
    /// Receives the moments of every block, `[sample, channel, block]`, when each sample and channel has at most
    /// `blocks_limit` blocks.
    pub moments: Option<Shared<'a, Moments>>,
    pub blocks_limit: usize,
}

impl Finish<'_> {
    /// For the outputs of one block in one channel; `row` is sample × channels + channel.
    #[inline(always)]
    pub fn rows(&self, channel: usize, row: usize) -> FinishRows<'_> {
        let slope = self.activation.slope(channel);
        FinishRows {
            finish: self,
            slope,
            row,
            moments: Moments::default(),
        }
    }
}

/// The rows of one block in one channel.
pub(crate) struct FinishRows<'a> {
    finish: &'a Finish<'a>,
    slope: f32,
    /// Sample × channels + channel.
    pub row: usize,
    moments: Moments,
}

impl FinishRows<'_> {
    /// Finishes outputs that were just written.
    #[inline(always)]
    pub fn finish(&mut self, values: &mut [f32]) {
        if self.slope != 1.0 {
            values
                .iter_mut()
                .for_each(|value| *value = leak(*value, self.slope));
        }
        if self.finish.moments.is_some() {
            self.moments = self.moments.join(Moments::of(values));
        }
    }

    /// Hands over the block's moments; `block` of `blocks`.
    #[inline(always)]
    pub fn done(self, block: usize, blocks: usize) {
        debug_assert!(blocks <= self.finish.blocks_limit || self.finish.moments.is_none());
        if let Some(moments) = &self.finish.moments {
            // SAFETY: one task alone has this block of this row, and a row has `blocks_limit` places,
            // more than there are blocks.
            let to = unsafe { moments.part(self.row * self.finish.blocks_limit + block, 1) };
            to[0] = self.moments;
        }
    }
}

/// Bias with the zero channel of odd blocks; zeros where there is none.
pub(crate) fn pad_bias(gather: &ConvLayout, bias: Option<&[f32]>) -> Vec<f32> {
    let padded = padded_channels(gather.out_channels);
    let mut values = vec![0.0; gather.groups * padded];
    if let Some(bias) = bias {
        let groups = values
            .chunks_exact_mut(padded)
            .zip(bias.chunks_exact(gather.out_channels));
        groups.for_each(|(values, bias)| values[..bias.len()].copy_from_slice(bias));
    }
    values
}
