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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::ConvShape;
    use crate::element::Element;
    use crate::simd::with_simd_level;

    fn made(count: usize, seed: usize) -> Vec<bf16> {
        let value = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0;
        (0..count).map(|i| bf16::narrow(value(i))).collect()
    }

    fn compute(gather: &ConvLayout, method: &Method, input: &[bf16], weights: &[bf16]) -> Vec<f32> {
        let outputs = gather.batch * gather.groups * gather.out_channels;
        let mut output = vec![f32::NAN; outputs * gather.output.iter().product::<usize>()];
        let bias: Vec<f32> = (0..outputs / gather.batch)
            .map(|i| i as f32 / 3.0)
            .collect();
        run(
            gather,
            method,
            Values::Bf16(input),
            Values::Bf16(weights),
            Some(&bias),
            &Finish::default(),
            ValuesMut::F32(&mut output),
        );
        output
    }

    fn check(gather: &ConvLayout) {
        let voxels: usize = gather.input.iter().product();
        let input = made(
            gather.batch * gather.groups * gather.in_channels * voxels,
            1,
        );
        let taps: usize = gather.kernel.iter().product();
        let weights = made(
            gather.groups * gather.in_channels * gather.out_channels * taps,
            2,
        );
        for level in SimdLevel::available() {
            with_simd_level(level, || {
                let expected = compute(gather, &Method::Channels, &input, &weights);
                let found = compute(gather, &Method::Pairs, &input, &weights);
                let largest = expected.iter().fold(0.0f32, |most, e| most.max(e.abs()));
                for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert!(
                        (found - expected).abs() <= 1e-5 * largest,
                        "[{index}] is {found}, expected {expected} at {} for {gather:?}",
                        level.name()
                    );
                }
            });
        }
    }

    #[test]
    fn odd_sizes_have_the_same_sums_by_pairs_of_channels() {
        let sizes: &[usize] = if cfg!(miri) {
            &[3, 17]
        } else {
            &[1, 3, 7, 17, 32, 37]
        };
        for (index, &x) in sizes.iter().enumerate() {
            let size = [x, 1 + index % 4, 1 + index % 3];
            for (kernel, stride, channels) in [
                (3, 1, [5, 9]),
                (3, 2, [2, 3]),
                (1, 1, [1, 2]),
                (2, 3, [4, 1]),
            ] {
                let shape = ConvShape {
                    groups: 2,
                    stride: [stride, 1, stride],
                    padding: [[kernel / 2, kernel - 1]; 3],
                    ..ConvShape::new(2, channels.map(|count| 2 * count), size, [kernel; 3])
                };
                let output = shape.output().unwrap();
                check(&ConvLayout::forward(&shape, output));
                check(&ConvLayout::adjoint(&shape, output));
            }
        }
    }

    #[test]
    fn pairs_are_multiplied_only_where_input_and_weights_are_stored_so() {
        let shape = ConvShape {
            stride: [2; 3],
            ..ConvShape::new(1, [4, 4], [8; 3], [3; 3])
        };
        let gather = ConvLayout::forward(&shape, shape.output().unwrap());
        let (stored, single) = (Values::Bf16(&[]), Values::F32(&[]));
        for level in SimdLevel::available() {
            with_simd_level(level, || {
                let pairs =
                    |input, weights| matches!(Method::of(&gather, input, weights), Method::Pairs);
                assert!(!pairs(single, stored) && !pairs(stored, single));
                assert_eq!(pairs(stored, stored), level.name() == "avx512bf16");
            });
        }
    }
}
