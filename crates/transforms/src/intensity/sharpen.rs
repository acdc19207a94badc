//! Sharpening by the Laplacian.

use super::IntensityStep;
use super::statistics::Statistics;
use crate::config::{check_probability, check_range, check_share, config};
use crate::random::{between, each_channel};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Adds a share of each voxel's difference from its six neighbours, four in the plane of a single
    /// slice (batchgeneratorsv2's `SharpeningTransform`).
    Sharpen, "sharpen", {
        /// Least and largest share.
        strength: [f64; 2] = [0.1, 0.3],
        /// Clip to the range that the channel had.
        keep_range: bool = false,
        /// A share for each channel instead of one for all.
        per_channel: bool = true,
        /// How often a channel takes part, 0 to 1.
        channel_probability: f64 = 1.0,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for Sharpen {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "strength",
            self.strength,
            0.0,
            "two numbers of 0 or more in rising order",
        )?;
        check_share(Self::NAME, "channel_probability", self.channel_probability)?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        if !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let channels = each_channel(
            rng,
            case.channels(),
            self.per_channel,
            self.channel_probability,
            |rng| between(rng, self.strength) as f32,
        );
        let step = SharpenStep {
            channels,
            keep_range: self.keep_range,
        };
        Ok(vec![Step::Intensity(IntensityStep::Sharpen(step))])
    }
}

/// Shares of the channels that take part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SharpenStep {
    /// Channel, and its share.
    pub channels: Vec<(usize, f32)>,
    /// Clip to the range that the channel had.
    pub keep_range: bool,
}

impl SharpenStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let [nx, ny, nz] = image.geometry().size();
        if image.geometry().voxel_count() == 0 {
            return Ok(());
        }
        let channels = image.channels();
        for &(channel, strength) in self.channels.iter().filter(|c| c.0 < channels) {
            let values = image.channel_mut(channel);
            let found = Statistics::of(values);
            let source = values.to_vec();
            values
                .par_chunks_mut(nx)
                .enumerate()
                .for_each(|(row, out)| {
                    let (y, z) = (row % ny, row / ny);
                    let line = |y: usize, z: usize| &source[(z * ny + y) * nx..][..nx];
                    let here = line(y, z);
                    let around = [
                        line(y.saturating_sub(1), z),
                        line((y + 1).min(ny - 1), z),
                        line(y, z.saturating_sub(1)),
                        line(y, (z + 1).min(nz - 1)),
                    ];
                    for (x, value) in out.iter_mut().enumerate() {
                        let sides = here[x.saturating_sub(1)] + here[(x + 1).min(nx - 1)];
                        let sum: f32 = around.iter().map(|line| line[x]).sum();
                        let sharp = here[x] + strength * (6.0 * here[x] - sides - sum);
                        *value = if self.keep_range {
                            sharp.clamp(found.low, found.high)
                        } else {
                            sharp
                        };
                    }
                });
        }
        Ok(())
    }
}
