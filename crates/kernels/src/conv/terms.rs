//! The input of a gather as the terms of its sums: one channel each, or two channels of bfloat16.

use super::lanes::{Lanes, TwoChannels};
use super::plan::ConvLayout;
use crate::element::{Stored, bf16};
use crate::simd::{Bf16Pairs, Floats, Product};

/// An input whose channels, alone or in pairs, are multiplied with packed weights.
pub(crate) trait Terms: Copy + Send + Sync {
    /// What a lane of weight and input contributes.
    type Product: Product;
    /// A channel or a pair of them.
    type Lanes<'a>: Lanes
    where
        Self: 'a;
    /// Channels of a lane.
    const CHANNELS: usize;
    /// Whether instructions for bfloat16 are of use.
    const BF16: bool;

    /// The product of its lanes.
    fn product(self) -> Self::Product;

    /// The lanes of input `index` (a channel or a pair) of a group of a sample, `[Z, Y, X]`; nothing behind the last.
    fn lanes<'a>(
        self,
        gather: &ConvLayout,
        sample: usize,
        group: usize,
        index: usize,
    ) -> Option<Self::Lanes<'a>>
    where
        Self: 'a;
}

/// The values of a channel, if the group has it.
#[inline(always)]
fn channel<'a, E>(
    input: &'a [E],
    gather: &ConvLayout,
    sample: usize,
    group: usize,
    channel: usize,
) -> Option<&'a [E]> {
    let voxels: usize = gather.input.iter().product();
    let row = (sample * gather.groups + group) * gather.in_channels + channel;
    (channel < gather.in_channels).then(|| &input[row * voxels..][..voxels])
}

/// Every channel alone, in `f32`.
#[derive(Clone, Copy)]
pub(crate) struct Channels<'i, E>(pub &'i [E]);

impl<E: Stored> Terms for Channels<'_, E> {
    type Product = Floats;
    type Lanes<'a>
        = &'a [E]
    where
        Self: 'a;
    const CHANNELS: usize = 1;
    const BF16: bool = E::BF16;

    #[inline(always)]
    fn product(self) -> Floats {
        Floats
    }

    #[inline(always)]
    fn lanes<'a>(
        self,
        gather: &ConvLayout,
        sample: usize,
        group: usize,
        index: usize,
    ) -> Option<&'a [E]>
    where
        Self: 'a,
    {
        channel(self.0, gather, sample, group, index)
    }
}

/// Two channels a lane, multiplied as bfloat16.
#[derive(Clone, Copy)]
pub(crate) struct ChannelPairs<'i>(pub &'i [bf16]);

impl Terms for ChannelPairs<'_> {
    type Product = Bf16Pairs;
    type Lanes<'a>
        = TwoChannels<'a>
    where
        Self: 'a;
    const CHANNELS: usize = 2;
    const BF16: bool = true;

    #[inline(always)]
    fn product(self) -> Bf16Pairs {
        Bf16Pairs
    }

    #[inline(always)]
    fn lanes<'a>(
        self,
        gather: &ConvLayout,
        sample: usize,
        group: usize,
        index: usize,
    ) -> Option<TwoChannels<'a>>
    where
        Self: 'a,
    {
        let of = |index| channel(self.0, gather, sample, group, index);
        Some(TwoChannels {
            first: of(2 * index)?,
            second: of(2 * index + 1),
        })
    }
}
