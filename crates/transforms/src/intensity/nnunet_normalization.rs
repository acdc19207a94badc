//! nnU-Net's five normalisations, one scheme per channel, as `nnunetv2` 2.8.1 applies them after its crop
//! to nonzero and before its resampling.

use super::IntensityStep;
use crate::config::config;
use crate::transform::Configured;
use crate::{Context, Error, Result, Step};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_filters::{HoleOptions, fill_holes};
use vesalius_volume::{LabelMap, Volume};

/// Deviations below this count as this.
const SMALLEST_DEVIATION: f64 = 1e-8;

config! {
    /// nnU-Net's normalisation: one scheme per channel of the image, in order.
    NnUnetNormalization, "nnunet_normalization", {
        /// The channels' schemes.
        channels: Vec<NnUnetScheme> = Vec::new(),
    }
}

/// How one channel is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NnUnetScheme {
    /// `CTNormalization`: clip to the dataset's percentiles, then its mean and deviation.
    Ct(ForegroundIntensity),
    /// `ZScoreNormalization`: zero mean, unit deviation of this image.
    ZScore {
        /// `use_mask_for_norm`: over the nonzero region (any channel, holes filled), and change only that.
        masked: bool,
    },
    /// `NoNormalization`.
    None,
    /// `RescaleTo01Normalization`: the image's own range to 0 … 1.
    RescaleTo01,
    /// `RGBTo01Normalization`: a byte's range to 0 … 1.
    RgbTo01,
}

/// A channel of `foreground_intensity_properties_per_channel`, as far as normalising needs it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForegroundIntensity {
    /// Mean over the dataset's foreground.
    pub mean: f64,
    /// Standard deviation over the dataset's foreground (`std`).
    pub standard_deviation: f64,
    /// Values below are raised to this.
    pub percentile_00_5: f64,
    /// Values above are lowered to this.
    pub percentile_99_5: f64,
}

impl NnUnetScheme {
    /// The same by the voxels inside the mask of what is not zero (`use_mask_for_norm` of a plans file), which
    /// only `ZScoreNormalization` uses.
    #[must_use]
    pub fn within_mask(self) -> Self {
        match self {
            Self::ZScore { .. } => Self::ZScore { masked: true },
            other => other,
        }
    }

    /// The scheme that `normalization_schemes` of a plans file names, of all voxels; the intensities are needed for
    /// `CTNormalization` alone.
    ///
    /// # Errors
    /// [`Error::BadValue`] for a name that is not one of the five, or for CT without intensities.
    ///
    /// ```
    /// use vesalius_transforms::{ForegroundIntensity, NnUnetScheme};
    ///
    /// assert_eq!(NnUnetScheme::named("ZScoreNormalization", None)?, NnUnetScheme::ZScore { masked: false });
    /// // CT needs the intensities of the dataset.
    /// assert!(NnUnetScheme::named("CTNormalization", None).is_err());
    /// let intensity = ForegroundIntensity {
    ///     mean: 100.0,
    ///     standard_deviation: 50.0,
    ///     percentile_00_5: -50.0,
    ///     percentile_99_5: 250.0,
    /// };
    /// assert_eq!(NnUnetScheme::named("CTNormalization", Some(intensity))?, NnUnetScheme::Ct(intensity));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn named(name: &str, intensity: Option<ForegroundIntensity>) -> Result<Self> {
        match name {
            "CTNormalization" => intensity.map(Self::Ct).ok_or_else(|| Error::BadValue {
                transform: NnUnetNormalization::NAME,
                key: "channels",
                found: "CTNormalization without foreground intensities".to_owned(),
                expected: "mean, deviation and percentiles of the dataset's foreground",
            }),
            "ZScoreNormalization" => Ok(Self::ZScore { masked: false }),
            "NoNormalization" => Ok(Self::None),
            "RescaleTo01Normalization" => Ok(Self::RescaleTo01),
            "RGBTo01Normalization" => Ok(Self::RgbTo01),
            _ => Err(Error::BadValue {
                transform: NnUnetNormalization::NAME,
                key: "channels",
                found: format!("the scheme {name}"),
                expected: "CTNormalization, ZScoreNormalization, NoNormalization, \
                           RescaleTo01Normalization or RGBTo01Normalization",
            }),
        }
    }
}

impl Configured for NnUnetNormalization {
    fn check(&self) -> Result<()> {
        let bad = |found: String, expected| {
            Err(Error::BadValue {
                transform: NnUnetNormalization::NAME,
                key: "channels",
                found,
                expected,
            })
        };
        if self.channels.is_empty() {
            return bad("an empty list".to_owned(), "one scheme a channel");
        }
        for scheme in &self.channels {
            if let NnUnetScheme::Ct(c) = scheme {
                let numbers = [
                    c.mean,
                    c.standard_deviation,
                    c.percentile_00_5,
                    c.percentile_99_5,
                ];
                if numbers.iter().any(|v| !v.is_finite())
                    || c.standard_deviation < 0.0
                    || c.percentile_00_5 > c.percentile_99_5
                {
                    return bad(
                        format!("{c:?}"),
                        "finite numbers, a deviation of 0 or more, percentiles in rising order",
                    );
                }
            }
        }
        Ok(())
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Intensity(IntensityStep::NnUnetNormalization(
            self.clone(),
        ))])
    }
}

impl NnUnetNormalization {
    /// Normalises every channel in place. A masked z-score counts the nonzero region and, where labels
    /// are known, what they mark.
    ///
    /// # Errors
    /// Another number of channels than schemes; values outside of a byte's range for `rgb_to_01`.
    pub fn apply(&self, image: &mut Volume<f32>, labels: Option<&LabelMap>) -> Result<()> {
        self.check()?;
        if self.channels.len() != image.channels() {
            return Err(Error::BadValue {
                transform: NnUnetNormalization::NAME,
                key: "channels",
                found: format!(
                    "{} for {}",
                    vesalius_volume::counted(self.channels.len(), "scheme"),
                    vesalius_volume::counted(image.channels(), "channel")
                ),
                expected: "one scheme a channel of the image",
            });
        }
        let masked =
            |scheme: &NnUnetScheme| matches!(scheme, NnUnetScheme::ZScore { masked: true });
        // The mask is that of the unchanged image, independent of the order of channels.
        let mask = match self.channels.iter().any(masked) {
            true => Some(normalisation_mask(image, labels)?),
            false => None,
        };
        for (c, scheme) in self.channels.iter().enumerate() {
            let mask = mask.as_deref().filter(|_| masked(scheme));
            scheme.apply(image.channel_mut(c), mask)?;
        }
        Ok(())
    }
}

impl NnUnetScheme {
    fn apply(&self, values: &mut [f32], mask: Option<&[u8]>) -> Result<()> {
        match self {
            Self::None => {}
            Self::Ct(c) => {
                let (low, high) = (c.percentile_00_5 as f32, c.percentile_99_5 as f32);
                let (mean, deviation) = (
                    c.mean as f32,
                    c.standard_deviation.max(SMALLEST_DEVIATION) as f32,
                );
                values
                    .iter_mut()
                    .for_each(|v| *v = (v.clamp(low, high) - mean) / deviation);
            }
            Self::ZScore { .. } => z_score(values, mask),
            Self::RescaleTo01 => {
                let low = values.iter().copied().fold(f32::INFINITY, f32::min);
                let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let range = (high - low).max(SMALLEST_DEVIATION as f32);
                values.iter_mut().for_each(|v| *v = (*v - low) / range);
            }
            Self::RgbTo01 => {
                if let Some(v) = values.iter().find(|v| !(0.0..=255.0).contains(*v)) {
                    return Err(Error::BadValue {
                        transform: NnUnetNormalization::NAME,
                        key: "rgb_to_01",
                        found: format!("for an image with the value {v}"),
                        expected: "an image of bytes, 0 to 255; choose another scheme",
                    });
                }
                values.iter_mut().for_each(|v| *v /= 255.0);
            }
        }
        Ok(())
    }
}

fn z_score(values: &mut [f32], mask: Option<&[u8]>) {
    let counts = |i: usize| mask.is_none_or(|mask| mask[i] != 0);
    let chosen = |values: &[f32], add: &mut dyn FnMut(f64)| {
        for (i, &v) in values.iter().enumerate() {
            if counts(i) {
                add(f64::from(v));
            }
        }
    };
    let (mut count, mut sum, mut squares) = (0usize, 0.0, 0.0);
    chosen(values, &mut |v| {
        count += 1;
        sum += v;
    });
    if count == 0 {
        return;
    }
    let mean = sum / count as f64;
    chosen(values, &mut |v| squares += (v - mean).powi(2));
    let deviation = (squares / count as f64).sqrt().max(SMALLEST_DEVIATION);
    for (i, v) in values.iter_mut().enumerate() {
        if counts(i) {
            *v = ((f64::from(*v) - mean) / deviation) as f32;
        }
    }
}

/// The nonzero region, and what is labelled.
fn normalisation_mask(image: &Volume<f32>, labels: Option<&LabelMap>) -> Result<Vec<u8>> {
    let mut mask = nonzero_mask(image)?.into_data();
    if let Some(labels) = labels {
        image
            .geometry()
            .check_same(labels.geometry(), "image and labels")?;
        mask.iter_mut()
            .zip(labels.data())
            .for_each(|(m, l)| *m |= u8::from(*l != 0));
    }
    Ok(mask)
}

/// 1 where any channel is not zero, and in the holes of that: nnU-Net's `create_nonzero_mask`.
///
/// # Errors
/// A volume too large for its runs to be counted.
///
/// ```
/// use vesalius_transforms::nonzero_mask;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
/// let image = Volume::new(grid, 1, vec![0.0, 3.0, -1.0, 0.0, 0.0])?;
/// assert_eq!(nonzero_mask(&image)?.data(), [0, 1, 1, 0, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn nonzero_mask(image: &Volume<f32>) -> Result<LabelMap<u8>> {
    let mut mask = vec![0u8; image.geometry().voxel_count()];
    for c in 0..image.channels() {
        mask.iter_mut()
            .zip(image.channel(c))
            .for_each(|(m, v)| *m |= u8::from(*v != 0.0));
    }
    let mask = LabelMap::new(*image.geometry(), mask)?;
    Ok(fill_holes(&mask, &HoleOptions::default())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    fn image(value: impl Fn(usize) -> f32, channels: usize) -> Volume<f32> {
        let g = Geometry::axis_aligned([6, 5, 4], [1.0; 3]).unwrap();
        Volume::new(g, channels, (0..120 * channels).map(value).collect()).unwrap()
    }

    #[test]
    fn a_masked_score_leaves_the_outside_at_zero_and_counts_holes() {
        // Zero on the border, a zero in the middle of the rest.
        let g = Geometry::axis_aligned([7, 7, 7], [1.0; 3]).unwrap();
        let mut v = Volume::from_fn(g, |[x, y, z]| {
            let inside = [x, y, z].iter().all(|&i| i > 0 && i < 6);
            if inside && [x, y, z] != [3, 3, 3] {
                (x + 2 * y) as f32
            } else {
                0.0
            }
        });
        let scheme = NnUnetNormalization {
            channels: vec![NnUnetScheme::ZScore { masked: true }],
        };
        scheme.apply(&mut v, None).unwrap();
        assert_eq!(v.data()[0], 0.0);
        let hole = v.data()[g.offset([3, 3, 3])];
        assert!(hole < -1.0, "{hole}");
        let inside: Vec<f32> = v.data().iter().copied().filter(|v| *v != 0.0).collect();
        let mean = inside.iter().sum::<f32>() / inside.len() as f32;
        assert!(mean.abs() < 1e-6 && inside.len() == 125);
    }

    #[test]
    fn names_of_plans_are_understood_and_others_refused() {
        let ct = ForegroundIntensity {
            mean: 100.0,
            standard_deviation: 50.0,
            percentile_00_5: 0.0,
            percentile_99_5: 200.0,
        };
        let mut v = image(|i| i as f32 * 10.0 - 100.0, 1);
        let scheme = NnUnetScheme::named("CTNormalization", Some(ct)).unwrap();
        NnUnetNormalization {
            channels: vec![scheme],
        }
        .apply(&mut v, None)
        .unwrap();
        assert_eq!((v.data()[0], v.data()[20], v.data()[119]), (-2.0, 0.0, 2.0));
        let error = NnUnetScheme::named("CTNormalization", None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("foreground"), "{error}");
        let error = NnUnetScheme::named("MyNormalization", None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("MyNormalization") && error.contains("RescaleTo01"),
            "{error}"
        );
    }

    #[test]
    fn channels_and_bytes_are_checked() {
        let two = NnUnetNormalization {
            channels: vec![NnUnetScheme::None, NnUnetScheme::RgbTo01],
        };
        let error = two
            .apply(&mut image(|i| i as f32, 1), None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("2 schemes for 1 channel"), "{error}");
        let error = two
            .apply(&mut image(|i| i as f32 * 3.0, 2), None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("0 to 255"), "{error}");
        let mut v = image(|i| i as f32, 2);
        two.apply(&mut v, None).unwrap();
        assert_eq!((v.data()[7], v.channel(1)[0]), (7.0, 120.0 / 255.0));
    }
}
