//! A distribution as an interval on a line, on which samplers work: its ends, the prior over its positions, and the
//! value at a position.

use super::Distribution;
use crate::search::trial::Setting;
use rand::{Rng, RngExt};
use rand_distr::{Distribution as _, Normal};

/// How far a normal distribution is followed on either side, in standard deviations.
const NORMAL_REACH: f64 = 4.0;

impl Distribution {
    /// Where this distribution lies on the line on which samplers work; a value is drawn evenly there,
    /// but for a normal one. `[start, end)`.
    pub(in crate::search) fn line(&self) -> [f64; 2] {
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
    pub(in crate::search) fn draw(&self, rng: &mut impl Rng) -> f64 {
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
}

/// The next number above, so that a half-open range holds its end.
fn above(end: f64) -> f64 {
    end.next_up()
}
