//! PyTorch's own files: `torch.save` of a state dict or a checkpoint, zip or legacy. Their pickles are
//! parsed for tensors and never executed.

use super::{Source, StoredTensor, Weights, bad};
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
        DType::F32 => drained(data, f32::from_le_bytes),
        DType::F64 => drained(data, |b| f64::from_le_bytes(b) as f32),
        DType::F16 => drained(data, |b| burn::tensor::f16::from_le_bytes(b).to_f32()),
        DType::BF16 => drained(data, |b| burn::tensor::bf16::from_le_bytes(b).to_f32()),
        DType::I64 => drained(data, |b| i64::from_le_bytes(b) as f32),
        other => return Err(bad(&what(), format!("it holds {other:?}, not floats"))),
    })
}

/// Bytes that are given back at a time.
const PIECE: usize = 8 << 20;

/// Little-endian numbers of a type, as 32-bit floats. The bytes are given back from their end as they are
/// turned, so that a large tensor is in memory once.
fn drained<const N: usize>(mut data: Vec<u8>, value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let count = data.len() / N;
    let mut values = vec![0.0; count];
    let mut end = count;
    while end > 0 {
        let start = (end - 1) / (PIECE / N) * (PIECE / N);
        let numbers = data[start * N..end * N].as_chunks::<N>().0;
        for (to, &bytes) in values[start..end].iter_mut().zip(numbers) {
            *to = value(bytes);
        }
        data.truncate(start * N);
        data.shrink_to_fit();
        end = start;
    }
    values
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_several_pieces_keep_their_order() {
        let count = PIECE / 4 * 2 + 5;
        let data: Vec<u8> = (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect();
        let values = drained(data, f32::from_le_bytes);
        assert_eq!(values.len(), count);
        assert!(values.iter().enumerate().all(|(i, &v)| v == i as f32));
        assert!(drained(Vec::new(), f32::from_le_bytes).is_empty());
        assert_eq!(
            drained(7i64.to_le_bytes().to_vec(), |b| i64::from_le_bytes(b)
                as f32),
            [7.0]
        );
    }
}
