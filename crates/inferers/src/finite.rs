//! Outputs of a network are finite or an error: one pass over a batch's values while they are in cache.

use crate::error::{FirstLayer, NotFiniteOutput};
use crate::windows::Start;
use crate::{Error, PatchNetwork, Result};
use burn::tensor::{Device, Tensor};
use vesalius_tensor::{all_finite, tensor_from_values};

/// The windows of a batch, as they went through a network.
pub(crate) struct CheckedBatch<'a> {
    pub network: &'a dyn PatchNetwork,
    pub device: &'a Device,
    pub starts: &'a [Start],
    /// Channels of the image and size `[x, y, z]` of a window.
    pub channels: usize,
    pub window: [usize; 3],
    /// Whether the network is asked for the layer.
    pub check_layers: bool,
}

impl CheckedBatch<'_> {
    /// Nothing when all outputs, `[window][channel][z][y][x]`, are finite. `cut` gives one window's voxels
    /// again.
    ///
    /// # Errors
    /// [`Error::NotFiniteOutput`] for the first window that has another.
    pub fn check(&self, outputs: &[f32], cut: impl Fn(&[Start]) -> Result<Vec<f32>>) -> Result<()> {
        if all_finite(outputs) {
            return Ok(());
        }
        let each = (outputs.len() / self.starts.len().max(1)).max(1);
        let windows = self.starts.iter().zip(outputs.chunks_exact(each));
        let mut bad = windows.filter(|(_, values)| !all_finite(values));
        let Some((start, values)) = bad.next() else {
            return Ok(());
        };
        let count = values.iter().filter(|value| !value.is_finite()).count();
        let input = cut(std::slice::from_ref(start))?;
        let input_is_finite = all_finite(&input);
        let layer = match self.check_layers && input_is_finite {
            false => None,
            true => {
                let (channels, window) = (self.channels, self.window);
                let patch: Tensor<5> = tensor_from_values(input, 1, channels, window, self.device)?;
                let named = self.network.first_not_finite(patch);
                Some(named.map_or(FirstLayer::NotFound, FirstLayer::Named))
            }
        };
        Err(Error::NotFiniteOutput(Box::new(NotFiniteOutput {
            window: *start,
            size: self.window,
            count: [count, each],
            pass: None,
            input_is_finite,
            layer,
        })))
    }
}
