//! A pickle's value as JSON.

use super::{Budget, DEEPEST, Id, MOST, Node, Pickle};
use serde_json::{Map, Value, json};

impl Pickle {
    /// See [`super::read_pickle`].
    pub fn json(&self) -> Result<Value, String> {
        let nodes = &self.nodes;
        let budget = Budget(MOST);
        Writer { nodes, budget }.value(self.root, 0)
    }
}

pub(super) fn deep() -> String {
    format!("is nested more than {DEEPEST} times, or within itself")
}

struct Writer<'a> {
    nodes: &'a [Node],
    budget: Budget,
}

impl Writer<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err(deep());
        }
        self.budget.spend(0)?;
        Ok(match &self.nodes[id] {
            Node::None | Node::Bytes(_) | Node::Kind(_) | Node::Storage(_) | Node::Tensor(_) => {
                Value::Null
            }
            Node::Bool(value) => (*value).into(),
            Node::Int(value) => (*value).into(),
            Node::Float(value) => json!(value),
            Node::Text(text) => self.copied(text)?.into(),
            Node::Global(name) => json!({ "function": self.copied(name)? }),
            Node::Object(name) => json!({ "object": self.copied(name)? }),
            Node::List(parts) => {
                let parts = parts.iter().map(|&part| self.value(part, depth + 1));
                Value::Array(parts.collect::<Result<_, _>>()?)
            }
            Node::Dict(entries) => {
                let mut map = Map::new();
                for &(key, value) in entries {
                    if let Some(key) = self.nodes[key].key() {
                        self.budget.spend(key.len() / 8)?;
                        map.insert(key, self.value(value, depth + 1)?);
                    }
                }
                Value::Object(map)
            }
        })
    }

    fn copied(&mut self, text: &str) -> Result<String, String> {
        self.budget.spend(text.len() / 8)?;
        Ok(text.to_owned())
    }
}

impl Node {
    /// As the key of a dictionary.
    pub(super) fn key(&self) -> Option<String> {
        Some(match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => format!("{number:?}"),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::None => "None".to_owned(),
            _ => return None,
        })
    }
}
