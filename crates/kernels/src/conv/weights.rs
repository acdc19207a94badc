//! Weights in the order in which the innermost loop reads them: for each phase, group and block of
//! output channels, all terms (input channel, tap), the block's channels side by side.

use rayon::prelude::*;

use super::micro::CHANNELS;
use super::plan::ConvLayout;
use crate::buffer::{Scratch, Shared};

/// Packed weights.
pub(crate) struct PackedWeights {
    values: Scratch,
    /// Start of each phase.
    phases: Vec<usize>,
    /// Taps of each phase.
    taps: Vec<usize>,
    in_channels: usize,
    padded_channels: usize,
}

/// The blocks that `channels` output channels are computed in, as (first, width): fours, then what
/// is left as 1, 2 or (3, with a zero channel) 4.
pub(crate) fn channel_blocks(channels: usize) -> Vec<(usize, usize)> {
    (0..channels)
        .step_by(CHANNELS)
        .map(|first| {
            (
                first,
                if channels - first == 3 {
                    4
                } else {
                    (channels - first).min(CHANNELS)
                },
            )
        })
        .collect()
}

/// Channels with the zero channel that [`channel_blocks`] may add.
pub(crate) fn padded_channels(channels: usize) -> usize {
    channel_blocks(channels)
        .iter()
        .map(|&(_, width)| width)
        .sum()
}

impl PackedWeights {
    /// Packs `weights`, which are in the order that `gather.weights` describes.
    pub fn new(gather: &ConvLayout, weights: &[f32]) -> Self {
        let blocks = channel_blocks(gather.out_channels);
        let padded = padded_channels(gather.out_channels);
        let taps: Vec<Vec<usize>> = gather
            .phases()
            .into_iter()
            .map(|phase| {
                gather
                    .phase_taps(phase)
                    .into_iter()
                    .map(|(index, _)| index)
                    .collect()
            })
            .collect();
        let mut phases = Vec::with_capacity(taps.len());
        let mut length = 0;
        for taps in &taps {
            phases.push(length);
            length += gather.groups * padded * gather.in_channels * taps.len();
        }
        let mut values = Scratch::any(length);
        let packed = Self {
            values: Scratch::any(0),
            phases,
            taps: taps.iter().map(Vec::len).collect(),
            in_channels: gather.in_channels,
            padded_channels: padded,
        };
        let shared = Shared::new(values.as_mut_slice());
        let jobs = taps.len() * gather.groups * blocks.len();
        (0..jobs).into_par_iter().for_each(|job| {
            let (first, width) = blocks[job % blocks.len()];
            let group = job / blocks.len() % gather.groups;
            let phase = job / (blocks.len() * gather.groups);
            let start = packed.start(phase, group, first, width, 0);
            // SAFETY: each job has a phase, group and block of channels of its own, and `start` puts
            // the blocks of all of them one after the other.
            let block =
                unsafe { shared.part(start, width * gather.in_channels * taps[phase].len()) };
            if block.is_empty() {
                return;
            }
            for channel in 0..width.min(gather.out_channels - first) {
                let from = group * gather.weights.group + (first + channel) * gather.weights.output;
                let mut to = block[channel..].iter_mut().step_by(width);
                for input in 0..gather.in_channels {
                    let from = &weights[from + input * gather.weights.input..];
                    for (&tap, to) in taps[phase].iter().zip(to.by_ref()) {
                        *to = from[tap];
                    }
                }
            }
        });
        Self { values, ..packed }
    }

    fn start(&self, phase: usize, group: usize, first: usize, width: usize, input: usize) -> usize {
        let terms = self.in_channels * self.taps[phase];
        self.phases[phase]
            + (group * self.padded_channels + first) * terms
            + input * self.taps[phase] * width
    }

    /// The weights of a block of `width` channels from `first` on, from the input channel `input` on.
    #[inline(always)]
    pub fn block(
        &self,
        phase: usize,
        group: usize,
        (first, width): (usize, usize),
        input: usize,
    ) -> &[f32] {
        &self.values.as_slice()[self.start(phase, group, first, width, input)..]
    }
}
