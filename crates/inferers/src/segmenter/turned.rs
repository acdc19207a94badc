//! Networks that were trained with another order of the spatial axes than ours.

use crate::{AxisOrder, PatchNetwork};
use burn::tensor::Tensor;
use vesalius_networks::Network;

/// A network behind the axis order that it was trained with.
pub struct TurnedNetwork<'a> {
    /// The network.
    pub network: &'a Network,
    /// Its order of axes.
    pub order: AxisOrder,
}

impl PatchNetwork for TurnedNetwork<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        // The network's first output is the full-resolution one.
        let run = |patches| self.network.forward(patches).swap_remove(0);
        turned(self.order, patches, run)
    }

    fn divisor(&self) -> [usize; 3] {
        turned_divisor(self.order, self.network.architecture().divisor())
    }
}

/// The same for any network.
pub(super) struct Turned<'a> {
    pub network: &'a dyn PatchNetwork,
    pub order: AxisOrder,
}

impl PatchNetwork for Turned<'_> {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        turned(self.order, patches, |patches| self.network.forward(patches))
    }

    fn divisor(&self) -> [usize; 3] {
        turned_divisor(self.order, self.network.divisor())
    }
}

fn turned(
    order: AxisOrder,
    patches: Tensor<5>,
    run: impl FnOnce(Tensor<5>) -> Tensor<5>,
) -> Tensor<5> {
    match order {
        AxisOrder::Zyx => run(patches),
        AxisOrder::Xyz => run(patches.swap_dims(2, 4)).swap_dims(2, 4),
    }
}

fn turned_divisor(order: AxisOrder, divisor: [usize; 3]) -> [usize; 3] {
    match order {
        AxisOrder::Zyx => divisor,
        AxisOrder::Xyz => [divisor[2], divisor[1], divisor[0]],
    }
}
