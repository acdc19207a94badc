//! Chooses how a gather is computed: product by product, or through Winograd's transform.

use super::finish::Finish;
use super::plan::ConvLayout;
use super::{direct, winograd};

/// Computes the gather into `output`; `bias` has one value an output channel of all groups.
pub(crate) fn run(
    gather: &ConvLayout,
    input: &[f32],
    weights: &[f32],
    bias: Option<&[f32]>,
    finish: &Finish,
    output: &mut [f32],
) {
    if output.is_empty() {
        return;
    }
    match winograd::Taps::of(gather) {
        Some(taps) => winograd::run(gather, &taps, input, weights, bias, finish, output),
        None => direct::run(gather, input, weights, bias, finish, output),
    }
}

/// The number of blocks that [`run`] divides the outputs of one channel into, for [`Finish::moments`].
pub(crate) fn blocks(gather: &ConvLayout) -> usize {
    match winograd::Taps::of(gather) {
        Some(taps) => winograd::blocks_of(gather, &taps),
        None => direct::blocks_of(gather),
    }
}
