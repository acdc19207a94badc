//! Probabilities of classes or regions; only these and logits become labels.

use crate::logits::{check_grid, mean};
use crate::{ProbabilitiesSlab, Result, Tensor, values_of};
use vesalius_volume::{Geometry, LabelMap, LabelScheme};

/// Probabilities `[N, C, Z, Y, X]` of a [`LabelScheme`] with C channels; made by
/// [`crate::Logits::probabilities`] alone.
#[derive(Debug, Clone)]
pub struct Probabilities {
    tensor: Tensor<5>,
    scheme: LabelScheme,
}

impl Probabilities {
    pub(crate) fn from_activated(tensor: Tensor<5>, scheme: LabelScheme) -> Self {
        Self { tensor, scheme }
    }

    /// What the channels mean.
    pub fn scheme(&self) -> &LabelScheme {
        &self.scheme
    }

    /// `[N, C, Z, Y, X]`.
    pub fn dims(&self) -> [usize; 5] {
        self.tensor.dims()
    }

    /// The values, for losses and for saving.
    pub fn values(&self) -> Tensor<5> {
        self.tensor.clone()
    }

    /// The mean of probabilities, for ensembles of models.
    ///
    /// # Errors
    /// [`crate::Error::SchemeMismatch`] or [`crate::Error::WrongShape`] when they do not belong
    /// together, or there is none.
    pub fn mean(parts: &[Self]) -> Result<Self> {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| (&part.tensor, &part.scheme))
            .collect();
        let (tensor, scheme) = mean(&parts)?;
        Ok(Self { tensor, scheme })
    }

    /// The label map of a batch of one, placed by `geometry`: the most probable class (the first of
    /// equals), or the regions above ½ painted in their order.
    ///
    /// # Errors
    /// [`crate::Error::WrongShape`] when the batch is not 1 or the grid not the geometry's;
    /// [`crate::Error::Execution`].
    pub fn labels(self, geometry: Geometry) -> Result<LabelMap> {
        check_grid("probabilities to be labels", self.tensor.dims(), geometry)?;
        let slab = ProbabilitiesSlab::from_stored(&self.scheme, values_of(self.tensor)?)?;
        let mut labels = LabelMap::background(geometry);
        slab.labels_into(labels.data_mut())?;
        Ok(labels)
    }
}
