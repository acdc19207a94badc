//! The values that one setting may take, and how likely each is before anything is known.

use super::trial::Setting;
use rand::{Rng, RngExt};
use rand_distr::{Distribution as _, Normal};
use serde::Serialize;

/// How far a normal distribution is followed on either side, in standard deviations.
const NORMAL_REACH: f64 = 4.0;

/// What values a setting may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// A real number in `low..=high`.
    Float {
        /// The least value.
        low: f64,
        /// The greatest value.
        high: f64,
        /// Even in the logarithm.
        log: bool,
        /// Values are `low + n · step`; with `log`, rounded to such.
        step: Option<f64>,
    },
    /// A whole number in `low..=high`.
    Int {
        /// The least value.
        low: i64,
        /// The greatest value.
        high: i64,
        /// Even in the logarithm.
        log: bool,
        /// Values are `low + n · step`.
        step: i64,
    },
    /// A normal number, cut off at four standard deviations.
    Normal {
        /// The mean: of the logarithm where `log`.
        mean: f64,
        /// The standard deviation: of the logarithm where `log`.
        deviation: f64,
        /// The exponential of such a number.
        log: bool,
        /// Rounded to a multiple of this.
        step: Option<f64>,
    },
    /// One of these.
    Categorical {
        /// The choices.
        choices: Vec<Setting>,
    },
}

impl Distribution {
    /// Nothing when it can be drawn from; otherwise what is wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        match self {
            Self::Float {
                low,
                high,
                log,
                step,
            } => {
                let order = low.is_finite() && high.is_finite() && low <= high;
                demand(order, || {
                    format!("`low` is {low} and `high` {high}; expected finite numbers, low ≤ high")
                })?;
                demand(!log || *low > 0.0, || {
                    format!("`low` is {low}, and a logarithm wants low > 0")
                })?;
                let constant = low == high;
                let fits = step.is_none_or(|step| step > 0.0 && (constant || step <= high - low));
                demand(fits, || {
                    let step = step.unwrap_or_default();
                    format!("`step` is {step}, expected more than 0 and at most high − low")
                })
            }
            Self::Int {
                low,
                high,
                log,
                step,
            } => {
                demand(low <= high, || {
                    format!("`low` is {low} and `high` {high}; expected low ≤ high")
                })?;
                demand(!log || *low > 0, || {
                    format!("`low` is {low}, and a logarithm wants low ≥ 1")
                })?;
                demand(!(*log && *step != 1), || {
                    "`log` and `step` exclude each other".to_owned()
                })?;
                let within = high.checked_sub(*low).is_some_and(|width| *step <= width);
                let fits = *step > 0 && (low == high || within);
                demand(fits, || {
                    format!("`step` is {step}, expected 1 to high − low")
                })
            }
            Self::Normal {
                mean,
                deviation,
                step,
                ..
            } => {
                let finite = mean.is_finite() && deviation.is_finite() && *deviation > 0.0;
                demand(finite, || {
                    format!(
                        "mean {mean} and deviation {deviation}; expected finite numbers, deviation > 0"
                    )
                })?;
                demand(step.is_none_or(|step| step > 0.0), || {
                    format!("the step is {step:?}, expected more than 0")
                })
            }
            Self::Categorical { choices } => {
                demand(!choices.is_empty(), || "has no choice".to_owned())
            }
        }
    }

    /// Where this distribution lies on the line on which samplers work; a value is drawn evenly there,
    /// but for a normal one. `[start, end)`.
    pub(super) fn line(&self) -> [f64; 2] {
        if self.constant().is_some() {
            return [0.0, 1.0];
        }
        match self {
            Self::Float {
                low,
                high,
                log: true,
                ..
            } => [low.ln(), above(high.ln())],
            Self::Float {
                low,
                high,
                step: Some(step),
                ..
            } => [0.0, ((high - low) / step + 1e-9).floor() + 1.0],
            Self::Float { low, high, .. } => [*low, above(*high)],
            Self::Int {
                low,
                high,
                log: true,
                ..
            } => [(*low as f64 - 0.5).ln(), (*high as f64 + 0.5).ln()],
            Self::Int {
                low, high, step, ..
            } => [0.0, ((high - low) / step + 1) as f64],
            Self::Normal {
                mean, deviation, ..
            } => [
                mean - NORMAL_REACH * deviation,
                above(mean + NORMAL_REACH * deviation),
            ],
            Self::Categorical { choices } => [0.0, choices.len() as f64],
        }
    }

    /// A place on the line, drawn before anything is known.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> f64 {
        let [start, end] = self.line();
        if let Self::Normal {
            mean, deviation, ..
        } = self
            && let Ok(normal) = Normal::new(*mean, *deviation)
        {
            // Fewer than one in 10,000 draws lie beyond the reach.
            loop {
                let drawn = normal.sample(rng);
                if (start..end).contains(&drawn) {
                    return drawn;
                }
            }
        }
        start + rng.random::<f64>() * (end - start)
    }

    /// The value at a place on the line.
    pub(crate) fn value(&self, place: f64) -> Setting {
        if let Some(constant) = self.constant() {
            return constant;
        }
        match self {
            Self::Float {
                low,
                high,
                log: true,
                step,
            } => {
                let number = place.exp();
                let number =
                    step.map_or(number, |step| low + ((number - low) / step).round() * step);
                Setting::Float(number.clamp(*low, *high))
            }
            Self::Float {
                low,
                high,
                step: Some(step),
                ..
            } => Setting::Float((low + place.floor() * step).min(*high)),
            Self::Float { low, high, .. } => Setting::Float(place.clamp(*low, *high)),
            Self::Int {
                low,
                high,
                log: true,
                ..
            } => Setting::Int((place.exp().round() as i64).clamp(*low, *high)),
            Self::Int {
                low, high, step, ..
            } => Setting::Int((low + place.floor() as i64 * step).min(*high)),
            Self::Normal { log, step, .. } => {
                let number = if *log { place.exp() } else { place };
                Setting::Float(step.map_or(number, |step| (number / step).round() * step))
            }
            Self::Categorical { choices } => {
                choices[(place.max(0.0) as usize).min(choices.len() - 1)].clone()
            }
        }
    }

    /// The only value there is, as of Optuna's distributions with `low` = `high`.
    fn constant(&self) -> Option<Setting> {
        match self {
            Self::Float { low, high, .. } if low == high => Some(Setting::Float(*low)),
            Self::Int { low, high, .. } if low == high => Some(Setting::Int(*low)),
            _ => None,
        }
    }

    /// Values that show whether the setting takes what is drawn: every choice, both ends of a range.
    pub(crate) fn extremes(&self) -> Vec<Setting> {
        if let Self::Categorical { choices } = self {
            return choices.clone();
        }
        let [start, end] = self.line();
        vec![self.value(start), self.value(end.next_down())]
    }

    /// Whether neighbouring places on the line mean nothing to each other.
    pub(super) fn is_categorical(&self) -> bool {
        matches!(self, Self::Categorical { .. })
    }
}

fn demand(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

/// The next number above, so that a half-open range holds its end.
fn above(end: f64) -> f64 {
    end.next_up()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn drawn(distribution: &Distribution, count: usize) -> Vec<f64> {
        distribution.check().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let [start, end] = distribution.line();
        (0..count)
            .map(|_| {
                let place = distribution.draw(&mut rng);
                assert!((start..end).contains(&place));
                distribution.value(place).as_f64().unwrap()
            })
            .collect()
    }

    #[test]
    fn values_keep_to_their_bounds_and_steps() {
        let float = Distribution::Float {
            low: 0.1,
            high: 0.5,
            log: false,
            step: Some(0.2),
        };
        let mut values = drawn(&float, 300);
        values.sort_by(f64::total_cmp);
        values.dedup();
        assert_eq!(values.len(), 3);
        assert!((values[2] - 0.5).abs() < 1e-12);
        let int = Distribution::Int {
            low: 2,
            high: 9,
            log: false,
            step: 3,
        };
        let mut values = drawn(&int, 300);
        values.sort_by(f64::total_cmp);
        values.dedup();
        assert_eq!(values, [2.0, 5.0, 8.0]);
    }

    #[test]
    fn equal_bounds_are_a_constant_as_in_optuna() {
        let float = |log, step| Distribution::Float {
            low: 0.3,
            high: 0.3,
            log,
            step,
        };
        for distribution in [
            float(false, None),
            float(true, None),
            float(false, Some(0.1)),
        ] {
            assert!(drawn(&distribution, 50).iter().all(|v| *v == 0.3));
            assert_eq!(distribution.extremes()[1], Setting::Float(0.3));
        }
        for (log, step) in [(false, 1), (true, 1), (false, 3)] {
            let int = Distribution::Int {
                low: 4,
                high: 4,
                log,
                step,
            };
            assert!(drawn(&int, 50).iter().all(|v| *v == 4.0));
        }
    }

    #[test]
    fn the_extremes_are_both_ends_or_every_choice() {
        let int = Distribution::Int {
            low: 2,
            high: 9,
            log: false,
            step: 3,
        };
        assert_eq!(int.extremes(), [Setting::Int(2), Setting::Int(8)]);
        let log = Distribution::Float {
            low: 0.5,
            high: 2.0,
            log: true,
            step: None,
        };
        assert_eq!(log.extremes(), [Setting::Float(0.5), Setting::Float(2.0)]);
    }

    #[test]
    fn a_logarithm_gives_each_decade_its_share() {
        let float = Distribution::Float {
            low: 1e-4,
            high: 1.0,
            log: true,
            step: None,
        };
        let values = drawn(&float, 4000);
        let low = values.iter().filter(|v| **v < 1e-2).count();
        assert!((1800..2200).contains(&low), "{low}");
        let int = Distribution::Int {
            low: 1,
            high: 1000,
            log: true,
            step: 1,
        };
        let values = drawn(&int, 4000);
        assert!(
            values
                .iter()
                .all(|v| (1.0..=1000.0).contains(v) && v.fract() == 0.0)
        );
        assert!(values.iter().filter(|v| **v <= 31.0).count() > 1800);
    }

    #[test]
    fn what_cannot_be_drawn_is_said() {
        let bad = [
            Distribution::Float {
                low: 1.0,
                high: 0.0,
                log: false,
                step: None,
            },
            Distribution::Float {
                low: 0.0,
                high: 1.0,
                log: true,
                step: None,
            },
            Distribution::Int {
                low: 0,
                high: 4,
                log: false,
                step: 9,
            },
            Distribution::Normal {
                mean: 0.0,
                deviation: 0.0,
                log: false,
                step: None,
            },
            Distribution::Categorical { choices: vec![] },
        ];
        assert!(bad.iter().all(|distribution| distribution.check().is_err()));
    }
}
