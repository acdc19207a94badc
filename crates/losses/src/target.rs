//! Label values as the target of each output channel, and which voxels count.

use crate::overlap::channel_weights;
use crate::{Error, Result};
use vesalius_tensor::{Int, Logits, Tensor};

/// A target in the form of the output it is compared with.
///
/// ```
/// use vesalius_losses::LossTarget;
/// use vesalius_tensor::{Device, Int, Logits, Tensor};
/// use vesalius_volume::LabelScheme;
///
/// let device = Device::flex();
/// let scheme = LabelScheme::exclusive(&[("organ", 1)])?.with_ignore(Some(255))?;
/// let logits = Logits::new(Tensor::zeros([1, 2, 1, 1, 3], &device), &scheme)?;
/// let labels = Tensor::<5, Int>::from_data([[[[[0, 1, 255]]]]], &device);
/// let target = LossTarget::new(&logits, &labels)?;
/// // Background, then organ; the third voxel belongs to neither.
/// assert_eq!(target.channels.into_data().to_vec::<f32>()?, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LossTarget {
    /// `[N, C, Z, Y, X]`: 1 where the voxel belongs to the channel's class or region, else 0; 0 in
    /// every channel where the voxel is to be ignored.
    pub channels: Tensor<5>,
    /// `[N, 1, Z, Y, X]`: 1 where the voxel counts, 0 where it carries the scheme's ignore label;
    /// nothing when the scheme has none.
    pub valid: Option<Tensor<5>>,
}

impl LossTarget {
    /// The target that label values `[N, 1, Z, Y, X]` set for `logits`.
    ///
    /// # Errors
    /// [`Error::WrongShape`] when the labels do not lie on the grid of the logits.
    pub fn new(logits: &Logits, labels: &Tensor<5, Int>) -> Result<Self> {
        let [n, _, z, y, x] = logits.dims();
        if labels.dims() != [n, 1, z, y, x] {
            return Err(Error::WrongShape {
                found: labels.dims().to_vec(),
                expected: vec![n, 1, z, y, x],
            });
        }
        let scheme = logits.scheme();
        let values = scheme.label_values();
        let channels = (0..scheme.channels())
            .map(|channel| {
                let mut inside = values
                    .iter()
                    .filter(|&&value| scheme.contains(channel, value))
                    .map(|&value| labels.clone().equal_scalar(i64::from(value)));
                // A checked scheme has a value for every channel.
                let first = inside
                    .next()
                    .unwrap_or_else(|| labels.clone().equal_scalar(-1_i64));
                inside
                    .fold(first, |union, part| union.bool_or(part))
                    .float()
            })
            .collect();
        Ok(Self {
            channels: Tensor::cat(channels, 1),
            valid: scheme
                .ignore()
                .map(|ignore| labels.clone().not_equal_scalar(i64::from(ignore)).float()),
        })
    }

    /// A tensor with zeros where the voxel does not count; one channel or all.
    pub(crate) fn masked(&self, tensor: Tensor<5>) -> Tensor<5> {
        match &self.valid {
            Some(valid) => tensor * valid.clone(),
            None => tensor,
        }
    }

    /// The mean of `[N, C, Z, Y, X]`, zero where voxels do not count, over channels and voxels that do.
    pub(crate) fn mean(&self, tensor: Tensor<5>) -> Tensor<1> {
        match &self.valid {
            None => tensor.mean(),
            Some(valid) => {
                let count = valid.clone().sum().clamp_min(1e-8);
                let channels = tensor.dims()[1] as f64;
                tensor.sum() / count.mul_scalar(channels)
            }
        }
    }

    /// That mean, each channel with its weight, if any.
    pub(crate) fn mean_weighted(
        &self,
        loss: &'static str,
        tensor: Tensor<5>,
        weight: Option<&[f64]>,
    ) -> Result<Tensor<1>> {
        Ok(self.mean(match weight {
            None => tensor,
            Some(weight) => {
                let weight = channel_weights(loss, weight, &tensor)?;
                tensor * weight
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_tensor::Device;
    use vesalius_volume::LabelScheme;

    #[test]
    fn regions_overlap_and_ignored_voxels_count_nowhere() {
        let scheme = LabelScheme::regions(&[("whole", &[1, 2], 1), ("core", &[2], 2)]).unwrap();
        let scheme = scheme.with_ignore(Some(9)).unwrap();
        let device = Device::flex();
        let logits = Logits::new(Tensor::zeros([1, 2, 1, 1, 4], &device), &scheme).unwrap();
        let labels = Tensor::<5, Int>::from_data([[[[[0, 1, 2, 9]]]]], &device);
        let target = LossTarget::new(&logits, &labels).unwrap();
        let channels: Vec<f32> = target.channels.into_data().iter::<f32>().collect();
        assert_eq!(channels, [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        let valid: Vec<f32> = target.valid.unwrap().into_data().iter::<f32>().collect();
        assert_eq!(valid, [1.0, 1.0, 1.0, 0.0]);
        assert!(LossTarget::new(&logits, &labels.repeat_dim(4, 2)).is_err());
    }
}
