//! Checks the numbers of a change of intensities: they may come from a file instead of a draw.

use super::IntensityStep;
use crate::Result;
use crate::config::require;
use crate::transform::Configured;

/// The widest blur, in voxels: further than any image reaches.
const WIDEST: f64 = 1e4;

impl IntensityStep {
    /// Checks that the step can be applied to an image of this size `[x, y, z]`.
    pub(super) fn check(&self, size: [usize; 3]) -> Result<()> {
        match self {
            Self::Clip(step) => step.check(),
            Self::MatchHistogram(step) => step.check(),
            Self::NnUnetNormalization(step) => step.check(),
            Self::ScaleMinMax(step) => step.check(),
            Self::ScalePercentiles(step) => step.check(),
            Self::Window(step) => step.check(),
            Self::ZScore(step) => step.check(),
            Self::BiasField(step) => require(
                (1..=8).contains(&step.degree),
                "bias_field",
                "degree",
                step.degree,
                "1 to 8",
            ),
            Self::Blur(step) => step.channels.iter().try_for_each(|(_, sigma)| {
                require(
                    sigma.iter().all(|sigma| (0.0..=WIDEST).contains(sigma)),
                    "gaussian_blur",
                    "channels",
                    sigma,
                    "deviations from 0 to 10000 voxels",
                )
            }),
            Self::LowResolution(step) => step.channels.iter().try_for_each(|(_, coarse)| {
                let fits = |axis: usize| (1..=size[axis].max(1)).contains(&coarse[axis]);
                require(
                    (0..3).all(fits),
                    "low_resolution",
                    "channels",
                    coarse,
                    "coarser sizes from 1 voxel to the image's own",
                )
            }),
            Self::HistogramShift(step) => require(
                step.points.iter().all(|point| point.is_finite()),
                "histogram_shift",
                "points",
                &step.points,
                "finite numbers",
            ),
            Self::Gibbs(step) => require(
                (0.0..=1.0).contains(&step.alpha),
                "gibbs",
                "alpha",
                step.alpha,
                "a share from 0 to 1",
            ),
            // Any number does: the result may be beyond what a float holds, and is then not finite.
            Self::Brightness(_)
            | Self::CoarseDropout(_)
            | Self::Contrast(_)
            | Self::Gamma(_)
            | Self::GaussianNoise(_)
            | Self::KSpaceSpike(_)
            | Self::RicianNoise(_)
            | Self::ScaleIntensity(_)
            | Self::Sharpen(_)
            | Self::ShiftIntensity(_) => Ok(()),
        }
    }
}
