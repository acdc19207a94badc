//! The way in for a network that is not one of ours: one trait, for training and for inference.

use crate::PatchNetwork;
use burn::module::Module;
use burn::tensor::Tensor;
use vesalius_networks::{Error, Result};

/// A network of your own: a Burn module with a forward pass. Losses and Burn's optimisers train it as they
/// are; [`OwnNetwork::ready`] makes it what inferers and a [`crate::Segmenter`] run.
pub trait OwnNetwork: Module + Send + Sync + 'static {
    /// The outputs, full resolution first; heads of deep supervision may follow.
    ///
    /// # Shapes
    /// `[N, C, Z, Y, X]` to `[N, K, Z, Y, X]`, smaller for each head.
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>>;

    /// Patch sizes `[x, y, z]` must be multiples of this.
    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }

    /// 2 for a network that takes slices (Z = 1), else 3.
    fn spatial_dims(&self) -> usize {
        3
    }

    /// The network without its training side, for inferers.
    fn ready(&self) -> Box<dyn PatchNetwork + Send + Sync>
    where
        Self: Sized,
    {
        Box::new(Ready(self.valid()))
    }
}

struct Ready<N>(N);

impl<N: OwnNetwork> PatchNetwork for Ready<N> {
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        let outputs = self.0.forward(patches);
        let first = outputs.into_iter().next();
        first.ok_or_else(|| Error::custom("`OwnNetwork::forward` returned no output"))
    }

    fn divisor(&self) -> [usize; 3] {
        self.0.divisor()
    }

    fn spatial_dims(&self) -> usize {
        self.0.spatial_dims()
    }
}
