//! Named tensors, as a PyTorch state dict holds them, from and to safetensors.
//!
//! Files are written by those who own the folder; this gives and takes bytes.

use crate::{Error, Result};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;

/// Tensors by PyTorch's names and in its layouts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights {
    tensors: BTreeMap<String, StoredTensor>,
}

/// One tensor of [`Weights`].
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl StoredTensor {
    /// PyTorch's shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in PyTorch's (C) order.
    ///
    /// # Errors
    /// [`Error::BadWeights`] when they cannot be read.
    pub fn values(&self) -> Result<Vec<f32>> {
        Ok(self.values.clone())
    }
}

impl Weights {
    /// Adds a tensor, or replaces the one of that name.
    pub fn insert(&mut self, name: String, shape: Vec<usize>, values: Vec<f32>) {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        self.tensors.insert(name, StoredTensor { shape, values });
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.tensors.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Weights from the bytes of a safetensors file; `what` names it in errors.
    ///
    /// # Errors
    /// [`Error::BadWeights`] for bytes that are none, or a type of number that no weight has.
    pub fn from_safetensors(what: &str, bytes: &[u8]) -> Result<Self> {
        let bad = |problem: String| Error::BadWeights {
            what: what.to_owned(),
            problem,
        };
        let file = SafeTensors::deserialize(bytes)
            .map_err(|error| bad(format!("it is not a whole safetensors file ({error})")))?;
        let mut weights = Self::default();
        for (name, view) in file.tensors() {
            let values = floats(&view).ok_or_else(|| {
                bad(format!(
                    "tensor `{name}` holds {:?}, not floats",
                    view.dtype()
                ))
            })?;
            weights.insert(name, view.shape().to_vec(), values);
        }
        Ok(weights)
    }

    /// The bytes of a safetensors file with PyTorch's names, 32-bit floats.
    ///
    /// # Errors
    /// [`Error::BadWeights`] when the weights are too large for the format.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let buffers: Vec<(&String, &StoredTensor, Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, tensor)| {
                let bytes = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name, tensor, bytes)
            })
            .collect();
        let bad = |error: safetensors::SafeTensorError| Error::BadWeights {
            what: "a set of weights".to_owned(),
            problem: error.to_string(),
        };
        let views = buffers
            .iter()
            .map(|(name, tensor, bytes)| {
                let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?;
                Ok((name.as_str(), view))
            })
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(bad)?;
        safetensors::serialize(views, None).map_err(bad)
    }
}

/// The values of a view as 32-bit floats; nothing for whole numbers that are no weights, except
/// counters, which PyTorch stores beside them.
fn floats(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => read(data, f32::from_le_bytes),
        Dtype::F64 => read(data, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => read(data, |b| burn::tensor::f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => read(data, |b| burn::tensor::bf16::from_le_bytes(b).to_f32()),
        Dtype::I64 => read(data, |b| i64::from_le_bytes(b) as f32),
        _ => return None,
    })
}

fn read<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|&b| value(b)).collect()
}
