//! Selection of channels in a given order.

use super::ChannelStep;
use crate::config::{bad, config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::Volume;

config! {
    /// Keeps the named channels in the named order.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([1, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 3, vec![10.0, 20.0, 30.0])?;
    /// let chain: Chain = serde_saphyr::from_str("- select_channels: {channels: [2, 0]}")?;
    /// let (result, _) = chain.apply(Subject::new("case_01", image, None)?, 0, 0)?;
    /// assert_eq!(result.image().data(), [30.0, 10.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    SelectChannels, "select_channels", {
        /// Channels from 0.
        channels: Vec<usize> = Vec::new(),
    }
}

impl Configured for SelectChannels {
    fn check(&self) -> Result<()> {
        require(
            !self.channels.is_empty(),
            Self::NAME,
            "channels",
            &self.channels,
            "at least one channel",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Channels(ChannelStep::SelectChannels(
            self.clone(),
        ))])
    }
}

impl SelectChannels {
    pub(super) fn apply(&self, image: Volume<f32>) -> Result<Volume<f32>> {
        if let Some(channel) = self.channels.iter().find(|c| **c >= image.channels()) {
            let found = format!("channel {channel} of an image with {}", image.channels());
            return Err(bad(
                Self::NAME,
                "channels",
                found,
                "channels that the image has, counted from 0",
            ));
        }
        let data = self
            .channels
            .iter()
            .flat_map(|c| image.channel(*c).iter().copied())
            .collect();
        Ok(Volume::new(*image.geometry(), self.channels.len(), data)?)
    }
}
