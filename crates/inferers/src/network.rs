//! What an inferer asks of a network, so that a closure, a whole model or an ensemble can stand there.

use burn::tensor::Tensor;

/// Something that turns a batch of patches into a batch of outputs of the same spatial size.
pub trait PatchNetwork {
    /// Runs a batch.
    ///
    /// # Shapes
    /// `[N, C, Z, Y, X]` to `[N, K, Z, Y, X]`.
    fn forward(&self, patches: Tensor<5>) -> Tensor<5>;

    /// Patch sizes `[x, y, z]` must be multiples of this.
    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }
}

impl<F: Fn(Tensor<5>) -> Tensor<5>> PatchNetwork for F {
    fn forward(&self, patches: Tensor<5>) -> Tensor<5> {
        self(patches)
    }
}
