//! A file that was read and checked.

use crate::graph;
use crate::proto::{GraphProto, ModelProto, NodeProto};
use crate::scan::scan;
use crate::{Error, Limits, Result, Value, Weight};
use bytes::Bytes;
use prost::Message;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// An ONNX file whose graph, weights and sizes were checked.
#[derive(Debug, Clone)]
pub struct Model {
    folder: Option<PathBuf>,
    producer: String,
    opset: i64,
    other_sets: Vec<String>,
    metadata: BTreeMap<String, String>,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    weights: BTreeMap<String, Weight>,
    nodes: Vec<NodeProto>,
}

impl Model {
    /// Reads a file. Weights in other files stay there until they are asked for.
    ///
    /// # Errors
    /// [`Error::Read`]; as [`Model::from_bytes`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::read_with(path, &Limits::default())
    }

    /// As [`Model::read`], with limits.
    ///
    /// # Errors
    /// As [`Model::read`].
    pub fn read_with(path: impl AsRef<Path>, limits: &Limits) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source| Error::Read {
            path: path.to_owned(),
            source,
        };
        // Looked at before it is opened: a pipe would be waited for.
        let facts = std::fs::metadata(path).map_err(failed)?;
        if !facts.is_file() {
            return Err(failed(std::io::Error::other("it is not a file")));
        }
        check_length(facts.len(), limits)?;
        let file = File::open(path).map_err(failed)?;
        // A file may grow while it is read.
        let mut bytes = Vec::new();
        let mut limited = file.take(limits.file_bytes.saturating_add(1));
        limited.read_to_end(&mut bytes).map_err(failed)?;
        let mut model = Self::from_bytes_with(bytes, limits)?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        model.folder = Some(parent.unwrap_or(Path::new(".")).to_owned());
        Ok(model)
    }

    /// The model of a file's bytes.
    ///
    /// # Errors
    /// [`Error::Format`] for other bytes, [`Error::Limit`] for more than is allowed, [`Error::Graph`] for a graph that is none,
    /// with the node or tensor.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self> {
        Self::from_bytes_with(bytes, &Limits::default())
    }

    /// As [`Model::from_bytes`], with limits.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn from_bytes_with(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Self> {
        let bytes = bytes.into();
        check_length(bytes.len() as u64, limits)?;
        scan(&bytes, limits)?;
        let decoded =
            ModelProto::decode(bytes).map_err(|error| Error::format(error.to_string()))?;
        Self::of(decoded, limits)
    }

    fn of(model: ModelProto, limits: &Limits) -> Result<Self> {
        let is_standard = |domain: &str| matches!(domain, "" | "ai.onnx");
        let mut sets = model.opset_import.iter();
        let standard = sets.find(|set| is_standard(&set.domain));
        let opset = standard.map(|set| set.version);
        let opset = opset.ok_or_else(|| Error::format("it names no set of operators"))?;
        let others = model
            .opset_import
            .iter()
            .filter(|set| !is_standard(&set.domain));
        let graph = model
            .graph
            .ok_or_else(|| Error::format("it has no graph"))?;
        graph::check(&graph, limits)?;
        let GraphProto {
            node,
            initializer,
            input,
            output,
            ..
        } = graph;
        let weights = initializer
            .into_iter()
            .map(|tensor| Ok((tensor.name.clone(), Weight::of(tensor, limits)?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        let given = input
            .iter()
            .filter(|info| !weights.contains_key(&info.name));
        Ok(Self {
            folder: None,
            producer: format!("{} {}", model.producer_name, model.producer_version),
            opset,
            other_sets: others.map(|set| set.domain.clone()).collect(),
            metadata: model
                .metadata_props
                .into_iter()
                .map(|entry| (entry.key, entry.value))
                .collect(),
            inputs: given
                .map(|info| Value::of(info, limits))
                .collect::<Result<_>>()?,
            outputs: output
                .iter()
                .map(|info| Value::of(info, limits))
                .collect::<Result<_>>()?,
            weights,
            nodes: node,
        })
    }

    /// The version of the standard's operators that the graph uses.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Sets of operators that are not the standard's.
    pub fn other_sets(&self) -> &[String] {
        &self.other_sets
    }

    /// The program that wrote the file, and its version.
    pub fn producer(&self) -> &str {
        self.producer.trim()
    }

    /// Keys and values of the writer.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// What is given to the graph, weights left out.
    pub fn inputs(&self) -> &[Value] {
        &self.inputs
    }

    /// What it returns.
    pub fn outputs(&self) -> &[Value] {
        &self.outputs
    }

    /// Its nodes, each after those that it needs.
    pub fn nodes(&self) -> &[NodeProto] {
        &self.nodes
    }

    /// Its weights by name.
    pub fn weights(&self) -> &BTreeMap<String, Weight> {
        &self.weights
    }

    /// The folder of the file, in which weights may be.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// How often each operator is used, those of graphs within the graph included.
    pub fn operators(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        count(&self.nodes, &mut found);
        found
    }
}

fn count(nodes: &[NodeProto], found: &mut BTreeMap<String, usize>) {
    for node in nodes {
        let name = match node.domain.as_str() {
            "" | "ai.onnx" => node.op_type.clone(),
            domain => format!("{domain}.{}", node.op_type),
        };
        *found.entry(name).or_default() += 1;
        for attribute in &node.attribute {
            if let Some(inner) = &attribute.g {
                count(&inner.node, found);
            }
        }
    }
}

fn check_length(length: u64, limits: &Limits) -> Result<()> {
    match length > limits.file_bytes {
        true => Err(Error::Limit {
            what: "bytes",
            found: length,
            limit: limits.file_bytes,
        }),
        false => Ok(()),
    }
}
