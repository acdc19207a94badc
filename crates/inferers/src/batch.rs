//! One batch of windows through a network: cut out, run on the device, read back and checked. The only place where
//! inferers call a network, so that what a device's failure becomes is decided once.

use crate::error::{FirstLayer, NotFiniteOutput};
use crate::inferer::Pass;
use crate::rows::ImageRows;
use crate::windows::{Start, WindowGrid};
use crate::{Error, Result};
use vesalius_tensor::{Tensor, all_finite, on_device, tensor_from_values, values_of};

/// A network's output for a batch.
pub(crate) struct Output {
    /// `[N, K, Z, Y, X]`.
    pub shape: [usize; 5],
    /// In that order.
    pub values: Vec<f32>,
}

/// The source of batches, and their network.
#[derive(Clone, Copy)]
pub(crate) struct Batches<'a> {
    pub image: &'a dyn ImageRows,
    pub grid: &'a WindowGrid,
    pub pass: &'a Pass<'a>,
}

impl Batches<'_> {
    /// The output of some windows; `spare` is an unused buffer to write to. `fits` refuses shapes before values are
    /// read.
    ///
    /// # Errors
    /// Errors of the network or of `fits`; a device that fails; [`Error::NotFiniteOutput`] for the first window with a
    /// value that is not finite.
    pub fn run(
        &self,
        windows: &[Start],
        spare: Vec<f32>,
        fits: impl Fn([usize; 5]) -> Result<()>,
    ) -> Result<Output> {
        let values = self.grid.cut(self.image, windows, spare)?;
        let (count, channels) = (windows.len(), self.image.channels());
        let device = self.pass.device;
        let output = on_device(device, || -> Result<Output> {
            let input = tensor_from_values(values, count, channels, self.grid.window, device)?;
            let output = self.pass.network.forward(input)?;
            let shape = output.dims();
            fits(shape)?;
            let values = values_of(output)?;
            Ok(Output { shape, values })
        })??;
        self.check(windows, &output.values)?;
        Ok(output)
    }

    /// The shape of a batch that goes in, `[N, C, Z, Y, X]`.
    pub fn input_shape(&self, count: usize) -> [usize; 5] {
        let [x, y, z] = self.grid.window;
        [count, self.image.channels(), z, y, x]
    }

    /// Checks that all outputs, `[window][channel][z][y][x]`, are finite; one pass over them while they are in cache.
    fn check(&self, windows: &[Start], outputs: &[f32]) -> Result<()> {
        if all_finite(outputs) {
            return Ok(());
        }
        let each = (outputs.len() / windows.len().max(1)).max(1);
        let pairs = windows.iter().zip(outputs.chunks_exact(each));
        let mut bad = pairs.filter(|(_, values)| !all_finite(values));
        let Some((start, values)) = bad.next() else {
            return Ok(());
        };
        let count = values.iter().filter(|value| !value.is_finite()).count();
        let one = std::slice::from_ref(start);
        let input = self.grid.cut(self.image, one, Vec::new())?;
        let input_is_finite = all_finite(&input);
        let layer = match self.pass.check_layers && input_is_finite {
            false => None,
            true => Some(self.first_layer(input)?),
        };
        Err(Error::NotFiniteOutput(Box::new(NotFiniteOutput {
            window: *start,
            size: self.grid.window,
            count: [count, each],
            pass: None,
            input_is_finite,
            layer,
        })))
    }

    fn first_layer(&self, window: Vec<f32>) -> Result<FirstLayer> {
        let (channels, device) = (self.image.channels(), self.pass.device);
        let named = on_device(device, || -> Result<Option<String>> {
            let patch: Tensor<5> =
                tensor_from_values(window, 1, channels, self.grid.window, device)?;
            Ok(self.pass.network.first_not_finite(patch)?)
        })??;
        Ok(named.map_or(FirstLayer::NotFound, FirstLayer::Named))
    }
}
