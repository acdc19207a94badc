//! A volume through a 2-D network slice by slice, as MONAI's `SliceInferer`.

use crate::inferer::{Extent, Pass};
use crate::{Blending, Error, PatchNetwork, Result, SlidingWindow, WindowOutside};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_filters::permute;
use vesalius_transforms::Axis;
use vesalius_volume::Volume;

/// Runs a 2-D network over every slice across one axis and stacks the outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slice {
    /// The axis across which slices are taken.
    pub axis: Axis,
    /// Window within a slice, along the two other axes in their order; -1 is the whole of an axis.
    pub patch_size: [i64; 2],
    /// Share of a window that its neighbour covers too, 0 to below 1.
    pub overlap: f64,
    /// How overlapping windows are blended.
    pub blending: Blending,
    /// How many slices (or windows) go through the network at a time.
    pub batch_size: usize,
    /// What a window sees beyond a slice that is smaller than it.
    #[serde(skip_serializing_if = "is_default")]
    pub outside: WindowOutside,
}

fn is_default(outside: &WindowOutside) -> bool {
    *outside == WindowOutside::default()
}

impl Default for Slice {
    fn default() -> Self {
        Self {
            axis: Axis::Z,
            patch_size: [-1; 2],
            overlap: 0.25,
            blending: Blending::Gaussian,
            batch_size: 8,
            outside: WindowOutside::default(),
        }
    }
}

impl Slice {
    /// Checks that the values are valid.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        self.windows().check()
    }

    /// The network's output on the volume's own grid; the network's input is `[N, C, 1, Y, X]`, where X and Y are the
    /// two axes that are not `axis`, in their order.
    ///
    /// # Errors
    /// As [`SlidingWindow::run`].
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        crate::Inferer::Slice(self.clone()).run(image, network, device)
    }

    /// As [`Slice::run`], for a pass.
    pub(crate) fn pass(&self, image: &Volume<f32>, pass: &Pass) -> Result<Volume<f32>> {
        let order = self.axis.last();
        let back: [usize; 3] =
            std::array::from_fn(|axis| order.iter().position(|&a| a == axis).unwrap_or(axis));
        let slices = permute(image, order)?;
        let output = self.windows().pass(&slices, pass);
        let output = output.map_err(|error| in_the_volume(error, order))?;
        Ok(permute(&output, back)?.with_geometry(*image.geometry())?)
    }

    /// What is known of a run before it starts.
    pub(crate) fn extent(&self, size: [usize; 3], divisor: [usize; 3]) -> Extent {
        let size = self.axis.last().map(|axis| size[axis]);
        Extent {
            // The transposed volumes, before and after.
            outputs: 2,
            images: 2,
            ..self.windows().extent(size, divisor)
        }
    }

    pub(crate) fn windows(&self) -> SlidingWindow {
        SlidingWindow {
            patch_size: [self.patch_size[0], self.patch_size[1], 1],
            overlap: self.overlap,
            blending: self.blending,
            batch_size: self.batch_size,
            outside: self.outside,
            ..SlidingWindow::default()
        }
    }
}

/// An error that names a window of the transposed volume, with the window's place in the volume.
fn in_the_volume(error: Error, order: [usize; 3]) -> Error {
    match error {
        Error::NotFiniteOutput(mut found) => {
            let (window, size) = (found.window, found.size);
            for (axis, &to) in order.iter().enumerate() {
                found.window[to] = window[axis];
                found.size[to] = size[axis];
            }
            Error::NotFiniteOutput(found)
        }
        other => other,
    }
}
