//! A channel computed from two others.

use super::{ChannelStep, with_channel};
use crate::config::{bad, config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

/// How two channels are combined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// The first minus the second, such as images after and before contrast agent.
    #[default]
    Difference,
    /// Their sum.
    Sum,
    /// Their product.
    Product,
    /// The first divided by the second; 0 where the second is 0.
    Ratio,
    /// The smaller one.
    Minimum,
    /// The larger one.
    Maximum,
    /// Half their sum.
    Mean,
}

config! {
    /// Adds a channel, or replaces all by it, that is computed voxel by voxel from two channels.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// // MR before and after contrast agent.
    /// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 2, vec![10.0, 20.0, 10.0, 90.0])?;
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- channel_arithmetic: {operation: difference, of: [1, 0]}",
    /// )?;
    /// let (result, _) = chain.apply(Subject::new("case_01", image, None)?, 0, 0)?;
    /// assert_eq!(result.image().channels(), 3);
    /// assert_eq!(result.image().channel(2), [0.0, 70.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ChannelArithmetic, "channel_arithmetic", {
        /// What is computed.
        operation: Operation = Operation::Difference,
        /// The two channels, from 0.
        of: [usize; 2] = [1, 0],
        /// Keep the image's channels and add the new one at the end.
        append: bool = true,
    }
}

impl Configured for ChannelArithmetic {
    fn check(&self) -> Result<()> {
        require(
            self.of.iter().all(|c| *c < 4096),
            Self::NAME,
            "of",
            self.of,
            "two channels, counted from 0",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Channels(ChannelStep::ChannelArithmetic(
            self.clone(),
        ))])
    }
}

impl ChannelArithmetic {
    pub(super) fn apply(&self, image: Volume<f32>) -> Result<Volume<f32>> {
        if let Some(channel) = self.of.iter().find(|c| **c >= image.channels()) {
            let found = format!("channel {channel} of an image with {}", image.channels());
            return Err(bad(
                Self::NAME,
                "of",
                found,
                "channels that the image has, counted from 0",
            ));
        }
        let compute = |(&a, &b): (&f32, &f32)| match self.operation {
            Operation::Difference => a - b,
            Operation::Sum => a + b,
            Operation::Product => a * b,
            Operation::Ratio if b == 0.0 => 0.0,
            Operation::Ratio => a / b,
            Operation::Minimum => a.min(b),
            Operation::Maximum => a.max(b),
            Operation::Mean => (a + b) / 2.0,
        };
        let pair = image
            .channel(self.of[0])
            .iter()
            .zip(image.channel(self.of[1]));
        let made: Vec<f32> = pair.map(compute).collect();
        match self.append {
            true => with_channel(image, made),
            false => Ok(Volume::new(*image.geometry(), 1, made)?),
        }
    }
}
