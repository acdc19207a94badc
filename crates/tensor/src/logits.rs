//! A network's output with the meaning of its channels, before probabilities.

use crate::{Error, LogitsSlab, Probabilities, Result, Tensor, values_of};
use burn::tensor::activation::{log_softmax, sigmoid, softmax};
use vesalius_volume::{Geometry, LabelMap, LabelScheme};

/// Logits `[N, C, Z, Y, X]` of a [`LabelScheme`] with C channels.
///
/// Logits become [`Probabilities`] once, and never logits again. Only probabilities, or the logits behind this
/// type where the result is the same, become labels. Applying a sigmoid or softmax twice does not compile:
///
/// ```
/// # use vesalius_tensor::{Device, Logits, Tensor};
/// # use vesalius_volume::LabelScheme;
/// # let scheme = LabelScheme::regions(&[("tumour", &[1], 1)]).unwrap();
/// # let output = Tensor::<5>::zeros([1, 1, 2, 2, 2], &Device::flex());
/// let logits = Logits::new(output, &scheme).unwrap();
/// let probabilities = logits.probabilities();
/// # let _ = probabilities;
/// ```
///
/// ```compile_fail
/// # use vesalius_tensor::{Device, Logits, Tensor};
/// # use vesalius_volume::LabelScheme;
/// # let scheme = LabelScheme::regions(&[("tumour", &[1], 1)]).unwrap();
/// # let output = Tensor::<5>::zeros([1, 1, 2, 2, 2], &Device::flex());
/// let logits = Logits::new(output, &scheme).unwrap();
/// let probabilities = logits.probabilities().probabilities();
/// # let _ = probabilities;
/// ```
///
/// ```compile_fail
/// # use vesalius_tensor::{Device, Logits, Tensor};
/// # use vesalius_volume::LabelScheme;
/// # let scheme = LabelScheme::regions(&[("tumour", &[1], 1)]).unwrap();
/// # let output = Tensor::<5>::zeros([1, 1, 2, 2, 2], &Device::flex());
/// let probabilities = Logits::new(output, &scheme).unwrap().probabilities();
/// let logits = Logits::new(probabilities, &scheme);
/// # let _ = logits;
/// ```
#[derive(Debug, Clone)]
pub struct Logits {
    tensor: Tensor<5>,
    scheme: LabelScheme,
}

impl Logits {
    /// A network's output with its meaning.
    ///
    /// # Errors
    /// [`Error::WrongShape`] when the channels are not as many as the scheme's.
    pub fn new(output: Tensor<5>, scheme: &LabelScheme) -> Result<Self> {
        let dims = output.dims();
        if dims[1] != scheme.channels() {
            return Err(Error::WrongShape {
                what: "a network's output".to_owned(),
                found: dims.to_vec(),
                expected: format!(
                    "{}, one for each of {:?}",
                    vesalius_volume::counted(scheme.channels(), "channel"),
                    scheme.channel_names()
                ),
            });
        }
        Ok(Self {
            tensor: output,
            scheme: scheme.clone(),
        })
    }

    /// What the channels mean.
    pub fn scheme(&self) -> &LabelScheme {
        &self.scheme
    }

    /// `[N, C, Z, Y, X]`.
    pub fn dims(&self) -> [usize; 5] {
        self.tensor.dims()
    }

    /// The raw values, for losses that are written on logits. Nothing turns them, once softmaxed
    /// by hand, into [`Probabilities`].
    pub fn values(&self) -> Tensor<5> {
        self.tensor.clone()
    }

    /// Softmax over the channels (exclusive labels) or a sigmoid of each (regions), once.
    pub fn probabilities(self) -> Probabilities {
        let tensor = match self.scheme {
            LabelScheme::Exclusive { .. } => softmax(self.tensor, 1),
            LabelScheme::Regions { .. } => sigmoid(self.tensor),
        };
        Probabilities::from_activated(tensor, self.scheme)
    }

    /// The logarithm of the probabilities of exclusive labels, computed without underflow.
    pub fn log_softmax(&self) -> Tensor<5> {
        log_softmax(self.tensor.clone(), 1)
    }

    /// The mean of logits, for flips and folds of one kind of model.
    ///
    /// # Errors
    /// [`Error::SchemeMismatch`] or [`Error::WrongShape`] when they do not belong together, or
    /// there is none.
    pub fn mean(parts: &[Self]) -> Result<Self> {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| (&part.tensor, &part.scheme))
            .collect();
        let (tensor, scheme) = mean(&parts)?;
        Ok(Self { tensor, scheme })
    }

    /// The label map of a batch of one, placed by `geometry`: the same labels as through
    /// [`Logits::probabilities`].
    ///
    /// # Errors
    /// [`Error::WrongShape`] when the batch is not 1 or the grid not the geometry's;
    /// [`Error::Execution`].
    pub fn labels(self, geometry: Geometry) -> Result<LabelMap> {
        check_grid("logits to be labels", self.tensor.dims(), geometry)?;
        let slab = LogitsSlab::new(&self.scheme, values_of(self.tensor)?)?;
        let mut labels = LabelMap::background(geometry);
        slab.labels_into(labels.data_mut())?;
        Ok(labels)
    }
}

/// The mean of outputs that mean the same.
pub(crate) fn mean(parts: &[(&Tensor<5>, &LabelScheme)]) -> Result<(Tensor<5>, LabelScheme)> {
    let Some(((first, scheme), rest)) = parts.split_first() else {
        return Err(Error::SchemeMismatch(
            "the mean of no outputs at all does not exist; give at least one".to_owned(),
        ));
    };
    let mut sum = (*first).clone();
    for (tensor, other) in rest {
        if scheme != other {
            return Err(Error::SchemeMismatch(
                "outputs of two different label schemes cannot be averaged; use models trained with the same labels".to_owned(),
            ));
        }
        if tensor.dims() != first.dims() {
            return Err(Error::WrongShape {
                what: "an output to be averaged with another".to_owned(),
                found: tensor.dims().to_vec(),
                expected: format!("{:?}", first.dims()),
            });
        }
        sum = sum + (*tensor).clone();
    }
    Ok((sum.div_scalar(parts.len() as f32), (*scheme).clone()))
}

pub(crate) fn check_grid(what: &str, dims: [usize; 5], geometry: Geometry) -> Result<()> {
    let [x, y, z] = geometry.size();
    if dims[0] == 1 && dims[2..] == [z, y, x] {
        return Ok(());
    }
    Err(Error::WrongShape {
        what: what.to_owned(),
        found: dims.to_vec(),
        expected: format!("[1, channels, {z}, {y}, {x}] for a grid of size [{x}, {y}, {z}]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, tensor_from_values};

    fn three_voxels(values: &[f32], channels: usize) -> Tensor<5> {
        tensor_from_values(values.to_vec(), 1, channels, [3, 1, 1], &Device::flex()).unwrap()
    }

    fn grid() -> Geometry {
        Geometry::axis_aligned([3, 1, 1], [1.0; 3]).unwrap()
    }

    #[test]
    fn exclusive_logits_give_softmax_and_the_same_labels_on_both_roads() {
        let scheme = LabelScheme::exclusive(&[("organ", 7)]).unwrap();
        let output = three_voxels(&[1.0, 0.0, 2.0, 0.0, 1.0, 2.0], 2);
        let logits = Logits::new(output, &scheme).unwrap();
        let probabilities = logits.clone().probabilities();
        let expected = 1.0f32.exp() / (1.0f32.exp() + 1.0);
        let first: f32 = probabilities
            .values()
            .into_data()
            .iter::<f32>()
            .next()
            .unwrap();
        assert!((first - expected).abs() < 1e-6);
        let direct = logits.labels(grid()).unwrap();
        assert_eq!(direct.data(), [0, 7, 0]);
        assert_eq!(probabilities.labels(grid()).unwrap(), direct);
    }

    #[test]
    fn regions_overlap_and_paint() {
        let scheme = LabelScheme::regions(&[("whole", &[1, 2], 1), ("core", &[2], 2)]).unwrap();
        let logits = Logits::new(three_voxels(&[4.0, 4.0, -4.0, -4.0, 4.0, -4.0], 2), &scheme);
        let logits = logits.unwrap();
        assert_eq!(logits.clone().labels(grid()).unwrap().data(), [1, 2, 0]);
        let sum: f32 = logits.probabilities().values().sum().into_scalar();
        assert!((sum - 3.0).abs() < 1e-5, "sigmoids, not a softmax: {sum}");
    }

    #[test]
    fn channels_must_be_the_schemes() {
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let message = Logits::new(three_voxels(&[0.0; 3], 1), &scheme)
            .unwrap_err()
            .to_string();
        assert!(message.contains("2 channels"), "{message}");
    }

    #[test]
    fn the_mean_of_logits_is_not_the_mean_of_probabilities() {
        let scheme = LabelScheme::regions(&[("tumour", &[1], 1)]).unwrap();
        let make = |v: f32| Logits::new(three_voxels(&[v; 3], 1), &scheme).unwrap();
        let parts = [make(4.0), make(-2.0)];
        let mean: f32 = Logits::mean(&parts).unwrap().values().mean().into_scalar();
        assert!((mean - 1.0).abs() < 1e-6);
        let probabilities = parts.map(Logits::probabilities);
        let mean: f32 = Probabilities::mean(&probabilities)
            .unwrap()
            .values()
            .mean()
            .into_scalar();
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        assert!((mean - (sigmoid(4.0) + sigmoid(-2.0)) / 2.0).abs() < 1e-6);
    }
}
