//! Histogram matching to a reference.

use super::IntensityStep;
use super::scale_percentiles::percentiles;
use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use vesalius_volume::Volume;

config! {
    /// Maps percentiles of each channel to those of a reference, linear in between: L.
    /// Nyúl, J. Udupa and X. Zhang, "New variants of a method of MRI scale standardization", 2000.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::new(grid, 1, vec![1.0, 2.0, 3.0])?;
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- match_histogram: {percentiles: [0, 50, 100], values: [0, 100, 300]}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [0.0, 100.0, 300.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    MatchHistogram, "match_histogram", {
        /// Percentiles, 0 to 100, in rising order.
        percentiles: Vec<f64> = vec![0.5, 10.0, 25.0, 50.0, 75.0, 90.0, 99.5],
        /// The reference's intensities at them; [`MatchHistogram::to`] computes them from an image.
        values: Vec<f64> = Vec::new(),
        /// Percentiles of the voxels that are not zero, and change only those.
        nonzero: bool = false,
    }
}

impl MatchHistogram {
    /// The match to the first channel of a reference, at these percentiles.
    ///
    /// ```
    /// use vesalius_transforms::MatchHistogram;
    /// use vesalius_volume::{Geometry, Volume};
    ///
    /// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
    /// let reference = Volume::new(grid, 1, vec![0.0, 10.0, 20.0, 30.0, 40.0])?;
    /// let config = MatchHistogram::to(&reference, vec![0.0, 50.0, 100.0]);
    /// assert_eq!(config.values, [0.0, 20.0, 40.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to(reference: &Volume<f32>, percentiles: Vec<f64>) -> Self {
        Self::of(reference, percentiles, false)
    }

    /// [`MatchHistogram::to`] by the voxels that are not zero, and of those alone.
    pub fn to_nonzero(reference: &Volume<f32>, percentiles: Vec<f64>) -> Self {
        Self::of(reference, percentiles, true)
    }

    fn of(reference: &Volume<f32>, percentiles: Vec<f64>, nonzero: bool) -> Self {
        let mut counted = counted(reference.channel(0), nonzero);
        let values = marks(&mut counted, &percentiles);
        Self {
            percentiles,
            values,
            nonzero,
        }
    }

    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        for channel in 0..image.channels() {
            let values = image.channel_mut(channel);
            let from = marks(&mut counted(values, self.nonzero), &self.percentiles);
            if from.len() == self.values.len() {
                let chosen = values
                    .par_iter_mut()
                    .filter(|v| !self.nonzero || **v != 0.0);
                chosen.for_each(|v| *v = moved(f64::from(*v), &from, &self.values) as f32);
            }
        }
        Ok(())
    }
}

fn counted(values: &[f32], nonzero: bool) -> Vec<f32> {
    values
        .iter()
        .copied()
        .filter(|v| !nonzero || *v != 0.0)
        .collect()
}

/// The intensities at percentiles; none of nothing.
fn marks(values: &mut [f32], shares: &[f64]) -> Vec<f64> {
    shares
        .iter()
        .filter_map(|s| Some(percentiles(values, [*s, *s])?[0]))
        .collect()
}

/// Linear between the marks; beyond the ends the outermost pieces are continued.
fn moved(value: f64, from: &[f64], to: &[f64]) -> f64 {
    let piece = from
        .partition_point(|mark| *mark <= value)
        .clamp(1, from.len() - 1)
        - 1;
    let width = from[piece + 1] - from[piece];
    let slope = if width > 0.0 {
        (to[piece + 1] - to[piece]) / width
    } else {
        0.0
    };
    to[piece] + (value - from[piece]) * slope
}

impl Configured for MatchHistogram {
    fn check(&self) -> Result<()> {
        let rising =
            |v: &[f64]| v.windows(2).all(|w| w[0] <= w[1]) && v.iter().all(|v| v.is_finite());
        let inside = self.percentiles.iter().all(|p| (0.0..=100.0).contains(p));
        let fine = self.percentiles.len() >= 2 && rising(&self.percentiles) && inside;
        require(
            fine,
            Self::NAME,
            "percentiles",
            &self.percentiles,
            "two or more from 0 to 100, in rising order",
        )?;
        let fine = self.values.len() == self.percentiles.len() && rising(&self.values);
        require(
            fine,
            Self::NAME,
            "values",
            &self.values,
            "one intensity a percentile, in rising order",
        )
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, _: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        Ok(vec![Step::Intensity(IntensityStep::MatchHistogram(
            self.clone(),
        ))])
    }
}
