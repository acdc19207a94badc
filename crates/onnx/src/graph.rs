//! Whether a graph is one: every name is defined once, and before it is used.

use crate::proto::{GraphProto, NodeProto};
use crate::{Error, Result};
use std::collections::HashSet;

/// Checks the nodes of a graph, and of the graphs within it, which also see the names around them.
pub(crate) fn check(graph: &GraphProto, around: &HashSet<&str>) -> Result<()> {
    let mut known = around.clone();
    let given = graph.input.iter().map(|value| value.name.as_str());
    let constant = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let given: HashSet<&str> = given.chain(constant).collect();
    known.extend(&given);
    let mut defined = given;
    for (number, node) in graph.node.iter().enumerate() {
        for input in node.input.iter().filter(|name| !name.is_empty()) {
            if !known.contains(input.as_str()) {
                let reason = format!("its input `{input}` is not defined before it");
                return Err(Error::graph(place(node, number), reason));
            }
        }
        for attribute in &node.attribute {
            if let Some(inner) = &attribute.g {
                check(inner, &known)?;
            }
        }
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            if !defined.insert(output) {
                let reason = format!("its output `{output}` is defined a second time");
                return Err(Error::graph(place(node, number), reason));
            }
            known.insert(output);
        }
    }
    match graph
        .output
        .iter()
        .find(|value| !known.contains(value.name.as_str()))
    {
        Some(value) => Err(Error::graph(
            format!("the output `{}`", value.name),
            "no node computes it",
        )),
        None => Ok(()),
    }
}

/// A node in a message.
pub(crate) fn place(node: &NodeProto, number: usize) -> String {
    match node.name.as_str() {
        "" => format!("node {number} ({})", node.op_type),
        name => format!("node `{name}` ({})", node.op_type),
    }
}
