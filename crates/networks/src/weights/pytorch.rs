//! PyTorch's own files: `torch.save` of a state dict or a checkpoint, zip or legacy. Their pickles are
//! parsed for tensors and never executed.

use super::{Source, StoredTensor, Weights, bad, floats};
use crate::Result;
use pytorch_reader::{DType, PickleValue, PytorchReader, Tensor};
use serde_json::Value;
use std::path::Path;

pub(super) fn open(path: &Path) -> Result<Weights> {
    let what = path.display().to_string();
    let reader = PytorchReader::new(path).map_err(|error| {
        let problem = format!("it is neither a safetensors file nor one of PyTorch's ({error})");
        bad(&what, problem)
    })?;
    let mut weights = Weights::default();
    for (name, mut tensor) in reader.into_tensors() {
        tensor.name = format!("{name}` of `{what}");
        let stored = StoredTensor {
            shape: tensor.shape().to_vec(),
            source: Source::Pytorch(Box::new(tensor)),
        };
        weights.tensors.insert(name, stored);
    }
    if weights.is_empty() {
        return Err(bad(&what, "it holds no tensor".to_owned()));
    }
    Ok(weights)
}

pub(super) fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    let what = || format!("tensor `{}`", tensor.name);
    let data = tensor
        .read()
        .map_err(|error| bad(&what(), error.to_string()))?;
    Ok(match tensor.dtype() {
        DType::F32 => floats(&data, f32::from_le_bytes),
        DType::F64 => floats(&data, |b| f64::from_le_bytes(b) as f32),
        DType::F16 => floats(&data, |b| burn::tensor::f16::from_le_bytes(b).to_f32()),
        DType::BF16 => floats(&data, |b| burn::tensor::bf16::from_le_bytes(b).to_f32()),
        DType::I64 => floats(&data, |b| i64::from_le_bytes(b) as f32),
        other => return Err(bad(&what(), format!("it holds {other:?}, not floats"))),
    })
}

/// What one of PyTorch's files holds beside its tensors (names, numbers, settings), as JSON; tensors and
/// objects that are not understood become null.
///
/// # Errors
/// [`crate::Error::BadWeights`] for a file that cannot be read or is none of PyTorch's.
pub fn read_pytorch_values(path: &Path) -> Result<Value> {
    let read = PytorchReader::read_pickle_data(path, None);
    read.map(json).map_err(|error| {
        let problem = format!("it is not one of PyTorch's files, or is cut short ({error})");
        bad(&path.display().to_string(), problem)
    })
}

fn json(value: PickleValue) -> Value {
    match value {
        PickleValue::Bool(value) => value.into(),
        PickleValue::Int(value) => value.into(),
        PickleValue::Float(value) => value.into(),
        PickleValue::String(value) => value.into(),
        PickleValue::List(values) => values.into_iter().map(json).collect(),
        PickleValue::Dict(entries) => entries.into_iter().map(|(k, v)| (k, json(v))).collect(),
        PickleValue::None | PickleValue::Bytes(_) | PickleValue::Unsupported(_) => Value::Null,
    }
}
