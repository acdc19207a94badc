//! Losses by name, and the sum of Dice and cross-entropy that most models are trained with.

use crate::overlap::are_weights;
use crate::{
    Boundary, ClDice, CrossEntropy, Dice, DiceClDice, Error, Focal, GeneralizedDice, HausdorffDt,
    Result, Target, Tversky, UnifiedFocal,
};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};

/// Anything that scores logits against label values.
pub trait Loss {
    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// [`Error::WrongShape`] when the labels do not lie on the grid of the logits;
    /// [`Error::BadConfig`] when options and channels do not fit.
    fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>>;
}

/// A weighted sum of [`Dice`] and [`CrossEntropy`] (MONAI's `DiceCELoss`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiceCrossEntropy {
    /// Options of the Dice part.
    pub dice: Dice,
    /// Options of the cross-entropy part.
    pub cross_entropy: CrossEntropy,
    /// Weight of the Dice part.
    pub lambda_dice: f64,
    /// Weight of the cross-entropy part.
    pub lambda_ce: f64,
}

impl Default for DiceCrossEntropy {
    fn default() -> Self {
        Self {
            dice: Dice::default(),
            cross_entropy: CrossEntropy::default(),
            lambda_dice: 1.0,
            lambda_ce: 1.0,
        }
    }
}

impl DiceCrossEntropy {
    /// nnU-Net's loss: without background where labels are exclusive.
    pub fn nnunet() -> Self {
        Self {
            dice: Dice {
                include_background: false,
                ..Dice::default()
            },
            ..Self::default()
        }
    }

    /// Nothing when the options make sense.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        self.dice.check()?;
        self.cross_entropy.check()?;
        if !are_weights(&[self.lambda_dice, self.lambda_ce]) {
            return Err(Error::BadConfig {
                loss: "dice_cross_entropy",
                problem: "`lambda_dice` and `lambda_ce` must be numbers that are not negative, one of them positive".to_owned(),
            });
        }
        Ok(())
    }

    fn of_target(&self, logits: &Logits, target: &Target) -> Result<Tensor<1>> {
        let dice = self.dice.of_target(logits, target)?;
        let cross_entropy = self.cross_entropy.of_target(logits, target)?;
        Ok(dice.mul_scalar(self.lambda_dice) + cross_entropy.mul_scalar(self.lambda_ce))
    }
}

/// A weighted sum of [`Dice`] and [`Focal`] (MONAI's `DiceFocalLoss`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiceFocal {
    /// Options of the Dice part.
    pub dice: Dice,
    /// Options of the focal part. As in MONAI's `DiceFocalLoss`, it sees every class through a sigmoid
    /// of its own unless `use_softmax` says otherwise, whatever the Dice part does.
    pub focal: Focal,
    /// Weight of the Dice part.
    pub lambda_dice: f64,
    /// Weight of the focal part.
    pub lambda_focal: f64,
}

impl Default for DiceFocal {
    fn default() -> Self {
        Self {
            dice: Dice::default(),
            focal: Focal::default(),
            lambda_dice: 1.0,
            lambda_focal: 1.0,
        }
    }
}

impl DiceFocal {
    /// Nothing when the options make sense.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        self.dice.check()?;
        self.focal.check()?;
        if !are_weights(&[self.lambda_dice, self.lambda_focal]) {
            return Err(Error::BadConfig {
                loss: "dice_focal",
                problem: "`lambda_dice` and `lambda_focal` must be numbers that are not negative, one of them positive".to_owned(),
            });
        }
        Ok(())
    }

    fn of_target(&self, logits: &Logits, target: &Target) -> Result<Tensor<1>> {
        let dice = self.dice.of_target(logits, target)?;
        let focal = Focal {
            use_softmax: Some(self.focal.use_softmax.unwrap_or(false)),
            ..self.focal.clone()
        };
        let focal = focal.of_target(logits, target)?;
        Ok(dice.mul_scalar(self.lambda_dice) + focal.mul_scalar(self.lambda_focal))
    }
}

/// A loss by name with its options: in YAML `dice: {batch: true}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    Sum(Vec<Part>),
}

/// One loss of [`LossConfig::Sum`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
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

impl LossConfig {
    /// Nothing when the options make sense.
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
        }
    }

    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// As [`Loss::forward`].
    pub fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        self.of_target(logits, &Target::new(logits, labels)?)
    }

    fn of_target(&self, logits: &Logits, target: &Target) -> Result<Tensor<1>> {
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
                    sum = sum + part.loss.of_target(logits, target)?.mul_scalar(part.weight);
                }
                Ok(sum)
            }
        }
    }
}

fn check_parts(parts: &[Part]) -> Result<()> {
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
