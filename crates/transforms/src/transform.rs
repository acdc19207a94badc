//! The closed set of transforms, one YAML name each.

use crate::{
    CropNonzero, Flip, GaussianNoise, NnUnetNormalization, Orient, Result, ScaleIntensity,
    ShiftIntensity, Spacing, Step, ZScore,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Subject;

/// A configured transform: a distribution over [`Step`]s, written in YAML as one name with its keys,
/// such as `- flip: {axes: [x, y], probability: 0.5}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// Turn the axes to named directions.
    Orient(Orient),
    /// Resample to a spacing.
    Spacing(Spacing),
    /// Crop to what is not zero.
    CropNonzero(CropNonzero),
    /// Mirror along axes.
    Flip(Flip),
    /// nnU-Net's normalisation, a scheme a channel.
    #[serde(rename = "nnunet_normalization")]
    NnUnetNormalization(NnUnetNormalization),
    /// Zero mean, unit standard deviation.
    ZScore(ZScore),
    /// Multiply by 1 + a random factor.
    ScaleIntensity(ScaleIntensity),
    /// Add a random offset.
    ShiftIntensity(ShiftIntensity),
    /// Add Gaussian noise.
    GaussianNoise(GaussianNoise),
}

impl Transform {
    /// The transform's YAML name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Orient(_) => "orient",
            Self::Spacing(_) => "spacing",
            Self::CropNonzero(_) => "crop_nonzero",
            Self::NnUnetNormalization(_) => "nnunet_normalization",
            Self::Flip(_) => "flip",
            Self::ZScore(_) => "z_score",
            Self::ScaleIntensity(_) => "scale_intensity",
            Self::ShiftIntensity(_) => "shift_intensity",
            Self::GaussianNoise(_) => "gaussian_noise",
        }
    }

    /// Nothing when every value is in range.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`], which names the transform and the key.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Orient(t) => t.check(),
            Self::Spacing(t) => t.check(),
            Self::Flip(t) => t.check(),
            Self::ZScore(_) | Self::CropNonzero(_) => Ok(()),
            Self::NnUnetNormalization(t) => t.check(),
            Self::ScaleIntensity(t) => t.check(),
            Self::ShiftIntensity(t) => t.check(),
            Self::GaussianNoise(t) => t.check(),
        }
    }

    /// Draws what to do with this case; `None` when the draw says to leave it.
    ///
    /// # Errors
    /// As [`Transform::check`].
    pub fn sample(&self, subject: &Subject, rng: &mut ChaCha8Rng) -> Result<Option<Step>> {
        self.check()?;
        Ok(match self {
            Self::Orient(t) => Some(Step::Grid(t.step()?)),
            Self::Spacing(t) => Some(Step::Grid(t.step(subject.geometry())?)),
            Self::CropNonzero(t) => Some(Step::Grid(t.step(subject.image())?)),
            Self::NnUnetNormalization(t) => Some(Step::NnUnetNormalization(t.clone())),
            Self::Flip(t) => t.sample(rng).map(Step::Grid),
            Self::ZScore(t) => Some(Step::Intensity(t.step())),
            Self::ScaleIntensity(t) => t.sample(rng).map(Step::Intensity),
            Self::ShiftIntensity(t) => t.sample(rng).map(Step::Intensity),
            Self::GaussianNoise(t) => t.sample(rng).map(Step::Intensity),
        })
    }

    /// Whether two draws can differ: such a transform belongs to augmentation, not preprocessing.
    pub fn is_random(&self) -> bool {
        matches!(
            self,
            Self::Flip(_)
                | Self::ScaleIntensity(_)
                | Self::ShiftIntensity(_)
                | Self::GaussianNoise(_)
        )
    }
}
