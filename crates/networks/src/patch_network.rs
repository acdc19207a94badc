//! What an inferer runs: anything that turns a batch of patches into outputs of the same size.

use crate::{Error, Result};
use vesalius_tensor::Tensor;

/// Something that turns a batch of patches into a batch of outputs of the same spatial size: a closure, a whole model,
/// an ensemble.
pub trait PatchNetwork: Sync {
    /// Runs a batch.
    ///
    /// # Shapes
    /// `[N, C, Z, Y, X]` to `[N, K, Z, Y, X]`.
    ///
    /// # Errors
    /// Whatever keeps it from running; [`Error::custom`] makes an error of a text or of another error. A panic of a GPU
    /// backend need not be caught: inferers do so.
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>>;

    /// Patch sizes `[x, y, z]` must be multiples of this.
    fn divisor(&self) -> [usize; 3] {
        [1; 3]
    }

    /// 2 for a network that takes slices (Z = 1), else 3.
    fn spatial_dims(&self) -> usize {
        3
    }

    /// Checks that the network takes patches of that many channels and size `[x, y, z]`; called once before the
    /// first batch of a run.
    ///
    /// # Errors
    /// A size that the network cannot take, with those that it can.
    fn check_input(&self, _channels: usize, _size: [usize; 3]) -> Result<()> {
        Ok(())
    }

    /// Numbers of its weights, four bytes each; `None` where that is not known, and they are not counted in the memory of a
    /// segmentation.
    fn parameters(&self) -> Option<u64> {
        None
    }

    /// Bytes that it takes while it runs a batch of patches of that many channels and size `[x, y, z]`, besides weights,
    /// input and output; `None` where that is not known, and the cost of the described network is used in a segmentation.
    fn memory(&self, _batch: usize, _channels: usize, _size: [usize; 3]) -> Option<u64> {
        None
    }

    /// The name of the first layer whose output is not finite on these patches, for networks that can find it; the
    /// patches pass through the network once more.
    ///
    /// # Errors
    /// As [`PatchNetwork::forward`].
    fn first_not_finite(&self, _patches: Tensor<5>) -> Result<Option<String>> {
        Ok(None)
    }
}

/// What a closure may return to be a [`PatchNetwork`]: a tensor, or a `Result` of one.
pub trait PatchOutput {
    /// The tensor, or why there is none.
    ///
    /// # Errors
    /// That of the `Result`.
    fn into_output(self) -> Result<Tensor<5>>;
}

impl PatchOutput for Tensor<5> {
    fn into_output(self) -> Result<Tensor<5>> {
        Ok(self)
    }
}

impl<E: Into<Error>> PatchOutput for std::result::Result<Tensor<5>, E> {
    fn into_output(self) -> Result<Tensor<5>> {
        self.map_err(Into::into)
    }
}

impl<F, O> PatchNetwork for F
where
    F: Fn(Tensor<5>) -> O + Sync,
    O: PatchOutput,
{
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        self(patches).into_output()
    }
}
