//! How the learning rate falls over a run.

use serde::{Deserialize, Serialize};

/// A schedule of the learning rate over the steps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// The same rate throughout.
    Constant,
    /// rate · (1 - step / steps)^power, as nnU-Net's `PolyLRScheduler`.
    Poly {
        /// The power; nnU-Net's is 0.9.
        power: f64,
    },
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Poly { power: 0.9 }
    }
}

impl Schedule {
    /// The rate at `step` (from 0) of `steps`. Before the number of steps is known, the first rate.
    pub fn rate(&self, initial: f64, step: u64, steps: Option<u64>) -> f64 {
        match (self, steps) {
            (Self::Constant, _) | (_, None) => initial,
            (Self::Poly { power }, Some(steps)) => {
                initial * (1.0 - step.min(steps) as f64 / steps.max(1) as f64).powf(*power)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poly_falls_from_the_first_rate_to_zero() {
        let poly = Schedule::default();
        assert_eq!(poly.rate(0.01, 0, Some(1000)), 0.01);
        // nnU-Net: 0.01 * (1 - 500/1000) ** 0.9
        assert!((poly.rate(0.01, 500, Some(1000)) - 0.005_358_867_312_681_466).abs() < 1e-15);
        assert_eq!(poly.rate(0.01, 1000, Some(1000)), 0.0);
        assert_eq!(poly.rate(0.01, 10, None), 0.01);
    }
}
