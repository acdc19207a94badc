//! Python's pickles, as far as PyTorch's checkpoints and nnU-Net's `postprocessing.pkl` need them. A pickle is a
//! program; this reads what it would build and runs nothing.
//!
//! An object is a [`Node`] in one list and names others by their number, as a pickle may refer to one object many
//! times, and to one that still grows. Errors are the rest of a sentence about the file ("ends in …").

mod arrays;
mod calls;
mod input;
mod json;
mod machine;
mod numpy;
mod rebuild;
mod tensors;

use super::view::View;
use pytorch_reader::DType;
use serde_json::Value;

/// The value of a pickle as JSON: tuples are lists, a function or class is `{"function": "module.name"}`, an object
/// that is not understood `{"object": "module.name"}`, a tensor null. Keys that are no text are written as Python
/// prints numbers, booleans and `None`; entries under any other key are left out.
///
/// # Errors
/// What is wrong, as the rest of a sentence about the file; a pickle that would call a function which no
/// file of weights has a use for.
pub fn read_pickle(bytes: &[u8]) -> Result<Value, String> {
    Pickle::read(bytes)?.json()
}

/// An object's place among a pickle's.
type Id = usize;

/// The most objects that a pickle may make: a checkpoint with the logs of 4000 epochs over a hundred classes has
/// about three million.
const MOST: usize = 1 << 23;

/// How deep objects are nested within others at most.
const DEEPEST: usize = 128;

/// What a pickle holds.
#[derive(Debug)]
pub(super) struct Pickle {
    nodes: Vec<Node>,
    root: Id,
}

#[derive(Debug, Clone)]
enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A list, tuple or set.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A function or class by its name.
    Global(String),
    /// A NumPy type.
    Kind(numpy::Kind),
    Storage(Box<Storage>),
    Tensor(Box<View>),
    /// An object of an unsupported class.
    Object(String),
}

/// A run of numbers outside of the pickle.
#[derive(Debug, Clone)]
struct Storage {
    key: String,
    /// None for bytes whose type only a tensor gives.
    kind: Option<DType>,
    bytes: usize,
}

impl Pickle {
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        machine::run(bytes)
    }

    /// The class of the whole, where that is an object which is not understood.
    pub fn class(&self) -> Option<&str> {
        match &self.nodes[self.root] {
            Node::Object(class) => Some(class),
            _ => None,
        }
    }
}

/// What is left of what may be made of a small file: a pickle can name one long object again and again.
#[derive(Debug)]
struct Budget(usize);

impl Budget {
    fn spend(&mut self, count: usize) -> Result<(), String> {
        let left = self.0.checked_sub(count.saturating_add(1));
        self.0 = left.ok_or("holds one object too many times")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
