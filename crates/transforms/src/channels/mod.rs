//! Steps that choose, compute or add channels, and files that become the channels of one image.

mod add;
mod arithmetic;
mod boundary_weights;
mod select;
mod stack;

pub use add::AddChannels;
pub use arithmetic::{ChannelArithmetic, Operation};
pub use boundary_weights::BoundaryWeights;
pub use select::SelectChannels;
pub use stack::stack_on_first;

use crate::Result;
use crate::transform::Configured;
use serde::{Deserialize, Serialize};
use vesalius_volume::{LabelMap, Volume};

/// A change of channels; none of them is random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // Each is the step of the transform of its name.
#[non_exhaustive]
pub enum ChannelStep {
    AddChannels(AddChannels),
    BoundaryWeights(BoundaryWeights),
    ChannelArithmetic(ChannelArithmetic),
    SelectChannels(SelectChannels),
}

impl ChannelStep {
    /// The image with the channels that the step makes; `case` is named where it does not fit.
    ///
    /// # Errors
    /// A channel that the image does not have, or labels that are needed and missing.
    pub fn apply(
        &self,
        case: &str,
        image: Volume<f32>,
        labels: Option<&LabelMap>,
    ) -> Result<Volume<f32>> {
        match self {
            Self::AddChannels(step) => step.check()?,
            Self::BoundaryWeights(step) => step.check()?,
            Self::ChannelArithmetic(step) => step.check()?,
            Self::SelectChannels(step) => step.check()?,
        }
        match self {
            Self::AddChannels(step) => step.apply(image),
            Self::BoundaryWeights(step) => step.apply(case, image, labels),
            Self::ChannelArithmetic(step) => step.apply(image),
            Self::SelectChannels(step) => step.apply(image),
        }
    }
}

/// An image with one channel more.
fn with_channel(image: Volume<f32>, channel: Vec<f32>) -> Result<Volume<f32>> {
    let (grid, count) = (*image.geometry(), image.channels());
    let mut data = image.into_data();
    data.extend(channel);
    Ok(Volume::new(grid, count + 1, data)?)
}
