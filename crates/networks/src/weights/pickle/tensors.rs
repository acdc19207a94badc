//! A pickle's tensors by name: the keys and indices that lead to each, with dots between.

use super::super::view::View;
use super::json::deep;
use super::{Budget, DEEPEST, Id, MOST, Node, Pickle};
use std::collections::BTreeMap;

impl Pickle {
    /// All tensors within dictionaries and lists.
    pub fn tensors(&self) -> Result<BTreeMap<String, View>, String> {
        let mut walk = Walk {
            nodes: &self.nodes,
            budget: Budget(MOST),
            name: String::new(),
            found: BTreeMap::new(),
        };
        walk.node(self.root, 0)?;
        Ok(walk.found)
    }
}

struct Walk<'a> {
    nodes: &'a [Node],
    budget: Budget,
    name: String,
    found: BTreeMap<String, View>,
}

impl Walk<'_> {
    fn node(&mut self, id: Id, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(deep());
        }
        self.budget.spend(0)?;
        let nodes = self.nodes;
        match &nodes[id] {
            Node::Tensor(view) => {
                self.budget.spend(self.name.len() + view.key.len())?;
                self.found.insert(self.name.clone(), (**view).clone());
            }
            Node::List(parts) => {
                for (place, &part) in parts.iter().enumerate() {
                    self.within(&place.to_string(), part, depth)?;
                }
            }
            Node::Dict(entries) => {
                for &(key, value) in entries {
                    if let Some(key) = nodes[key].key() {
                        self.budget.spend(key.len() / 8)?;
                        self.within(&key, value, depth)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn within(&mut self, key: &str, part: Id, depth: usize) -> Result<(), String> {
        let before = self.name.len();
        if before > 0 {
            self.name.push('.');
        }
        self.name.push_str(key);
        self.node(part, depth + 1)?;
        self.name.truncate(before);
        Ok(())
    }
}
