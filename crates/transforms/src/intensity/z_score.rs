//! Zero mean, unit standard deviation.

use super::IntensityStep;
use super::statistics::{Statistics, for_blocks, scale_shift};
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Error, Result, Step};
use rand_chacha::ChaCha8Rng;
use vesalius_volume::{LabelMap, Volume};

config! {
    /// Zero mean, unit standard deviation (population): MONAI's `NormalizeIntensity`.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![1.0, 3.0, 1.0, 3.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- z_score")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [-1.0, 1.0, -1.0, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ZScore, "z_score", {
        /// Take mean and deviation over nonzero voxels and change only those.
        nonzero: bool = false,
        /// Take mean and deviation over labelled voxels; every voxel changes.
        labelled: bool = false,
        /// Each channel separately instead of all together.
        per_channel: bool = true,
        /// In place of the mean: one value, or one for each channel (MONAI's `subtrahend`).
        subtract: Vec<f64> = Vec::new(),
        /// In place of the deviation: one value, or one for each channel (MONAI's `divisor`); 0 divides by 1.
        divide: Vec<f64> = Vec::new(),
    }
}

impl Configured for ZScore {
    fn check(&self) -> Result<()> {
        let found = (self.nonzero, self.labelled);
        require(
            found != (true, true),
            Self::NAME,
            "nonzero, labelled",
            found,
            "one of the two at most",
        )?;
        for (key, given) in [("subtract", &self.subtract), ("divide", &self.divide)] {
            let fits = self.per_channel || given.len() <= 1;
            require(
                fits && given.iter().all(|v| v.is_finite()),
                Self::NAME,
                key,
                given,
                "finite numbers: one, or with `per_channel` one for each channel",
            )?;
        }
        Ok(())
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Intensity(IntensityStep::ZScore(self.clone()))])
    }
}

impl ZScore {
    pub(crate) fn apply(&self, image: &mut Volume<f32>, labels: Option<&LabelMap>) -> Result<()> {
        if self.labelled && labels.is_none() {
            return Err(Error::NoLabels {
                case: "at hand".to_owned(),
                what: "z_score with `labelled: true`",
            });
        }
        let labels = labels.filter(|_| self.labelled).map(LabelMap::data);
        let voxels = image.geometry().voxel_count();
        let part = if self.per_channel {
            voxels
        } else {
            image.data().len()
        };
        for (key, given) in [("subtract", &self.subtract), ("divide", &self.divide)] {
            let channels = image.channels();
            let expected = "one value, or one for each channel of the image";
            require(
                given.len() <= 1 || given.len() == channels,
                Self::NAME,
                key,
                given,
                expected,
            )?;
        }
        for (channel, values) in image.data_mut().chunks_mut(part.max(1)).enumerate() {
            let statistics = match (labels, self.nonzero) {
                (None, false) => Statistics::of(values),
                _ => {
                    let counts = |i: usize, v: f32| match labels {
                        Some(labels) => labels[i % voxels] != 0,
                        None => v != 0.0,
                    };
                    let counted = values.iter().enumerate().filter(|(i, v)| counts(*i, **v));
                    Statistics::of(&counted.map(|(_, v)| *v).collect::<Vec<f32>>())
                }
            };
            self.change(values, &statistics, channel);
        }
        Ok(())
    }

    fn change(&self, values: &mut [f32], statistics: &Statistics, channel: usize) {
        if statistics.count == 0 {
            return;
        }
        // A constant image becomes zero instead of infinite, as in the reference implementations.
        let deviation = given(&self.divide, channel).unwrap_or_else(|| statistics.deviation());
        let scale = if deviation != 0.0 {
            1.0 / deviation
        } else {
            1.0
        };
        let mean = given(&self.subtract, channel).unwrap_or_else(|| statistics.mean());
        match self.nonzero {
            true => values.iter_mut().filter(|v| **v != 0.0).for_each(|v| {
                *v = ((f64::from(*v) - mean) * scale) as f32;
            }),
            false if deviation == 0.0 => values.iter_mut().for_each(|v| *v -= mean as f32),
            false => for_blocks(values, |v| {
                scale_shift(v, scale as f32, (-mean * scale) as f32)
            }),
        }
    }
}

/// What a list has for a channel: its only value, or the channel's own.
fn given(values: &[f64], channel: usize) -> Option<f64> {
    match values {
        [one] => Some(*one),
        several => several.get(channel).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn given_numbers_stand_for_mean_and_deviation() {
        let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3]).unwrap();
        let image = Volume::new(grid, 2, vec![0.0, 4.0, 0.0, 9.0]).unwrap();
        let applied = |text: &str| {
            let step: ZScore = serde_saphyr::from_str(text).unwrap();
            step.check().unwrap();
            let mut image = image.clone();
            step.apply(&mut image, None).map(|()| image.into_data())
        };
        assert_eq!(
            applied("{subtract: [2], divide: [2, 0]}").unwrap(),
            [-1.0, 1.0, -2.0, 7.0]
        );
        assert_eq!(
            applied("{nonzero: true, subtract: [1], divide: [3]}").unwrap(),
            [0.0, 1.0, 0.0, 8.0 / 3.0]
        );
        let three = applied("{subtract: [1, 2, 3]}").unwrap_err().to_string();
        assert!(three.contains("each channel"), "{three}");
        let together: ZScore =
            serde_saphyr::from_str("{per_channel: false, divide: [1, 2]}").unwrap();
        assert!(together.check().is_err());
    }
}
