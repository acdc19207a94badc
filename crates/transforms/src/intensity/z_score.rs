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
        )
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
        for values in image.data_mut().chunks_mut(part.max(1)) {
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
            self.change(values, &statistics);
        }
        Ok(())
    }

    fn change(&self, values: &mut [f32], statistics: &Statistics) {
        if statistics.count == 0 {
            return;
        }
        // A constant image becomes zero instead of infinite, as in the reference implementations.
        let deviation = statistics.deviation();
        let scale = if deviation > 0.0 {
            1.0 / deviation
        } else {
            1.0
        };
        let mean = statistics.mean();
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
