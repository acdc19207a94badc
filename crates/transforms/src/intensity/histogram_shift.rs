//! A random monotone change of the histogram.

use super::IntensityStep;
use super::statistics::Statistics;
use crate::config::{check_probability, config, require};
use crate::random::between;
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vesalius_volume::Volume;

config! {
    /// Moves control points of the intensity range at random, in their order, and the values between them
    /// linearly with them (MONAI's `RandHistogramShift`).
    HistogramShift, "histogram_shift", {
        /// Fewest and most control points, the ends included.
        control_points: [usize; 2] = [10, 10],
        /// How often it is done, 0 to 1.
        probability: f64 = 0.1,
    }
}

impl Configured for HistogramShift {
    fn check(&self) -> Result<()> {
        let [few, many] = self.control_points;
        let fine = 3 <= few && few <= many && many <= 10_000;
        require(
            fine,
            Self::NAME,
            "control_points",
            self.control_points,
            "two numbers of 3 or more in rising order",
        )?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, _: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let count = rng.random_range(self.control_points[0]..=self.control_points[1]);
        let mut points: Vec<f64> = (0..count).map(|i| i as f64 / (count - 1) as f64).collect();
        for i in 1..count - 1 {
            points[i] = between(rng, [points[i - 1], points[i + 1]]);
        }
        let step = Step::Intensity(IntensityStep::HistogramShift(HistogramShiftStep { points }));
        Ok(rng
            .random_bool(self.probability)
            .then_some(step)
            .into_iter()
            .collect())
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistogramShiftStep {
    /// What evenly spaced points of the range 0 … 1 become, in rising order.
    pub points: Vec<f64>,
}

impl HistogramShiftStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let found = Statistics::of(image.data());
        let (low, range) = (
            f64::from(found.low),
            f64::from(found.high) - f64::from(found.low),
        );
        let cells = self.points.len().saturating_sub(1);
        // The nan of an empty image and a constant one stay as they are.
        if cells == 0 || range.is_nan() || range <= 0.0 {
            return Ok(());
        }
        image.data_mut().par_iter_mut().for_each(|v| {
            let at = ((f64::from(*v) - low) / range).clamp(0.0, 1.0) * cells as f64;
            let cell = (at as usize).min(cells - 1);
            let (a, b) = (self.points[cell], self.points[cell + 1]);
            *v = (low + range * (a + (b - a) * (at - cell as f64))) as f32;
        });
        Ok(())
    }
}
