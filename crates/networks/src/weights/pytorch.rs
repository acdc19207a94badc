//! PyTorch's own files: `torch.save` of a state dict or a checkpoint, zip or legacy. Their pickles are
//! parsed for tensors and never executed.

use super::{Source, StoredTensor, Weights, bad, floats};
use crate::Result;
use pytorch_reader::{DType, PytorchReader, Tensor};
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
