//! Sums of Dice and cross-entropy or focal loss, with which most models are trained.

use crate::overlap::are_weights;
use crate::{CrossEntropy, Dice, Error, Focal, LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Logits, Tensor};

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

    /// Checks that the options are valid.
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

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Result<Tensor<1>> {
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
    /// Options of the focal part. As in MONAI's `DiceFocalLoss`, every class has a sigmoid of its own unless
    /// `use_softmax` is true, whatever the Dice part uses.
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
    /// Checks that the options are valid.
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

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Result<Tensor<1>> {
        let dice = self.dice.of_target(logits, target)?;
        let focal = Focal {
            use_softmax: Some(self.focal.use_softmax.unwrap_or(false)),
            ..self.focal.clone()
        };
        let focal = focal.of_target(logits, target)?;
        Ok(dice.mul_scalar(self.lambda_dice) + focal.mul_scalar(self.lambda_focal))
    }
}
