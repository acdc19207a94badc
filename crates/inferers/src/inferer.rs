//! The closed set of ways to run a network over a volume, as written in a model folder.

use crate::{PatchNetwork, Result, Simple, Slice, SlidingWindow};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vesalius_transforms::Axis;
use vesalius_volume::Volume;

/// How a volume goes through a network, in YAML one name with its keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inferer {
    /// The whole volume at once.
    Simple(Simple),
    /// Overlapping windows, blended.
    SlidingWindow(SlidingWindow),
    /// One slice after another through a 2-D network.
    Slice(Slice),
}

impl Inferer {
    /// Nothing when the values make sense.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`], which names the key.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Simple(_) => Ok(()),
            Self::SlidingWindow(inferer) => inferer.check(),
            Self::Slice(inferer) => inferer.check(),
        }
    }

    /// The windows that a run goes through, where its output comes slice by slice along z.
    pub(crate) fn windows(&self) -> Option<SlidingWindow> {
        match self {
            Self::Simple(inferer) => Some(inferer.windows()),
            Self::SlidingWindow(inferer) => Some(inferer.clone()),
            Self::Slice(inferer) if inferer.axis == Axis::Z => Some(inferer.windows()),
            Self::Slice(_) => None,
        }
    }

    /// The network's output over the whole volume, on the volume's own grid.
    ///
    /// # Errors
    /// A configuration that makes no sense, or a network whose output has another size than its input.
    pub fn run(
        &self,
        image: &Volume<f32>,
        network: &dyn PatchNetwork,
        device: &Device,
    ) -> Result<Volume<f32>> {
        match self {
            Self::Simple(inferer) => inferer.run(image, network, device),
            Self::SlidingWindow(inferer) => inferer.run(image, network, device),
            Self::Slice(inferer) => inferer.run(image, network, device),
        }
    }
}
