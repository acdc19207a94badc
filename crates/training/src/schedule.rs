//! How the learning rate rises and falls over a run.

use crate::Result;
use crate::config::bad;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;
use std::sync::Arc;
use vesalius_registry::{Custom, Registry};

/// A user-defined schedule. It is set in a config by [`Schedule::custom`], or by name through a [`Registry`]; see
/// [`RegisterSchedule`].
pub trait CustomSchedule: Send + Sync {
    /// What the optimiser's learning rate is multiplied by at `step` (from 0) of `steps`, which are unknown while a run
    /// of so many minutes measures its speed. It depends on nothing else, so that a resumed run has the same rates.
    fn factor(&self, step: u64, steps: Option<u64>) -> f64;

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// The option that is not; [`crate::Error::custom`] makes an error of a text or of another error.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

vesalius_registry::registered! {
    /// Adds user-defined schedules to a [`Registry`].
    pub trait RegisterSchedule {
        /// Makes `schedule: {custom: name}` mean this type; its options are read by serde.
        fn schedule => CustomSchedule, "schedule";
    }
}

/// A schedule of the learning rate over the steps of a run.
///
/// ```
/// use vesalius_training::Schedule;
///
/// let schedule: Schedule = serde_saphyr::from_str("poly: {power: 1}")?;
/// // The rate at the first and at the middle of 100 steps.
/// assert_eq!(schedule.rate(0.01, 0, Some(100)), 0.01);
/// assert_eq!(schedule.rate(0.01, 50, Some(100)), 0.005);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// The same rate throughout.
    Constant,
    /// rate · (1 - step / steps)^power, as nnU-Net's `PolyLRScheduler`.
    Poly(Poly),
    /// Half a cosine from the rate to a share of it, as PyTorch's `CosineAnnealingLR`.
    Cosine(Cosine),
    /// Up to the rate and down again, each on half a cosine, as PyTorch's `OneCycleLR`.
    OneCycle(OneCycle),
    /// Lower by a factor whenever so many validations brought no gain, as PyTorch's
    /// `ReduceLROnPlateau`.
    Plateau(Plateau),
    /// A user-defined schedule: in YAML `custom: mine` or `custom: {name: mine, steps: 100}`, for which the
    /// config is read with a registry.
    Custom(Custom<dyn CustomSchedule>),
}

/// Settings of [`Schedule::Poly`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Poly {
    /// The power; nnU-Net's is 0.9.
    pub power: f64,
}

impl Default for Poly {
    fn default() -> Self {
        Self { power: 0.9 }
    }
}

/// Settings of [`Schedule::Cosine`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cosine {
    /// The last rate as a share of the first.
    pub end: f64,
}

/// Settings of [`Schedule::OneCycle`]; defaults are PyTorch's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycle {
    /// The share of the run in which the rate rises.
    pub rise: f64,
    /// The first rate is the highest divided by this.
    pub start_divisor: f64,
    /// The last rate is the first divided by this.
    pub end_divisor: f64,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self {
            rise: 0.3,
            start_divisor: 25.0,
            end_divisor: 1e4,
        }
    }
}

/// Settings of [`Schedule::Plateau`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plateau {
    /// The next rate as a share of this one.
    pub factor: f64,
    /// Validations without a gain that are waited through.
    pub patience: u64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self {
            factor: 0.5,
            patience: 3,
        }
    }
}

/// The first steps, in which the rate rises in equal steps to the schedule's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WarmUp {
    /// How many steps; 0 for none.
    pub steps: u64,
    /// The share of the rate that the first step has.
    pub start: f64,
}

impl WarmUp {
    pub(crate) fn is_none(&self) -> bool {
        self.steps == 0
    }

    pub(crate) fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.start) {
            return Ok(());
        }
        bad("warm_up.start", self.start, "a share from 0 to 1")
    }

    /// What the schedule's rate is multiplied by at `step` (from 0).
    pub fn factor(&self, step: u64) -> f64 {
        if step >= self.steps {
            return 1.0;
        }
        // The first step counts already: a rate of 0 would waste it.
        self.start + (1.0 - self.start) * (step + 1) as f64 / (self.steps + 1) as f64
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Poly(Poly::default())
    }
}

impl Schedule {
    /// A user-defined schedule. Files that are written hold the name, so that reading them again needs a
    /// [`Registry`] that has it.
    pub fn custom(name: impl Into<String>, schedule: impl CustomSchedule + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(schedule)))
    }

    pub(crate) fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => Ok(custom.resolve(registry)?),
            _ => Ok(()),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let positive = |n: f64| n.is_finite() && n > 0.0;
        match self {
            Self::Poly(Poly { power }) if !positive(*power) => {
                bad("schedule.poly.power", power, "a positive number")
            }
            Self::Cosine(Cosine { end }) if !(0.0..=1.0).contains(end) => {
                bad("schedule.cosine.end", end, "a share from 0 to 1")
            }
            Self::OneCycle(cycle) if !(0.0..=1.0).contains(&cycle.rise) => {
                bad("schedule.one_cycle.rise", cycle.rise, "a share from 0 to 1")
            }
            Self::OneCycle(cycle)
                if !(positive(cycle.start_divisor) && positive(cycle.end_divisor)) =>
            {
                let found = format!("{} and {}", cycle.start_divisor, cycle.end_divisor);
                bad("schedule.one_cycle divisors", found, "positive numbers")
            }
            Self::Plateau(plateau) if !(0.0..1.0).contains(&plateau.factor) => bad(
                "schedule.plateau.factor",
                plateau.factor,
                "a share from 0 to below 1",
            ),
            Self::Custom(custom) => custom.get()?.check(),
            _ => Ok(()),
        }
    }

    /// The rate at `step` (from 0) of `steps`. Before the number of steps is known, the first rate.
    /// [`Schedule::Plateau`] gives the highest: the run keeps its reductions. A custom schedule that is only named
    /// gives NaN.
    pub fn rate(&self, highest: f64, step: u64, steps: Option<u64>) -> f64 {
        let done = |steps: u64| step.min(steps) as f64 / steps.max(1) as f64;
        match (self, steps) {
            (Self::Constant | Self::Plateau(_), _) => highest,
            (Self::Poly(_) | Self::Cosine(_), None) => highest,
            (Self::OneCycle(cycle), None) => highest / cycle.start_divisor,
            (Self::Poly(poly), Some(steps)) => highest * (1.0 - done(steps)).powf(poly.power),
            (Self::Cosine(cosine), Some(steps)) => {
                half_cosine(highest, highest * cosine.end, done(steps))
            }
            (Self::OneCycle(cycle), Some(steps)) => cycle.rate(highest, step, steps),
            (Self::Custom(custom), steps) => {
                let factor = custom.get().map_or(f64::NAN, |own| own.factor(step, steps));
                highest * factor
            }
        }
    }
}

impl OneCycle {
    fn rate(&self, highest: f64, step: u64, steps: u64) -> f64 {
        let first = highest / self.start_divisor;
        let top = self.rise * steps as f64 - 1.0;
        let last = steps as f64 - 1.0;
        let step = (step as f64).min(last);
        if step <= top && top > 0.0 {
            half_cosine(first, highest, step / top)
        } else {
            let share = (step - top) / (last - top).max(f64::MIN_POSITIVE);
            half_cosine(highest, first / self.end_divisor, share.clamp(0.0, 1.0))
        }
    }
}

/// From `start` to `end` along half a cosine.
fn half_cosine(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) / 2.0 * (1.0 + (PI * share).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1e-3), "{a} is not {b}");
    }

    #[test]
    fn poly_falls_from_the_first_rate_to_zero() {
        let poly = Schedule::default();
        assert_eq!(poly.rate(0.01, 0, Some(1000)), 0.01);
        // nnU-Net: 0.01 * (1 - 500/1000) ** 0.9
        close(poly.rate(0.01, 500, Some(1000)), 0.005_358_867_312_681_466);
        assert_eq!(poly.rate(0.01, 1000, Some(1000)), 0.0);
        assert_eq!(poly.rate(0.01, 10, None), 0.01);
    }

    /// PyTorch 2.15: `CosineAnnealingLR(T_max=10, eta_min=0.001)`, `OneCycleLR(max_lr=0.1, total_steps=10)`.
    #[test]
    fn cosine_and_one_cycle_are_pytorchs() {
        let cosine = Schedule::Cosine(Cosine { end: 0.01 });
        for (step, expected) in [
            (0, 0.1),
            (1, 0.097_577_297_556_610_1),
            (3, 0.079_595_369_988_477_42),
            (5, 0.0505),
            (9, 0.003_422_702_443_389_900_4),
            (10, 0.001),
        ] {
            close(cosine.rate(0.1, step, Some(10)), expected);
        }
        let cycle = Schedule::OneCycle(OneCycle::default());
        let expected = [
            0.004,
            0.052,
            0.1,
            0.095_048_463_201_347_38,
            0.081_174_565_394_976_3,
            0.061_126_202_193_628_93,
            0.038_874_197_806_371_07,
            0.018_825_834_605_023_7,
            0.004_951_936_798_652_629,
            4e-7,
        ];
        for (step, expected) in (0..).zip(expected) {
            close(cycle.rate(0.1, step, Some(10)), expected);
        }
        close(cycle.rate(0.1, 0, None), 0.004);
    }

    #[test]
    fn warm_up_rises_to_the_rate() {
        let warm_up = WarmUp {
            steps: 4,
            start: 0.0,
        };
        let factors: Vec<f64> = (0..6).map(|step| warm_up.factor(step)).collect();
        for (found, expected) in factors.iter().zip([0.2, 0.4, 0.6, 0.8, 1.0, 1.0]) {
            close(*found, expected);
        }
        assert_eq!(WarmUp::default().factor(0), 1.0);
    }
}
