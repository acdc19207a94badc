//! clDice (Shit et al. 2021): overlap of centre lines, which keeps vessels connected.

use crate::overlap::Overlap;
use crate::{Dice, Error, LossTarget, Result};
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, MaxPool3d, Tensor};

/// One minus the soft clDice, averaged over samples; options and defaults are those of MONAI 1.6's
/// `SoftclDiceLoss`. All channels that count are one set of centre lines, so there are no weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClDice {
    /// How often the soft skeleton is thinned: about the largest radius, in voxels.
    #[serde(rename = "iter")]
    pub iterations: usize,
    /// Added to the numerators.
    pub smooth_nr: f64,
    /// Added to the denominators.
    pub smooth_dr: f64,
    /// Added to the denominator of the harmonic mean.
    pub smooth: f64,
    /// Whether the first of exclusive classes counts; regions have no background.
    pub include_background: bool,
}

impl Default for ClDice {
    fn default() -> Self {
        Self {
            iterations: 3,
            smooth_nr: 1.0,
            smooth_dr: 1.0,
            smooth: 1e-4,
            include_background: true,
        }
    }
}

impl ClDice {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if positive(self.smooth) && positive(self.smooth_dr) && self.smooth_nr >= 0.0 {
            return Ok(());
        }
        Err(Error::BadConfig {
            loss: "cldice",
            problem: "`smooth` and `smooth_dr` must be positive, `smooth_nr` not negative"
                .to_owned(),
        })
    }

    /// The loss, one number, of label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// [`Error::WrongShape`].
    pub fn forward(&self, logits: &Logits, labels: &Tensor<5, Int>) -> Result<Tensor<1>> {
        Ok(self.of_target(logits, &LossTarget::new(logits, labels)?))
    }

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Tensor<1> {
        let Overlap {
            predicted, truth, ..
        } = Overlap::new(logits, target, self.include_background, false);
        let line = soft_skeleton(predicted.clone(), self.iterations);
        let true_line = soft_skeleton(truth.clone(), self.iterations);
        let precision = self.share(line, truth);
        let sensitivity = self.share(true_line, predicted);
        let both = precision.clone() * sensitivity.clone();
        let sum = (precision + sensitivity).add_scalar(self.smooth);
        (both.mul_scalar(-2.0) / sum).add_scalar(1.0).mean()
    }

    /// `[N]`: how much of a centre line lies in a mask.
    fn share(&self, line: Tensor<5>, mask: Tensor<5>) -> Tensor<1> {
        let inside = sums(line.clone() * mask).add_scalar(self.smooth_nr);
        inside / sums(line).add_scalar(self.smooth_dr)
    }
}

/// `[N]`: the sums over channels and voxels.
fn sums(tensor: Tensor<5>) -> Tensor<1> {
    let [n, c, z, y, x] = tensor.dims();
    let flat: Tensor<2> = tensor.reshape([n, c * z * y * x]);
    flat.sum_dim(1).reshape([n])
}

/// The soft skeleton of memberships in [0, 1]: what openings remove, over erosions by crosses.
fn soft_skeleton(image: Tensor<5>, iterations: usize) -> Tensor<5> {
    let ridge = |image: &Tensor<5>, eroded: &Tensor<5>| {
        burn::tensor::activation::relu(image.clone() - dilated(eroded.clone()))
    };
    let mut eroded = eroded_by_cross(&image);
    let mut skeleton = ridge(&image, &eroded);
    for _ in 0..iterations {
        let image = eroded;
        eroded = eroded_by_cross(&image);
        let found = ridge(&image, &eroded);
        let new = found.clone() - skeleton.clone() * found;
        skeleton = skeleton + burn::tensor::activation::relu(new);
    }
    skeleton
}

/// The least of each voxel and its neighbours along the axes.
fn eroded_by_cross(image: &Tensor<5>) -> Tensor<5> {
    let negative = image.clone().neg();
    let [mut least, rest @ ..] = [0, 1, 2].map(|axis| {
        let reach = |inside: usize, others: usize| {
            std::array::from_fn(|a| if a == axis { inside } else { others })
        };
        let pool = MaxPool3d {
            kernel: reach(3, 1),
            stride: [1; 3],
            padding: reach(1, 0),
        };
        pool.forward(negative.clone()).neg()
    });
    for other in rest {
        least = least.min_pair(other);
    }
    least
}

/// The largest of each voxel and its 26 neighbours, an axis at a time.
fn dilated(image: Tensor<5>) -> Tensor<5> {
    let pool = MaxPool3d {
        kernel: [3; 3],
        stride: [1; 3],
        padding: [1; 3],
    };
    pool.forward(image)
}

/// A weighted sum of [`Dice`] and [`ClDice`] (MONAI's `SoftDiceclDiceLoss`): `1 - alpha` of the first and
/// `alpha` of the second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiceClDice {
    /// Options of the Dice part; smoothed by 1, as MONAI does here.
    pub dice: Dice,
    /// Options of the clDice part.
    pub cldice: ClDice,
    /// The share of the clDice part, in [0, 1].
    pub alpha: f64,
}

impl Default for DiceClDice {
    fn default() -> Self {
        Self {
            dice: Dice {
                smooth_nr: 1.0,
                smooth_dr: 1.0,
                ..Dice::default()
            },
            cldice: ClDice::default(),
            alpha: 0.5,
        }
    }
}

impl DiceClDice {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        self.dice.check()?;
        self.cldice.check()?;
        if (0.0..=1.0).contains(&self.alpha) {
            return Ok(());
        }
        Err(Error::BadConfig {
            loss: "dice_cldice",
            problem: format!("`alpha` must lie in [0, 1], not at {}", self.alpha),
        })
    }

    pub(crate) fn of_target(&self, logits: &Logits, target: &LossTarget) -> Result<Tensor<1>> {
        let dice = self.dice.of_target(logits, target)?;
        let cldice = self.cldice.of_target(logits, target);
        Ok(dice.mul_scalar(1.0 - self.alpha) + cldice.mul_scalar(self.alpha))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::{Device, values_of};

    #[test]
    fn the_skeleton_of_a_bar_is_its_middle() {
        let bar = |y: usize| if (1..4).contains(&y) { 1.0 } else { 0.0 };
        let values: Vec<f32> = (0..5 * 9).map(|i| bar(i / 9)).collect();
        let data = burn::tensor::TensorData::new(values, [1, 1, 1, 5, 9]);
        let skeleton = soft_skeleton(Tensor::from_data(data, &Device::flex()), 3);
        let found = values_of(skeleton).unwrap();
        for (i, value) in found.iter().enumerate() {
            assert_eq!(*value, if i / 9 == 2 { 1.0 } else { 0.0 }, "voxel {i}");
        }
    }
}
