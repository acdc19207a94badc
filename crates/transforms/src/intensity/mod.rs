//! Steps that change what a voxel holds and leave it where it is.

mod nnunet_normalization;

pub use nnunet_normalization::{
    ForegroundIntensity, NnUnetNormalization, NnUnetScheme, nonzero_mask,
};

use crate::{Error, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

/// Zero mean, unit standard deviation (population), each channel on its own: MONAI's
/// `NormalizeIntensity(channel_wise=True)`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ZScore {
    /// Take mean and deviation over nonzero voxels and change only those.
    pub nonzero: bool,
}

impl ZScore {
    /// The step; there is nothing random in it.
    pub fn step(&self) -> IntensityStep {
        IntensityStep::ZScore {
            nonzero: self.nonzero,
        }
    }
}

/// Multiplies by 1 + f, f uniform in `[-factor, factor]`: MONAI's `RandScaleIntensity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleIntensity {
    /// Largest |f|.
    pub factor: f32,
    /// How often it is done, 0 to 1.
    pub probability: f64,
}

impl Default for ScaleIntensity {
    fn default() -> Self {
        Self {
            factor: 0.1,
            probability: 0.5,
        }
    }
}

impl ScaleIntensity {
    pub(crate) fn check(&self) -> Result<()> {
        check_amount("scale_intensity", "factor", self.factor)?;
        check_probability("scale_intensity", self.probability)
    }

    pub(crate) fn sample(&self, rng: &mut ChaCha8Rng) -> Option<IntensityStep> {
        let factor = symmetric(rng, self.factor);
        rng.random_bool(self.probability)
            .then_some(IntensityStep::Scale {
                factor: 1.0 + factor,
            })
    }
}

/// Adds an offset uniform in `[-offset, offset]`: MONAI's `RandShiftIntensity`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShiftIntensity {
    /// Largest |offset|, in the units that the image has at this point of the chain.
    pub offset: f32,
    /// How often it is done, 0 to 1.
    pub probability: f64,
}

impl Default for ShiftIntensity {
    fn default() -> Self {
        Self {
            offset: 0.1,
            probability: 0.5,
        }
    }
}

impl ShiftIntensity {
    pub(crate) fn check(&self) -> Result<()> {
        check_amount("shift_intensity", "offset", self.offset)?;
        check_probability("shift_intensity", self.probability)
    }

    pub(crate) fn sample(&self, rng: &mut ChaCha8Rng) -> Option<IntensityStep> {
        let offset = symmetric(rng, self.offset);
        rng.random_bool(self.probability)
            .then_some(IntensityStep::Shift { offset })
    }
}

/// Adds Gaussian noise whose deviation is uniform in `[0, deviation]`: MONAI's `RandGaussianNoise`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNoise {
    /// Largest standard deviation, in the units that the image has at this point of the chain.
    pub deviation: f32,
    /// How often it is done, 0 to 1.
    pub probability: f64,
}

impl Default for GaussianNoise {
    fn default() -> Self {
        Self {
            deviation: 0.1,
            probability: 0.1,
        }
    }
}

impl GaussianNoise {
    pub(crate) fn check(&self) -> Result<()> {
        check_amount("gaussian_noise", "deviation", self.deviation)?;
        check_probability("gaussian_noise", self.probability)
    }

    pub(crate) fn sample(&self, rng: &mut ChaCha8Rng) -> Option<IntensityStep> {
        let deviation = rng.random::<f32>() * self.deviation;
        let seed = rng.random();
        rng.random_bool(self.probability)
            .then_some(IntensityStep::Noise { deviation, seed })
    }
}

/// A sampled change of intensities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntensityStep {
    /// Zero mean and unit deviation, each channel on its own.
    ZScore {
        /// Over nonzero voxels only.
        nonzero: bool,
    },
    /// Multiply.
    Scale {
        /// By this.
        factor: f32,
    },
    /// Add.
    Shift {
        /// This.
        offset: f32,
    },
    /// Add Gaussian noise.
    Noise {
        /// Its standard deviation.
        deviation: f32,
        /// The seed that its values follow from.
        seed: u64,
    },
}

impl IntensityStep {
    /// Changes the image in place.
    pub fn apply(&self, image: &mut Volume<f32>) {
        match *self {
            Self::ZScore { nonzero } => {
                (0..image.channels()).for_each(|c| z_score(image.channel_mut(c), nonzero));
            }
            Self::Scale { factor } => image.data_mut().iter_mut().for_each(|v| *v *= factor),
            Self::Shift { offset } => image.data_mut().iter_mut().for_each(|v| *v += offset),
            Self::Noise { deviation, seed } => add_noise(image.data_mut(), deviation, seed),
        }
    }
}

fn z_score(channel: &mut [f32], nonzero: bool) {
    let counts = |v: f32| !nonzero || v != 0.0;
    let (mut n, mut sum) = (0usize, 0.0f64);
    for &v in channel.iter().filter(|v| counts(**v)) {
        n += 1;
        sum += f64::from(v);
    }
    if n == 0 {
        return;
    }
    let mean = sum / n as f64;
    let squares: f64 = channel
        .iter()
        .filter(|v| counts(**v))
        .map(|&v| (f64::from(v) - mean).powi(2))
        .sum();
    let deviation = (squares / n as f64).sqrt();
    // A constant image becomes zero instead of infinite, as in the peers.
    let scale = if deviation > 0.0 {
        1.0 / deviation
    } else {
        1.0
    };
    for v in channel.iter_mut().filter(|v| counts(**v)) {
        *v = ((f64::from(*v) - mean) * scale) as f32;
    }
}

/// Box–Muller pairs from a generator of their own, so that the values do not depend on what else is drawn.
fn add_noise(data: &mut [f32], deviation: f32, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for pair in data.chunks_mut(2) {
        let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt() * deviation;
        let (sin, cos) = (std::f32::consts::TAU * rng.random::<f32>()).sin_cos();
        pair.iter_mut()
            .zip([radius * cos, radius * sin])
            .for_each(|(v, noise)| *v += noise);
    }
}

fn symmetric(rng: &mut ChaCha8Rng, largest: f32) -> f32 {
    (rng.random::<f32>() * 2.0 - 1.0) * largest
}

pub(crate) fn check_probability(transform: &'static str, probability: f64) -> Result<()> {
    if (0.0..=1.0).contains(&probability) {
        return Ok(());
    }
    let (key, expected) = ("probability", "a number from 0 to 1");
    Err(Error::BadValue {
        transform,
        key,
        found: probability.to_string(),
        expected,
    })
}

fn check_amount(transform: &'static str, key: &'static str, amount: f32) -> Result<()> {
    if amount.is_finite() && amount >= 0.0 {
        return Ok(());
    }
    let expected = "a number that is not negative";
    Err(Error::BadValue {
        transform,
        key,
        found: amount.to_string(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    fn ramp() -> Volume<f32> {
        let g = Geometry::axis_aligned([5, 4, 3], [1.0; 3]).unwrap();
        Volume::from_fn(g, |[x, y, z]| (x + 5 * y + 20 * z) as f32)
    }

    #[test]
    fn z_score_gives_zero_mean_and_unit_deviation() {
        let mut v = ramp();
        ZScore::default().step().apply(&mut v);
        let n = v.data().len() as f32;
        let mean = v.data().iter().sum::<f32>() / n;
        let variance = v.data().iter().map(|a| (a - mean).powi(2)).sum::<f32>() / n;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5);
        let mut nonzero = ramp();
        ZScore { nonzero: true }.step().apply(&mut nonzero);
        assert_eq!(nonzero.data()[0], 0.0);
        let mut constant = ramp().map(|_| 3.0);
        ZScore::default().step().apply(&mut constant);
        assert!(constant.data().iter().all(|&v| v == 0.0));
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_repeats() {
        let g = Geometry::axis_aligned([40, 40, 40], [1.0; 3]).unwrap();
        let step = IntensityStep::Noise {
            deviation: 2.0,
            seed: 7,
        };
        let (mut a, mut b) = (Volume::filled(g, 0.0f32), Volume::filled(g, 0.0f32));
        step.apply(&mut a);
        step.apply(&mut b);
        assert_eq!(a, b);
        let variance = a.data().iter().map(|v| v * v).sum::<f32>() / a.data().len() as f32;
        assert!((variance.sqrt() - 2.0).abs() < 0.05, "{variance}");
    }
}
