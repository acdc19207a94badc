//! One loss at several resolutions: the heads of a deeply supervised network, each with its weight.

use crate::overlap::are_weights;
use crate::{Error, Loss, Result};
use burn::tensor::TensorData;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{Int, Logits, Tensor};

/// How much each head counts, full resolution first.
///
/// ```
/// use vesalius_losses::HeadWeights;
///
/// // The head of the lowest resolution does not count.
/// assert_eq!(HeadWeights::Nnunet.weights(3), [2.0 / 3.0, 1.0 / 3.0, 0.0]);
/// assert_eq!(HeadWeights::Monai.weights(3), [1.0, 0.5, 0.25]);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeadWeights {
    /// 1, ½, ¼, … as they are (MONAI's `DeepSupervisionLoss`, `weight_mode="exp"`).
    Monai,
    /// 1, ½, ¼, … with the last set to 0, divided by their sum (nnU-Net v2); a single head counts 1.
    #[default]
    Nnunet,
    /// These numbers as they are; heads beyond them do not count.
    Given(Vec<f64>),
}

impl HeadWeights {
    /// The weights of that many heads.
    pub fn weights(&self, heads: usize) -> Vec<f64> {
        let halves = || (0..heads).map(|i| 0.5f64.powi(i as i32));
        match self {
            Self::Monai => halves().collect(),
            Self::Nnunet if heads < 2 => vec![1.0; heads],
            Self::Nnunet => {
                let mut weights: Vec<f64> = halves().collect();
                weights[heads - 1] = 0.0;
                let sum: f64 = weights.iter().sum();
                weights.iter().map(|weight| weight / sum).collect()
            }
            Self::Given(weights) => weights.clone(),
        }
    }
}

/// The weighted sum of a loss over heads; labels are brought to each head's grid by taking the
/// voxel nearest to the centre of each coarse voxel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeepSupervision {
    /// How much each head counts.
    pub weights: HeadWeights,
}

impl DeepSupervision {
    /// Checks that the options are valid.
    ///
    /// # Errors
    /// [`Error::BadConfig`].
    pub fn check(&self) -> Result<()> {
        match &self.weights {
            HeadWeights::Given(weights) if !are_weights(weights) => Err(Error::BadConfig {
                loss: "deep_supervision",
                problem: format!(
                    "`weights` is {weights:?}, expected numbers that are not negative, one of them positive"
                ),
            }),
            _ => Ok(()),
        }
    }

    /// The loss, one number, of heads (full resolution first) and label values `[N, 1, Z, Y, X]`.
    ///
    /// # Errors
    /// As [`Loss::forward`]; more weights than heads.
    pub fn forward(
        &self,
        loss: &(impl Loss + ?Sized),
        heads: &[Logits],
        labels: &Tensor<5, Int>,
    ) -> Result<Tensor<1>> {
        if let HeadWeights::Given(weights) = &self.weights
            && (2..weights.len()).contains(&heads.len())
        {
            return Err(Error::BadConfig {
                loss: "deep_supervision",
                problem: format!(
                    "`weights` has {} numbers, but the network has {} heads, the one of full resolution first",
                    weights.len(),
                    heads.len()
                ),
            });
        }
        let mut sum = Tensor::zeros([1], &labels.device());
        for (logits, weight) in heads.iter().zip(self.weights.weights(heads.len())) {
            if weight != 0.0 {
                let [_, _, z, y, x] = logits.dims();
                let labels = at_grid(labels.clone(), [z, y, x]);
                sum = sum + loss.forward(logits, &labels)?.mul_scalar(weight);
            }
        }
        Ok(sum)
    }
}

/// Labels `[N, 1, Z, Y, X]` on a coarser grid `[z, y, x]`: voxel `⌊(i + ½) · in / out⌋`.
fn at_grid(labels: Tensor<5, Int>, grid: [usize; 3]) -> Tensor<5, Int> {
    let dims = labels.dims();
    let mut coarse = labels;
    for (axis, length) in grid.into_iter().enumerate() {
        let from = dims[axis + 2];
        if from != length && length > 0 {
            let source: Vec<i32> = (0..length)
                .map(|i| ((2 * i + 1) * from / (2 * length)) as i32)
                .collect();
            let source = Tensor::from_data(TensorData::new(source, [length]), &coarse.device());
            coarse = coarse.select(axis + 2, source);
        }
    }
    coarse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LossConfig;
    use vesalius_tensor::Device;
    use vesalius_volume::LabelScheme;

    #[test]
    fn weights_that_leave_nothing_are_refused() {
        for weights in [vec![], vec![0.0, 0.0], vec![1.0, -1.0], vec![f64::NAN]] {
            let weights = HeadWeights::Given(weights);
            assert!(DeepSupervision { weights }.check().is_err());
        }
        let weights = HeadWeights::Given(vec![1.0, 0.0]);
        DeepSupervision { weights }.check().unwrap();
        DeepSupervision::default().check().unwrap();
    }

    #[test]
    fn weights_are_the_peers() {
        assert_eq!(HeadWeights::Monai.weights(3), [1.0, 0.5, 0.25]);
        let nnunet = HeadWeights::Nnunet.weights(3);
        assert_eq!(nnunet, [1.0 / 1.5, 0.5 / 1.5, 0.0]);
        assert_eq!(HeadWeights::Nnunet.weights(1), [1.0]);
    }

    #[test]
    fn one_head_is_the_loss_itself_and_coarse_heads_see_coarse_labels() {
        let device = Device::flex();
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 0, 1, 1]]]]], &device);
        let head =
            |x: usize| Logits::new(Tensor::zeros([1, 2, 1, 1, x], &device), &scheme).unwrap();
        let loss = LossConfig::default();
        let plain: f32 = loss.forward(&head(4), &labels).unwrap().into_scalar();
        let one: f32 = DeepSupervision::default()
            .forward(&loss, &[head(4)], &labels)
            .unwrap()
            .into_scalar();
        assert!((plain - one).abs() < 1e-6);
        let coarse = at_grid(labels.clone(), [1, 1, 2]).into_data();
        assert_eq!(coarse.iter::<i64>().collect::<Vec<_>>(), [0, 1]);
        assert!(
            DeepSupervision::default()
                .forward(&loss, &[head(4), head(2), head(1)], &labels)
                .is_ok()
        );
    }
}
