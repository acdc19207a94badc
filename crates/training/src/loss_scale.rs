//! The factor by which the loss is multiplied in half precision, so that small gradients do not become 0. It is
//! adapted during training by the rule of PyTorch's `GradScaler`, with its default values.

use crate::Precision;
use serde::{Deserialize, Serialize};

/// PyTorch's first scale, the factor of growth (whose inverse is the factor after an overflow), and the number of
/// steps without overflow before the scale grows.
const FIRST: f64 = 65536.0;
const GROWTH: f64 = 2.0;
const STEPS_BETWEEN: u64 = 2000;

/// The scale, and the number of steps without overflow since it last changed.
///
/// It is 65,536 at first. A step whose gradients are not finite halves it; 2,000 steps in a row with finite
/// gradients double it (PyTorch's `GradScaler`).
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
    /// The factor for the loss of the next step; 1 for precisions with the range of f32.
    pub fn value(&self, precision: Precision) -> f64 {
        match precision {
            Precision::F16 => self.scale,
            Precision::F32 | Precision::Bf16 => 1.0,
        }
    }

    /// To be called after a step with gradients that are not finite: halves the scale.
    pub fn overflowed(&mut self) {
        self.scale /= GROWTH;
        self.good_steps = 0;
    }

    /// To be called after a step with finite gradients: every 2,000th in a row doubles the scale.
    pub fn succeeded(&mut self) {
        self.good_steps += 1;
        if self.good_steps == STEPS_BETWEEN {
            self.scale *= GROWTH;
            self.good_steps = 0;
        }
    }

    /// Whether the scale is below 1, so that overflow by scaling cannot be the reason for gradients that are not
    /// finite.
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
