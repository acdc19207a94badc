//! Losses by name, built in and user-defined.

use crate::overlap::are_weights;
use crate::{
    Boundary, ClDice, CrossEntropy, Dice, DiceClDice, DiceCrossEntropy, DiceFocal, Error, Focal,
    GeneralizedDice, HausdorffDt, LossTarget, Result, Tversky, UnifiedFocal,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vesalius_registry::{Custom, Registry};
use vesalius_tensor::{Int, Logits, Tensor};

/// Anything that scores logits against label values. A user-defined type is set in a config by
/// [`LossConfig::custom`], or by name through a [`Registry`]; see [`RegisterLoss`].
pub trait Loss: Send + Sync {
    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// [`Error::WrongShape`] when the labels do not lie on the grid of the logits;
    /// [`Error::BadConfig`] when options and channels do not fit.
    fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>>;
}

/// A loss by name with its options: in YAML `dice: {batch: true}`.
///
/// ```
/// use vesalius_losses::LossConfig;
///
/// let json = r#"{"sum": [{"weight": 1, "loss": {"dice": {"batch": true}}}, {"weight": 0.5, "loss": {"focal": {}}}]}"#;
/// let loss: LossConfig = serde_json::from_str(json)?;
/// loss.check()?;
/// let LossConfig::Sum(terms) = &loss else { unreachable!() };
/// assert_eq!((terms.len(), terms[1].weight), (2, 0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LossConfig {
    /// See [`Dice`].
    Dice(Dice),
    /// See [`CrossEntropy`].
    CrossEntropy(CrossEntropy),
    /// See [`DiceCrossEntropy`].
    DiceCrossEntropy(DiceCrossEntropy),
    /// See [`GeneralizedDice`].
    GeneralizedDice(GeneralizedDice),
    /// See [`Tversky`].
    Tversky(Tversky),
    /// See [`Focal`].
    Focal(Focal),
    /// See [`DiceFocal`].
    DiceFocal(DiceFocal),
    /// See [`UnifiedFocal`].
    UnifiedFocal(UnifiedFocal),
    /// See [`HausdorffDt`].
    HausdorffDt(HausdorffDt),
    /// See [`Boundary`].
    Boundary(Boundary),
    /// See [`ClDice`].
    #[serde(rename = "cldice")]
    ClDice(ClDice),
    /// See [`DiceClDice`].
    #[serde(rename = "dice_cldice")]
    DiceClDice(DiceClDice),
    /// Several losses, each with its weight: in YAML `sum: [{weight: 1, loss: {dice: {}}}, …]`.
    Sum(Vec<LossTerm>),
    /// A user-defined loss: in YAML `custom: my_loss` or `custom: {name: my_loss, sharpness: 2}`, for
    /// which [`LossConfig::resolve`] is called after reading.
    Custom(Custom<dyn Loss>),
}

/// One loss of [`LossConfig::Sum`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossTerm {
    /// How much it counts.
    pub weight: f64,
    /// The loss.
    pub loss: LossConfig,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self::DiceCrossEntropy(DiceCrossEntropy::default())
    }
}

macro_rules! from_each {
    ($($loss:ident),*) => {
        $(impl From<$loss> for LossConfig {
            fn from(loss: $loss) -> Self {
                Self::$loss(loss)
            }
        })*
    };
}

from_each!(
    Dice,
    CrossEntropy,
    DiceCrossEntropy,
    GeneralizedDice,
    Tversky,
    Focal,
    DiceFocal,
    UnifiedFocal,
    HausdorffDt,
    Boundary,
    ClDice,
    DiceClDice
);

impl LossConfig {
    /// A user-defined loss. Files that are written hold the name, so that reading them again needs a
    /// [`Registry`] that has it.
    pub fn custom(name: impl Into<String>, loss: impl Loss + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(loss)))
    }

    /// Makes the user-defined losses that a file named.
    ///
    /// # Errors
    /// [`Error::Registry`] for a name that is not in the registry, or options that the loss does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        match self {
            Self::Custom(custom) => Ok(custom.resolve(registry)?),
            Self::Sum(parts) => parts
                .iter_mut()
                .try_for_each(|part| part.loss.resolve(registry)),
            _ => Ok(()),
        }
    }

    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Dice(loss) => loss.check(),
            Self::CrossEntropy(loss) => loss.check(),
            Self::DiceCrossEntropy(loss) => loss.check(),
            Self::GeneralizedDice(loss) => loss.check(),
            Self::Tversky(loss) => loss.check(),
            Self::Focal(loss) => loss.check(),
            Self::DiceFocal(loss) => loss.check(),
            Self::UnifiedFocal(loss) => loss.check(),
            Self::HausdorffDt(loss) => loss.check(),
            Self::Boundary(loss) => loss.check(),
            Self::ClDice(loss) => loss.check(),
            Self::DiceClDice(loss) => loss.check(),
            Self::Sum(parts) => check_parts(parts),
            Self::Custom(custom) => Ok(custom.get().map(|_| ())?),
        }
    }

    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// As [`Loss::forward`].
    pub fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        let target = LossTarget::new(logits, labels)?;
        self.of_labels(logits, labels, &target)
    }

    /// `target` is the encoded labels for these logits, made once for all terms of a sum.
    fn of_labels(
        &self,
        logits: &Logits,
        labels: &Tensor<5, Int>,
        target: &LossTarget,
    ) -> Result<Tensor<1>> {
        match self {
            Self::Dice(loss) => loss.of_target(logits, target),
            Self::CrossEntropy(loss) => loss.of_target(logits, target),
            Self::DiceCrossEntropy(loss) => loss.of_target(logits, target),
            Self::GeneralizedDice(loss) => Ok(loss.of_target(logits, target)),
            Self::Tversky(loss) => loss.of_target(logits, target),
            Self::Focal(loss) => loss.of_target(logits, target),
            Self::DiceFocal(loss) => loss.of_target(logits, target),
            Self::UnifiedFocal(loss) => Ok(loss.of_target(logits, target)),
            Self::HausdorffDt(loss) => loss.of_target(logits, target),
            Self::Boundary(loss) => loss.of_target(logits, target),
            Self::ClDice(loss) => Ok(loss.of_target(logits, target)),
            Self::DiceClDice(loss) => loss.of_target(logits, target),
            Self::Sum(parts) => {
                let mut sum = Tensor::zeros([1], &target.channels.device());
                for part in parts.iter().filter(|part| part.weight != 0.0) {
                    let loss = part.loss.of_labels(logits, labels, target)?;
                    sum = sum + loss.mul_scalar(part.weight);
                }
                Ok(sum)
            }
            Self::Custom(custom) => custom.get()?.forward(logits, labels),
        }
    }
}

fn check_parts(parts: &[LossTerm]) -> Result<()> {
    let weights: Vec<f64> = parts.iter().map(|part| part.weight).collect();
    if are_weights(&weights) {
        return parts.iter().try_for_each(|part| part.loss.check());
    }
    Err(Error::BadConfig {
        loss: "sum",
        problem: "each `weight` must not be negative, and one must be positive".to_owned(),
    })
}

impl Loss for LossConfig {
    fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        LossConfig::forward(self, logits, labels)
    }
}

vesalius_registry::registered! {
    /// Adds user-defined losses to a [`Registry`].
    pub trait RegisterLoss {
        /// Makes `custom: name` in a config mean this type; its options are read by serde.
        fn loss => Loss, "loss";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;
    use vesalius_volume::LabelScheme;

    #[test]
    fn exponents_beyond_use_are_refused() {
        let tversky = |alpha: f64, gamma: f64| {
            LossConfig::Tversky(Tversky {
                alpha,
                gamma,
                ..Tversky::default()
            })
        };
        let focal = |gamma| {
            LossConfig::Focal(Focal {
                gamma,
                ..Focal::default()
            })
        };
        let hausdorff = |alpha| {
            LossConfig::HausdorffDt(HausdorffDt {
                alpha,
                ..HausdorffDt::default()
            })
        };
        for wrong in [
            tversky(0.5, 1e300),
            tversky(0.5, 0.0),
            tversky(f64::INFINITY, 1.0),
            focal(1e19),
            focal(f64::INFINITY),
            hausdorff(1001.0),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        for right in [tversky(0.5, 1000.0), focal(0.0), hausdorff(1000.0)] {
            right.check().unwrap();
        }
    }

    /// The mean of the squared logits, whatever the labels.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Magnitude {
        factor: f32,
    }
    impl Loss for Magnitude {
        fn forward(&self, logits: &Logits, _: &Tensor<5, Int>) -> Result<Tensor<1>> {
            if self.factor < 0.0 {
                return Err(Error::custom("the factor is negative"));
            }
            Ok(logits.values().square().mean() * self.factor)
        }
    }

    fn value(loss: &LossConfig) -> Result<f32> {
        let device = Device::flex();
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 0, 1, 1]]]]], &device);
        let logits = Tensor::full([1, 2, 1, 1, 4], 3.0, &device);
        let logits = Logits::new(logits, &scheme).unwrap();
        Ok(loss.forward(&logits, &labels)?.into_scalar())
    }

    #[test]
    fn a_loss_of_the_users_own_is_one_among_others() {
        let mut registry = Registry::default();
        registry.loss::<Magnitude>("magnitude");
        let text = r#"{"sum": [
            {"weight": 2, "loss": {"custom": {"name": "magnitude", "factor": 0.5}}},
            {"weight": 1, "loss": {"dice": {}}}
        ]}"#;
        let mut config: LossConfig = serde_json::from_str(text).unwrap();
        let message = config.check().unwrap_err().to_string();
        assert!(message.contains("magnitude"), "{message}");
        assert!(value(&config).is_err());
        config.resolve(&registry).unwrap();
        config.check().unwrap();
        let dice = value(&LossConfig::Dice(Dice::default())).unwrap();
        assert_eq!(value(&config).unwrap(), 2.0 * 4.5 + dice);

        let written = serde_json::to_string(&config).unwrap();
        let read: LossConfig = serde_json::from_str(&written).unwrap();
        assert_eq!(read, config);

        let own = LossConfig::custom("mine", Magnitude { factor: 1.0 });
        assert_eq!(value(&own).unwrap(), 9.0);
        let failing = LossConfig::custom("mine", Magnitude { factor: -1.0 });
        assert_eq!(
            value(&failing).unwrap_err().to_string(),
            "the factor is negative"
        );
    }
}
