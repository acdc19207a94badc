//! What an ONNX file holds.

use super::{Result, wrong};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_onnx::{Model, Value, Weight};

/// An ONNX file, described.
#[derive(Debug, Clone, Serialize)]
pub struct OnnxFacts {
    /// The version of the standard's operators.
    pub opset: i64,
    /// Other sets of operators that it uses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_sets: Vec<String>,
    /// The program that wrote it.
    pub producer: String,
    /// What is given to it.
    pub inputs: Vec<Value>,
    /// What it returns.
    pub outputs: Vec<Value>,
    /// How many numbers its weights have.
    pub numbers: u64,
    /// How many weights are in files beside it.
    pub beside: usize,
    /// How often each operator is used.
    pub operators: BTreeMap<String, usize>,
    /// Keys and values of the writer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// Reads and describes a file. Weights in other files are not read.
pub(super) fn onnx_facts(path: &Path) -> Result<OnnxFacts> {
    let model = Model::read(path).map_err(|error| wrong(path, error))?;
    let weights = || model.weights().values();
    Ok(OnnxFacts {
        opset: model.opset(),
        other_sets: model.other_sets().to_vec(),
        producer: model.producer().to_owned(),
        inputs: model.inputs().to_vec(),
        outputs: model.outputs().to_vec(),
        numbers: weights().map(|weight| weight.numbers() as u64).sum(),
        beside: weights()
            .filter(|weight: &&Weight| weight.is_external())
            .count(),
        operators: model.operators(),
        metadata: model.metadata().clone(),
    })
}
