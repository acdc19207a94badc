//! Steps that change values and keep positions.

mod bias_field;
mod blur;
mod brightness;
mod clip;
mod coarse_dropout;
mod contrast;
mod cut_out;
mod fourier;
mod gamma;
mod gaussian_noise;
mod gibbs;
mod histogram_shift;
mod k_space_spike;
mod limits;
mod match_histogram;
mod nnunet_normalization;
mod numeric;
mod rician_noise;
mod scale_intensity;
mod scale_min_max;
mod scale_percentiles;
mod sharpen;
mod shift_intensity;
mod statistics;
mod window;
mod z_score;

pub use bias_field::{BiasField, BiasFieldStep};
pub use blur::{Blur, BlurStep};
pub use brightness::{Brightness, BrightnessStep};
pub use clip::Clip;
pub use coarse_dropout::{CoarseDropout, CoarseDropoutStep};
pub use contrast::{Contrast, ContrastStep};
pub use cut_out::CutOut;
pub use gamma::{Gamma, GammaStep};
pub use gaussian_noise::{GaussianNoise, GaussianNoiseStep};
pub use gibbs::{Gibbs, GibbsStep};
pub use histogram_shift::{HistogramShift, HistogramShiftStep};
pub use k_space_spike::{KSpaceSpike, KSpaceSpikeStep};
pub use match_histogram::MatchHistogram;
pub use nnunet_normalization::{
    ForegroundIntensity, NnUnetNormalization, NnUnetScheme, nonzero_mask,
};
pub use rician_noise::{RicianNoise, RicianNoiseStep};
pub use scale_intensity::{ScaleIntensity, ScaleIntensityStep};
pub use scale_min_max::ScaleMinMax;
pub use scale_percentiles::ScalePercentiles;
pub use sharpen::{Sharpen, SharpenStep};
pub use shift_intensity::{ShiftIntensity, ShiftIntensityStep};
pub use window::Window;
pub use z_score::ZScore;

use crate::Result;
use crate::grid::LowResolutionStep;
use serde::{Deserialize, Serialize};
use vesalius_volume::{LabelMap, Volume};

/// A sampled change of intensities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // Each is the step of the transform of its name.
#[non_exhaustive]
pub enum IntensityStep {
    BiasField(BiasFieldStep),
    Blur(BlurStep),
    Brightness(BrightnessStep),
    Clip(Clip),
    CoarseDropout(CoarseDropoutStep),
    Contrast(ContrastStep),
    Gamma(GammaStep),
    GaussianNoise(GaussianNoiseStep),
    Gibbs(GibbsStep),
    HistogramShift(HistogramShiftStep),
    KSpaceSpike(KSpaceSpikeStep),
    LowResolution(LowResolutionStep),
    MatchHistogram(MatchHistogram),
    #[serde(rename = "nnunet_normalization")]
    NnUnetNormalization(NnUnetNormalization),
    RicianNoise(RicianNoiseStep),
    ScaleIntensity(ScaleIntensityStep),
    ScaleMinMax(ScaleMinMax),
    ScalePercentiles(ScalePercentiles),
    Sharpen(SharpenStep),
    ShiftIntensity(ShiftIntensityStep),
    Window(Window),
    ZScore(ZScore),
}

impl IntensityStep {
    /// Changes the image in place; a step that needs labels reads which voxels count from them.
    ///
    /// # Errors
    /// Numbers out of range, or an image that the step does not fit.
    pub fn apply(&self, image: &mut Volume<f32>, labels: Option<&LabelMap>) -> Result<()> {
        self.check(image.geometry().size())?;
        match self {
            Self::BiasField(step) => step.apply(image),
            Self::Blur(step) => step.apply(image),
            Self::Brightness(step) => step.apply(image),
            Self::Clip(step) => step.apply(image),
            Self::CoarseDropout(step) => step.apply(image),
            Self::Contrast(step) => step.apply(image),
            Self::Gamma(step) => step.apply(image),
            Self::GaussianNoise(step) => step.apply(image),
            Self::Gibbs(step) => step.apply(image),
            Self::HistogramShift(step) => step.apply(image),
            Self::KSpaceSpike(step) => step.apply(image),
            Self::LowResolution(step) => step.apply(image),
            Self::MatchHistogram(step) => step.apply(image),
            Self::NnUnetNormalization(step) => step.apply(image, labels),
            Self::RicianNoise(step) => step.apply(image),
            Self::ScaleIntensity(step) => step.apply(image),
            Self::ScaleMinMax(step) => step.apply(image),
            Self::ScalePercentiles(step) => step.apply(image),
            Self::Sharpen(step) => step.apply(image),
            Self::ShiftIntensity(step) => step.apply(image),
            Self::Window(step) => step.apply(image),
            Self::ZScore(step) => step.apply(image, labels),
        }
    }
}
