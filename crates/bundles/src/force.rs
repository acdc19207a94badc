//! Values of what was looked up, as a whole.

use crate::limits::MOST_VALUES;
use crate::resolve::{Item, Node, Resolver};
use crate::{Error, Result, value};
use serde_json::{Map, Value};

/// Keys of a component that are no arguments of its class.
const NO_ARGUMENTS: [&str; 4] = ["_disabled_", "_requires_", "_desc_", "_mode_"];

impl<'c> Resolver<'c> {
    /// The values of a list, disabled components left out.
    pub(crate) fn elements(&self, item: Item<'c>, id: &str) -> Result<Vec<Item<'c>>> {
        match item {
            Item::List(items) => Ok(items),
            Item::Data(Value::Array(values)) => Ok(values.into_iter().map(Item::Data).collect()),
            Item::Node(node) if node.value.is_array() => {
                let mut items = Vec::new();
                for (_, child) in node.children() {
                    if !(child.is_component() && self.is_disabled(&child)?) {
                        self.charge(1, &child.id)?;
                        items.push(self.follow(child)?);
                    }
                }
                Ok(items)
            }
            other => {
                let found = self.force(other)?.to_string();
                Err(Error::not_understood(
                    id,
                    &found,
                    "where a list is expected",
                ))
            }
        }
    }

    /// The value of a place.
    pub(crate) fn force_node(&self, node: Node<'c>) -> Result<Value> {
        let id = node.id.clone();
        let item = self.follow(node)?;
        match &item {
            Item::Node(found) if found.id == id => self.force(item),
            _ => self.within(&id, || self.force(item)),
        }
    }

    /// The value of an item.
    pub(crate) fn force(&self, item: Item<'c>) -> Result<Value> {
        match item {
            Item::Data(value) => {
                self.charge(value::count(&value), "the config")?;
                Ok(value)
            }
            Item::List(items) => {
                let values = items.into_iter().map(|item| self.force(item));
                values.collect::<Result<_>>().map(Value::Array)
            }
            Item::Lambda(id, _) => {
                let text = self.config().get(&id).and_then(Value::as_str);
                let reason = "a function where a value is expected";
                Err(Error::not_understood(&id, text.unwrap_or("lambda"), reason))
            }
            Item::Node(node) => {
                let id = node.id.clone();
                self.within(&id, || self.force_parts(node))
            }
        }
    }

    fn force_parts(&self, node: Node<'c>) -> Result<Value> {
        self.charge(1, &node.id)?;
        let is_component = node.is_component();
        let (mut list, mut map) = (Vec::new(), Map::new());
        for (key, child) in node.children() {
            let is_no_argument = is_component && NO_ARGUMENTS.contains(&key.as_str());
            if is_no_argument || (child.is_component() && self.is_disabled(&child)?) {
                continue;
            }
            let value = self.force_node(child)?;
            match node.value.is_array() {
                true => list.push(value),
                false => {
                    map.insert(key, value);
                }
            }
        }
        Ok(match node.value.is_array() {
            true => Value::Array(list),
            false => Value::Object(map),
        })
    }

    fn charge(&self, values: usize, id: &str) -> Result<()> {
        let left = self.left.get().checked_sub(values);
        self.left.set(left.ok_or_else(|| Error::Limit {
            id: id.to_owned(),
            reason: format!("makes the config more than {MOST_VALUES} values, more than any has"),
        })?);
        Ok(())
    }
}
