//! Chooses how a gather is computed: product by product, alone or two channels at once, or through Winograd's transform.

use super::finish::Finish;
use super::plan::ConvLayout;
use super::terms::{ChannelPairs, Channels};
use super::weights::PackedWeights;
use super::{direct, winograd};
use crate::element::{Stored, Values, ValuesMut, bf16};
use crate::simd::SimdLevel;

/// How a gather is computed.
pub(crate) enum Method {
    /// Through Winograd's transform.
    Winograd(winograd::Taps),
    /// Product by product, in `f32`.
    Channels,
    /// Two products of bfloat16 at once.
    Pairs,
}

impl Method {
    /// The method for values of these types at the current level.
    pub fn of(gather: &ConvLayout, input: Values, weights: Values) -> Self {
        let stored = matches!((input, weights), (Values::Bf16(_), Values::Bf16(_)));
        if stored && SimdLevel::current().has_pairs() && pairs_pay(gather) {
            return Self::Pairs;
        }
        winograd::Taps::of(gather).map_or(Self::Channels, Self::Winograd)
    }

    /// The number of blocks that [`run`] divides the outputs of one channel into, for [`Finish::moments`].
    pub fn blocks(&self, gather: &ConvLayout) -> usize {
        match self {
            Self::Winograd(taps) => winograd::blocks_of(gather, taps),
            Self::Channels | Self::Pairs => direct::blocks_of(gather),
        }
    }
}

/// Whether products of pairs take less time than what is done otherwise.
fn pairs_pay(gather: &ConvLayout) -> bool {
    gather.in_channels > 1 && winograd::Taps::of(gather).is_none()
}

/// Computes the gather into `output`; `bias` has one value an output channel of all groups.
pub(crate) fn run(
    gather: &ConvLayout,
    method: &Method,
    input: Values,
    weights: Values,
    bias: Option<&[f32]>,
    finish: &Finish,
    output: ValuesMut,
) {
    let operands = Operands {
        gather,
        method,
        weights,
        bias,
        finish,
    };
    match (input, output) {
        (Values::F32(input), ValuesMut::F32(output)) => operands.channels(input, output),
        (Values::F32(input), ValuesMut::Bf16(output)) => operands.channels(input, output),
        (Values::Bf16(input), ValuesMut::F32(output)) => operands.any(input, output),
        (Values::Bf16(input), ValuesMut::Bf16(output)) => operands.any(input, output),
    }
}

/// All of a gather but what is read and written.
struct Operands<'a> {
    gather: &'a ConvLayout,
    method: &'a Method,
    weights: Values<'a>,
    bias: Option<&'a [f32]>,
    finish: &'a Finish<'a>,
}

impl Operands<'_> {
    /// Products in `f32`.
    fn channels<I: Stored, O: Stored>(&self, input: &[I], output: &mut [O]) {
        let Self {
            gather,
            weights,
            bias,
            finish,
            ..
        } = *self;
        if output.is_empty() {
            return;
        }
        if let Method::Winograd(taps) = self.method {
            winograd::run(gather, taps, input, weights, bias, finish, output);
        } else {
            let packed = PackedWeights::new(gather, weights);
            direct::run(gather, Channels(input), &packed, bias, finish, output);
        }
    }

    /// Products of either kind.
    fn any<O: Stored>(&self, input: &[bf16], output: &mut [O]) {
        match (self.method, self.weights) {
            (Method::Pairs, Values::Bf16(weights)) if !output.is_empty() => {
                let packed = PackedWeights::pairs(self.gather, weights);
                let pairs = ChannelPairs(input);
                direct::run(self.gather, pairs, &packed, self.bias, self.finish, output);
            }
            _ => self.channels(input, output),
        }
    }
}
