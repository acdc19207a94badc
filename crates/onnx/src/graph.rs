//! Whether a graph is one: every name is defined once and before it is used, and every tensor has the numbers that its shape
//! needs; also in graphs within it, which see the names around them.

use crate::proto::{GraphProto, NodeProto, TensorProto};
use crate::weight::Weight;
use crate::{Error, Limits, Result};
use std::collections::HashSet;

/// Checks a graph and those within it.
pub(crate) fn check(graph: &GraphProto, limits: &Limits) -> Result<()> {
    let mut checker = Checker {
        limits,
        visible: HashSet::new(),
        weight_bytes: 0,
    };
    checker.graph(graph)
}

struct Checker<'a> {
    limits: &'a Limits,
    /// The names that the graph at hand sees, its own and those around it.
    visible: HashSet<&'a str>,
    weight_bytes: u64,
}

impl<'a> Checker<'a> {
    fn graph(&mut self, graph: &'a GraphProto) -> Result<()> {
        let inputs = graph.input.iter().map(|value| value.name.as_str());
        let constants = graph.initializer.iter().map(|tensor| tensor.name.as_str());
        once("value", inputs.clone())?;
        once("tensor", constants.clone())?;
        for tensor in &graph.initializer {
            self.tensor(tensor)?;
        }
        // Older files list a constant among the inputs too.
        let mut defined: HashSet<&str> = inputs.chain(constants).collect();
        let mut added = Vec::new();
        for name in &defined {
            self.show(name, &mut added);
        }
        for (number, node) in graph.node.iter().enumerate() {
            self.node(node, number, &mut defined, &mut added)?;
        }
        for value in &graph.output {
            if !self.visible.contains(value.name.as_str()) {
                let place = format!("the output `{}`", value.name);
                return Err(Error::graph(place, "no node computes it"));
            }
        }
        // What was visible around the graph stays so.
        for name in added {
            self.visible.remove(name);
        }
        Ok(())
    }

    fn node(
        &mut self,
        node: &'a NodeProto,
        number: usize,
        defined: &mut HashSet<&'a str>,
        added: &mut Vec<&'a str>,
    ) -> Result<()> {
        for input in node.input.iter().filter(|name| !name.is_empty()) {
            if !self.visible.contains(input.as_str()) {
                let reason = format!("its input `{input}` is not defined before it");
                return Err(Error::graph(place(node, number), reason));
            }
        }
        for attribute in &node.attribute {
            if let Some(tensor) = &attribute.t {
                self.tensor(tensor)?;
            }
            if let Some(inner) = &attribute.g {
                self.graph(inner)?;
            }
        }
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            if !defined.insert(output) {
                let reason = format!("its output `{output}` is defined a second time");
                return Err(Error::graph(place(node, number), reason));
            }
            self.show(output, added);
        }
        Ok(())
    }

    fn show(&mut self, name: &'a str, added: &mut Vec<&'a str>) {
        if self.visible.insert(name) {
            added.push(name);
        }
    }

    fn tensor(&mut self, tensor: &TensorProto) -> Result<()> {
        let bytes = Weight::check(tensor, self.limits)?.byte_count();
        self.weight_bytes = self.weight_bytes.saturating_add(bytes as u64);
        if self.weight_bytes > self.limits.weight_bytes {
            return Err(Error::Limit {
                what: "bytes of weights",
                found: self.weight_bytes,
                limit: self.limits.weight_bytes,
            });
        }
        Ok(())
    }
}

fn once<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut known = HashSet::new();
    for name in names {
        if !known.insert(name) {
            let place = format!("the {what} `{name}`");
            return Err(Error::graph(place, "it is there twice"));
        }
    }
    Ok(())
}

/// A node in a message.
fn place(node: &NodeProto, number: usize) -> String {
    match node.name.as_str() {
        "" => format!("node {number} ({})", node.op_type),
        name => format!("node `{name}` ({})", node.op_type),
    }
}
