//! The whole volume through the network at once, as MONAI's `SimpleInferer`.

use crate::{Blending, PatchNetwork, Result, SlidingWindow};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

/// Runs the network once over the whole volume.
///
/// Where the size is not a multiple of what the network can halve, the volume is padded with zeros
/// and the output cropped. Memory grows with the volume; [`SlidingWindow`] keeps it bounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Simple {}

impl Simple {
    /// The network's output on the volume's own grid.
    ///
    /// # Errors
    /// A network whose output has another size than its input.
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        self.windows().run(image, network, device)
    }

    /// One window over everything.
    pub(crate) fn windows(&self) -> SlidingWindow {
        SlidingWindow {
            patch_size: [-1; 3],
            overlap: 0.0,
            blending: Blending::Constant,
            ..SlidingWindow::default()
        }
    }
}
