//! The safetensors format: a JSON table of names, types, shapes and places, then the numbers.

use super::{Source, StoredTensor, Weights, bad, floats};
use crate::Result;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensors};
use serde_json::json;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest table that is believed, as in the format's own library.
const LONGEST_TABLE: u64 = 100_000_000;

/// Bytes that are read at a time, so that a tensor is not in memory twice; a multiple of every number.
const PIECE: usize = 1 << 20;

/// The place of a tensor in a file.
#[derive(Debug)]
pub(super) struct Stored {
    what: String,
    pub file: Arc<Mutex<File>>,
    pub start: u64,
    length: usize,
    kind: Dtype,
}

impl Stored {
    pub fn values(&self) -> Result<Vec<f32>> {
        let io = |error: std::io::Error| bad(&self.what, error.to_string());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.start)).map_err(io)?;
        let mut values = Vec::with_capacity(self.length / self.kind.bitsize().div_ceil(8).max(1));
        let mut piece = vec![0; PIECE.min(self.length)];
        let mut left = self.length;
        while left > 0 {
            let piece = &mut piece[..left.min(PIECE)];
            file.read_exact(piece).map_err(io)?;
            let read = numbers(self.kind, piece);
            values.extend(
                read.ok_or_else(|| {
                    bad(&self.what, format!("it holds {:?}, not floats", self.kind))
                })?,
            );
            left -= piece.len();
        }
        Ok(values)
    }
}

pub(super) fn open(path: &Path) -> Result<Weights> {
    let what = path.display().to_string();
    let io = |error: std::io::Error| bad(&what, error.to_string());
    let mut file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(io)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_TABLE || length + 8 > size {
        return Err(bad(
            &what,
            "its table of tensors is cut off or too long".to_owned(),
        ));
    }
    let mut table = vec![0; length as usize];
    file.read_exact(&mut table).map_err(io)?;
    let table: Metadata = serde_json::from_slice(&table)
        .map_err(|error| bad(&what, format!("its table of tensors is broken ({error})")))?;
    let file = Arc::new(Mutex::new(file));
    let mut weights = Weights::default();
    for (name, info) in table.tensors() {
        let (first, last) = info.data_offsets;
        if last < first || 8 + length + last as u64 > size {
            return Err(bad(&what, format!("it ends before tensor `{name}` does")));
        }
        let stored = Stored {
            what: format!("tensor `{name}` of {what}"),
            file: Arc::clone(&file),
            start: 8 + length + first as u64,
            length: last - first,
            kind: info.dtype,
        };
        let tensor = StoredTensor {
            shape: info.shape.clone(),
            source: Source::Safetensors(Arc::new(stored)),
        };
        weights.tensors.insert(name, tensor);
    }
    if let Some(texts) = table.metadata() {
        weights.restore_shared(texts);
    }
    Ok(weights)
}

pub(super) fn read(what: &str, bytes: &[u8]) -> Result<Weights> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        bad(
            what,
            format!("it is not a whole safetensors file ({error})"),
        )
    })?;
    let mut weights = Weights::default();
    for (name, view) in file.tensors() {
        let values = numbers(view.dtype(), view.data()).ok_or_else(|| {
            let problem = format!("tensor `{name}` holds {:?}, not floats", view.dtype());
            bad(what, problem)
        })?;
        weights.insert(name, view.shape().to_vec(), values)?;
    }
    let table = SafeTensors::read_metadata(bytes);
    if let Some(texts) = table.ok().and_then(|(_, table)| table.metadata().clone()) {
        weights.restore_shared(&texts);
    }
    Ok(weights)
}

/// The table, then each tensor's numbers, read one tensor after another. Names that share another's tensor are in
/// the metadata, as in Hugging Face's `save_model`: `{"__metadata__": {name: the other}}`.
pub(super) fn write(weights: &Weights, to: &mut impl Write) -> std::io::Result<()> {
    let mut table = serde_json::Map::new();
    let stored = || weights.iter().filter(|(name, _)| !weights.is_shared(name));
    if !weights.shared.is_empty() {
        table.insert("__metadata__".to_owned(), json!(weights.shared));
    }
    let mut end = 0;
    for (name, tensor) in stored() {
        let start = end;
        end += 4 * tensor.shape.iter().product::<usize>();
        let entry = json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end]});
        table.insert(name.to_owned(), entry);
    }
    let mut table = serde_json::to_vec(&table)?;
    // In the format, numbers start at a multiple of eight.
    table.resize(table.len().next_multiple_of(8), b' ');
    to.write_all(&(table.len() as u64).to_le_bytes())?;
    to.write_all(&table)?;
    for (_, tensor) in stored() {
        for values in tensor
            .values()
            .map_err(std::io::Error::other)?
            .chunks(1 << 16)
        {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            to.write_all(&bytes)?;
        }
    }
    Ok(())
}

/// As 32-bit floats; `None` for what no weight is.
fn numbers(kind: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    Some(match kind {
        Dtype::F32 => floats(data, f32::from_le_bytes),
        Dtype::F64 => floats(data, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => floats(data, |b| burn::tensor::f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => floats(data, |b| burn::tensor::bf16::from_le_bytes(b).to_f32()),
        // Counters that PyTorch stores with the weights.
        Dtype::I64 => floats(data, |b| i64::from_le_bytes(b) as f32),
        _ => return None,
    })
}
