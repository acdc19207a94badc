//! The factor on the loss that keeps small gradients from vanishing in half precision, found while
//! training as PyTorch's `GradScaler` does.

use crate::Precision;
use serde::{Deserialize, Serialize};

/// PyTorch's first scale, its growth and the steps between growths.
const FIRST: f64 = 65536.0;
const GROWTH: f64 = 2.0;
const STEPS_BETWEEN: u64 = 2000;

/// The scale, and how long it has held.
///
/// ```
/// use vesalius_training::{LossScale, Precision};
///
/// let mut scale = LossScale::default();
/// let before = scale.value(Precision::F16);
/// scale.overflowed();
/// assert_eq!(scale.value(Precision::F16), before / 2.0);
/// // Other precisions have the range of f32.
/// assert_eq!(scale.value(Precision::Bf16), 1.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossScale {
    scale: f64,
    good_steps: u64,
}

impl Default for LossScale {
    fn default() -> Self {
        Self {
            scale: FIRST,
            good_steps: 0,
        }
    }
}

impl LossScale {
    /// The scale that holds: 1 where the precision has the range of f32.
    pub fn value(&self, precision: Precision) -> f64 {
        match precision {
            Precision::F16 => self.scale,
            Precision::F32 | Precision::Bf16 => 1.0,
        }
    }

    /// Learns that a step's gradients were not all numbers.
    pub fn overflowed(&mut self) {
        self.scale /= GROWTH;
        self.good_steps = 0;
    }

    /// Learns that a step's gradients were numbers.
    pub fn succeeded(&mut self) {
        self.good_steps += 1;
        if self.good_steps == STEPS_BETWEEN {
            self.scale *= GROWTH;
            self.good_steps = 0;
        }
    }

    /// Whether it has shrunk so far that scaling is not what is wrong.
    pub fn is_hopeless(&self) -> bool {
        self.scale < 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_at_once_and_grows_slowly() {
        let mut scale = LossScale::default();
        assert_eq!(scale.value(Precision::F16), 65536.0);
        assert_eq!(scale.value(Precision::Bf16), 1.0);
        scale.overflowed();
        assert_eq!(scale.value(Precision::F16), 32768.0);
        (0..1999).for_each(|_| scale.succeeded());
        assert_eq!(scale.value(Precision::F16), 32768.0);
        scale.succeeded();
        assert_eq!(scale.value(Precision::F16), 65536.0);
        (0..17).for_each(|_| scale.overflowed());
        assert!(scale.is_hopeless());
    }
}
