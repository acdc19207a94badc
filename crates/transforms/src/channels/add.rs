//! Further channels of one value.

use super::{ChannelStep, with_channel};
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::{Volume, check_memory};

/// The most channels that are added.
const MOST: usize = 1024;

config! {
    /// Adds channels of one value behind those of the image: for networks that take clicks or another model's labels, and
    /// are given none.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![5.0, 6.0])?;
    /// let chain: Chain = serde_saphyr::from_str("- add_channels: {count: 2}")?;
    /// let (result, _) = chain.apply(Subject::new("case_01", image, None)?, 0, 0)?;
    /// assert_eq!(result.image().channels(), 3);
    /// assert_eq!(result.image().data(), [5.0, 6.0, 0.0, 0.0, 0.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    AddChannels, "add_channels", {
        /// How many.
        count: usize = 1,
        /// Their value.
        value: f32 = 0.0,
    }
}

impl Configured for AddChannels {
    fn check(&self) -> Result<()> {
        require(
            (1..=MOST).contains(&self.count),
            Self::NAME,
            "count",
            self.count,
            "1 to 1024 channels",
        )?;
        require(
            self.value.is_finite(),
            Self::NAME,
            "value",
            self.value,
            "a number",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Channels(ChannelStep::AddChannels(self.clone()))])
    }
}

impl AddChannels {
    pub(super) fn apply(&self, image: Volume<f32>) -> Result<Volume<f32>> {
        let (size, channels) = (image.geometry().size(), image.channels() + self.count);
        check_memory(
            "the image with its further channels",
            size,
            channels,
            size_of::<f32>(),
            None,
        )?;
        let voxels = image.geometry().voxel_count();
        (0..self.count).try_fold(image, |image, _| {
            with_channel(image, vec![self.value; voxels])
        })
    }
}
