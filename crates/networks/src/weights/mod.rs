//! Named tensors, as in a PyTorch state dict: read lazily from safetensors and PyTorch files, written as
//! safetensors. Nothing pickled is ever executed.
//!
//! Weights become bytes here; callers write the files.

mod archive;
mod pickle;
mod pytorch;
mod safetensors;
mod shared;
mod view;

pub use pickle::read_pickle;
pub use pytorch::read_pytorch_values;

use crate::{Error, Mismatch, Result};
use burn::tensor::TensorData;
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use vesalius_tensor::{Device, Tensor};

/// Tensors by PyTorch's names and in its layouts. A clone shares the values.
///
/// ```
/// use vesalius_networks::Weights;
///
/// let mut weights = Weights::default();
/// weights.insert("first.bias".to_owned(), vec![2], vec![0.5, -0.5])?;
/// let read = Weights::from_safetensors("the example", &weights.to_safetensors()?)?;
/// assert_eq!(read.get("first.bias").unwrap().values()?, [0.5, -0.5]);
/// # Ok::<(), vesalius_networks::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Weights {
    tensors: BTreeMap<String, StoredTensor>,
    /// Names whose tensor a file has under another name only, and that name.
    shared: BTreeMap<String, String>,
}

/// One tensor of [`Weights`]; a tensor of a file is read when its values are requested.
#[derive(Debug, Clone)]
pub struct StoredTensor {
    shape: Vec<usize>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Memory(Arc<Vec<f32>>),
    Safetensors(Arc<safetensors::Stored>),
    Pytorch(Box<pytorch::Read>),
    Archived(Arc<pytorch::Archived>),
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
        match &self.source {
            Source::Memory(values) => Ok(values.to_vec()),
            Source::Safetensors(stored) => stored.values(),
            Source::Pytorch(read) => read.values(),
            Source::Archived(tensor) => tensor.values(),
        }
    }
}

impl Weights {
    /// Opens a `.safetensors`, `.pt`, `.pth` or TorchScript file, recognised by its content; values stay in the file until they
    /// are requested. Of a checkpoint with other things (an optimiser's state, a plan) every tensor is listed, and
    /// [`crate::Network::load`] finds those of the network.
    ///
    /// # Errors
    /// [`Error::BadWeights`] with the path and what is wrong.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bad = |error: std::io::Error| bad(&path.display().to_string(), error.to_string());
        // A pipe would be waited for, and a device may have no end.
        if !std::fs::metadata(path).map_err(bad)?.is_file() {
            return Err(bad(std::io::Error::other("it is no file")));
        }
        let mut start = [0; 9];
        let mut file = std::fs::File::open(path).map_err(bad)?;
        let count = file.read(&mut start).map_err(bad)?;
        // A safetensors file starts with the length of a JSON object; nothing PyTorch writes does.
        if count == 9 && start[8] == b'{' {
            safetensors::open(path)
        } else {
            pytorch::open(path)
        }
    }

    /// Weights from the bytes of a safetensors file; `what` names it in errors.
    ///
    /// # Errors
    /// [`Error::BadWeights`] for bytes that are none, or a type of number that no weight has.
    pub fn from_safetensors(what: &str, bytes: &[u8]) -> Result<Self> {
        safetensors::read(what, bytes)
    }

    /// The bytes of a safetensors file with PyTorch's names, 32-bit floats.
    ///
    /// # Errors
    /// [`Error::BadWeights`] when values cannot be read or are too many for the format.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        safetensors::write(self, &mut bytes)
            .map_err(|error| bad("a set of weights", error.to_string()))?;
        Ok(bytes)
    }

    /// Writes what [`Weights::to_safetensors`] returns, a tensor at a time.
    ///
    /// # Errors
    /// Those of `to`, and [`Error::BadWeights`] as the source of one when values cannot be read.
    pub fn write_safetensors(&self, to: &mut impl Write) -> std::io::Result<()> {
        safetensors::write(self, to)
    }

    /// Adds a tensor, or replaces the one of that name.
    ///
    /// # Errors
    /// [`Error::BadWeights`] when there are not as many values as the shape holds.
    pub fn insert(&mut self, name: String, shape: Vec<usize>, values: Vec<f32>) -> Result<()> {
        let count = shape.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
        if count != Some(values.len()) {
            let problem = format!("{} values do not fill the shape {shape:?}", values.len());
            return Err(bad(&format!("tensor `{name}`"), problem));
        }
        let source = Source::Memory(Arc::new(values));
        self.put(name, StoredTensor { shape, source });
        Ok(())
    }

    /// Adds one tensor under several names; its values fill the shape.
    pub(crate) fn insert_shared(
        &mut self,
        names: impl IntoIterator<Item = String>,
        shape: Vec<usize>,
        values: Vec<f32>,
    ) {
        let source = Source::Memory(Arc::new(values));
        for name in names {
            let (shape, source) = (shape.clone(), source.clone());
            self.put(name, StoredTensor { shape, source });
        }
    }

    /// Adds a tensor of other weights under several names.
    pub(crate) fn insert_stored(
        &mut self,
        names: impl IntoIterator<Item = String>,
        tensor: &StoredTensor,
    ) {
        for name in names {
            self.put(name, tensor.clone());
        }
    }

    /// Adds a tensor, which shares no other's any more.
    fn put(&mut self, name: String, tensor: StoredTensor) {
        if !self.shared.is_empty() {
            self.shared.remove(&name);
            self.shared.retain(|_, kept| *kept != name);
        }
        self.tensors.insert(name, tensor);
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.tensors.get(name)
    }

    /// The tensor of that name and shape on a device.
    ///
    /// # Errors
    /// [`Error::WeightsMismatch`] where it is missing or has another shape; [`Error::BadWeights`] where its values
    /// cannot be read.
    pub fn tensor<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>> {
        let mut mismatch = Mismatch::default();
        match self.get(name) {
            None => mismatch.missing.push(name.to_owned()),
            Some(stored) if stored.shape() != shape => {
                let wrong = (name.to_owned(), shape.to_vec(), stored.shape().to_vec());
                mismatch.wrong_shape.push(wrong);
            }
            Some(stored) => {
                let data = TensorData::new(stored.values()?, shape);
                return Ok(Tensor::from_data(data, device));
            }
        }
        Err(Error::WeightsMismatch(mismatch))
    }

    /// All tensors by name, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &StoredTensor)> {
        self.tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
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

    /// The weights whose names begin with `NAME.`, without that: an entry of a checkpoint. None where there is no such name.
    pub fn entry(&self, name: &str) -> Option<Self> {
        let found = self.below(&format!("{name}."));
        (!found.is_empty()).then_some(found)
    }

    /// Those of these weights that have the given names, and no others.
    #[must_use]
    pub fn only<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for name in names {
            if let Some(tensor) = self.get(name) {
                found.insert_stored([name.to_owned()], tensor);
            }
        }
        found
    }

    /// The tensors whose names begin with a prefix, without it.
    fn below(&self, prefix: &str) -> Self {
        let tensors = self.tensors.iter().filter_map(|(name, tensor)| {
            Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone()))
        });
        Self {
            tensors: tensors.collect(),
            shared: BTreeMap::new(),
        }
    }

    /// The part of these weights under the prefix that has most of `names` under it: what is left
    /// of a checkpoint (`network_weights.`, `state_dict.`) or a wrapped module (`module.`,
    /// `_orig_mod.`) when its wrapping is taken off. Where several have as many, see [`Weights::wrapping`].
    pub fn unwrapped<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Self {
        match self.wrapping(names).prefix.as_str() {
            "" => self.clone(),
            prefix => self.below(prefix),
        }
    }

    /// What the names of a network's weights begin with here, and what they begin with where the network is there again:
    /// averages (`ema`) come last, then the shorter prefix is taken, then the first of the alphabet.
    pub fn wrapping<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Wrapping {
        let mut prefixes: HashMap<&str, usize> = HashMap::new();
        let wanted: std::collections::HashSet<&str> = names.into_iter().collect();
        for found in self.tensors.keys() {
            // Every suffix of a name that starts after a dot may be the name that is wanted.
            let starts = std::iter::once(0).chain(found.match_indices('.').map(|(dot, _)| dot + 1));
            for start in starts.filter(|&start| wanted.contains(&found[start..])) {
                *prefixes.entry(&found[..start]).or_default() += 1;
            }
        }
        let most = prefixes.values().copied().max().unwrap_or(0);
        prefixes.retain(|_, count| *count == most);
        let mut found: Vec<&str> = prefixes.into_keys().collect();
        found.sort_by_key(|prefix| (is_average(prefix), prefix.len(), *prefix));
        let mut found = found.into_iter().map(str::to_owned);
        Wrapping {
            prefix: found.next().unwrap_or_default(),
            others: found.collect(),
            names: most,
        }
    }
}

/// What the names of a network's weights begin with in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrapping {
    /// The prefix that is taken off; empty where there is none.
    pub prefix: String,
    /// Other prefixes under which the file has as many of the network's names.
    pub others: Vec<String>,
    /// How many of the network's names there are under the prefix.
    pub names: usize,
}

/// Whether a prefix names averaged weights.
fn is_average(prefix: &str) -> bool {
    let parts = prefix.split(['.', '_']);
    let known = ["ema", "swa", "average", "averaged", "shadow"];
    parts
        .map(str::to_lowercase)
        .any(|part| known.contains(&part.as_str()))
}

fn bad(what: &str, problem: String) -> Error {
    Error::BadWeights {
        what: what.to_owned(),
        problem,
    }
}

/// Little-endian numbers of a type, as 32-bit floats.
fn floats<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|&b| value(b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_copies_the_trained_one_is_taken_and_the_others_are_named() {
        let mut weights = Weights::default();
        for wrapper in ["ema_state_dict.", "state_dict.", "teacher.", ""] {
            for name in ["a.weight", "a.bias"] {
                let name = format!("{wrapper}{name}");
                if !wrapper.is_empty() {
                    weights
                        .insert(name, vec![1], vec![wrapper.len() as f32])
                        .unwrap();
                }
            }
        }
        let found = weights.wrapping(["a.weight", "a.bias"]);
        assert_eq!(found.prefix, "teacher.");
        assert_eq!(found.others, ["state_dict.", "ema_state_dict."]);
        assert_eq!(found.names, 2);
        let taken = weights.unwrapped(["a.weight", "a.bias"]);
        assert_eq!(taken.get("a.bias").unwrap().values().unwrap(), [8.0]);
        let entry = weights.entry("state_dict").unwrap();
        assert_eq!(entry.names().collect::<Vec<_>>(), ["a.bias", "a.weight"]);
        assert!(weights.entry("model").is_none());
        assert_eq!(
            entry.only(["a.bias", "b"]).names().collect::<Vec<_>>(),
            ["a.bias"]
        );
        // One copy alone is no choice.
        let one = entry.wrapping(["a.weight", "a.bias"]);
        assert_eq!((one.prefix.as_str(), one.others.len()), ("", 0));
    }

    #[test]
    fn wrapping_is_taken_off() {
        let mut weights = Weights::default();
        for name in [
            "network_weights.module.encoder.weight",
            "network_weights.module.encoder.bias",
            "network_weights.module.decoder.encoder.weight",
            "optimizer_state.state.0.momentum",
        ] {
            weights.insert(name.to_owned(), vec![1], vec![0.0]).unwrap();
        }
        let bare = weights.unwrapped(["encoder.weight", "encoder.bias"]);
        assert_eq!(
            bare.names().collect::<Vec<_>>(),
            ["decoder.encoder.weight", "encoder.bias", "encoder.weight"]
        );
        assert_eq!(weights.unwrapped(["nothing.like.it"]).len(), 4);
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.pt");
        let message = Weights::open(&path).unwrap_err().to_string();
        assert!(message.contains("weights.pt"), "{message}");
        std::fs::write(&path, "text that is no weights").unwrap();
        let message = Weights::open(&path).unwrap_err().to_string();
        assert!(message.contains("weights.pt"), "{message}");
    }

    #[test]
    fn safetensors_are_read_from_a_file_as_from_memory() {
        let mut weights = Weights::default();
        weights
            .insert("b".into(), vec![2, 2], vec![1.0, 2.0, 3.0, 4.0])
            .unwrap();
        weights.insert("a.x".into(), vec![1], vec![-0.5]).unwrap();
        let bytes = weights.to_safetensors().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.name");
        std::fs::write(&path, &bytes).unwrap();
        for read in [
            Weights::open(&path).unwrap(),
            Weights::from_safetensors("memory", &bytes).unwrap(),
        ] {
            assert_eq!(read.get("b").unwrap().shape(), [2, 2]);
            assert_eq!(
                read.get("b").unwrap().values().unwrap(),
                [1.0, 2.0, 3.0, 4.0]
            );
            assert_eq!(read.get("a.x").unwrap().values().unwrap(), [-0.5]);
        }
        std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
        assert!(Weights::open(&path).is_err());
    }
}
