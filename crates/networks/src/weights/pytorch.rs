//! PyTorch's own files: `torch.save` of a state dict or a checkpoint, zip or legacy. Their pickles are
//! parsed for tensors and never executed.

use super::archive::Archive;
use super::pickle::{Pickle, read_pickle};
use super::view::View;
use super::{Source, StoredTensor, Weights, bad};
use crate::Result;
use pytorch_reader::{DType, PickleValue, PytorchReader, Tensor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// A tensor of an archive whose pickle is read here.
#[derive(Debug)]
pub(super) struct Archived {
    what: String,
    pub archive: Arc<Archive>,
    pub view: View,
}

/// A tensor that pytorch-reader reads.
#[derive(Debug, Clone)]
pub(super) struct Read {
    tensor: Tensor,
    /// Its file and where it stands in it, where that is known.
    pub place: Option<(Arc<str>, View)>,
}

/// What pytorch-reader reads, and of the archives that it refuses (a `defaultdict` around the weights, for one)
/// what is read here.
pub(super) fn open(path: &Path) -> Result<Weights> {
    let what = path.display().to_string();
    let weights = match PytorchReader::new(path) {
        Ok(reader) => of_reader(reader, path, &what),
        Err(_) if is_archive(path) => {
            of_archive(path, &what).map_err(|problem| bad(&what, format!("it {problem}")))?
        }
        Err(error) => {
            let problem =
                format!("it is neither a safetensors file nor one of PyTorch's ({error})");
            return Err(bad(&what, problem));
        }
    };
    if weights.is_empty() {
        return Err(bad(&what, "it holds no tensor".to_owned()));
    }
    Ok(weights)
}

fn of_reader(reader: PytorchReader, path: &Path, what: &str) -> Weights {
    let file: Arc<str> = what.into();
    let mut views = views(path);
    let mut weights = Weights::default();
    for (name, mut tensor) in reader.into_tensors() {
        tensor.name = format!("{name}` of `{what}");
        let shape = tensor.shape().to_vec();
        let view = views.remove(&name).filter(|view| view.shape == shape);
        let read = Read {
            tensor,
            place: view.map(|view| (Arc::clone(&file), view)),
        };
        let source = Source::Pytorch(Box::new(read));
        weights.tensors.insert(name, StoredTensor { shape, source });
    }
    weights
}

/// Where the tensors of an archive stand in it, which pytorch-reader does not tell; none for the older formats.
fn views(path: &Path) -> BTreeMap<String, View> {
    if !is_archive(path) {
        return BTreeMap::new();
    }
    let read = Archive::open(path).and_then(|archive| Pickle::read(&archive.pickle()?)?.tensors());
    read.unwrap_or_default()
}

fn of_archive(path: &Path, what: &str) -> std::result::Result<Weights, String> {
    let archive = Arc::new(Archive::open(path)?);
    let pickle = Pickle::read(&archive.pickle()?)?;
    if let Some(class) = pickle.class() {
        return Err(format!(
            "holds a whole object (`{class}`), which only its own Python code can read; save its `state_dict()`"
        ));
    }
    let mut weights = Weights::default();
    for (name, view) in pickle.tensors()? {
        let shape = view.shape.clone();
        let archived = Archived {
            what: format!("tensor `{name}` of `{what}`"),
            archive: Arc::clone(&archive),
            view,
        };
        let source = Source::Archived(Arc::new(archived));
        weights.tensors.insert(name, StoredTensor { shape, source });
    }
    Ok(weights)
}

/// Whether a file can be read and starts as an archive.
fn is_archive(path: &Path) -> bool {
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && Archive::starts(&start)
}

impl Archived {
    pub fn values(&self) -> Result<Vec<f32>> {
        let window = self.archive.window(&self.view);
        let window = window.map_err(|problem| bad(&self.what, format!("its file {problem}")))?;
        numbers(&self.what, self.view.kind, self.view.gathered(window))
    }
}

impl Read {
    pub fn values(&self) -> Result<Vec<f32>> {
        let what = format!("tensor `{}`", self.tensor.name);
        let data = self.tensor.read();
        let data = data.map_err(|error| bad(&what, error.to_string()))?;
        numbers(&what, self.tensor.dtype(), data)
    }
}

fn numbers(what: &str, kind: DType, data: Vec<u8>) -> Result<Vec<f32>> {
    Ok(match kind {
        DType::F32 => drained(data, f32::from_le_bytes),
        DType::F64 => drained(data, |b| f64::from_le_bytes(b) as f32),
        DType::F16 => drained(data, |b| burn::tensor::f16::from_le_bytes(b).to_f32()),
        DType::BF16 => drained(data, |b| burn::tensor::bf16::from_le_bytes(b).to_f32()),
        DType::I64 => drained(data, |b| i64::from_le_bytes(b) as f32),
        other => return Err(bad(what, format!("it holds {other:?}, not floats"))),
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

/// What one of PyTorch's files holds besides its tensors (names, numbers, settings), as JSON, in the form of
/// [`read_pickle`]; in the formats from before PyTorch 1.6, unsupported objects are null.
///
/// # Errors
/// [`crate::Error::BadWeights`] for a file that cannot be read or is not PyTorch's.
pub fn read_pytorch_values(path: &Path) -> Result<Value> {
    let what = path.display().to_string();
    if is_archive(path) {
        let read = Archive::open(path).and_then(|archive| read_pickle(&archive.pickle()?));
        return read.map_err(|problem| bad(&what, format!("it {problem}")));
    }
    let read = PytorchReader::read_pickle_data(path, None);
    read.map(json).map_err(|error| {
        let problem = format!("it is not one of PyTorch's files, or is cut short ({error})");
        bad(&what, problem)
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
#[path = "pytorch_tests.rs"]
mod tests;
