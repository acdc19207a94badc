//! The values that one setting may take. How they are drawn is `line`'s.

mod line;

use super::trial::Setting;
use serde::Serialize;

/// What values a setting may take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
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
    /// Checks that it can be drawn from; the error is what is wrong.
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

    /// Whether neighbouring places on the line mean nothing to each other.
    pub(super) fn is_categorical(&self) -> bool {
        matches!(self, Self::Categorical { .. })
    }
}

fn demand(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

#[cfg(test)]
mod tests;
