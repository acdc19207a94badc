//! References, macros and expressions of a config, looked up when they are needed.

use crate::config::{Config, child};
use crate::error::shortened;
use crate::expression::{self, Expression};
use crate::limits::{DEEPEST_WORK, MOST_VALUES};
use crate::names::is_import;
use crate::value::{self, TARGET_KEY};
use crate::{Error, Result, macros};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

/// A place in a config.
#[derive(Debug, Clone)]
pub(crate) struct Node<'c> {
    /// Its id.
    pub id: String,
    /// What is written there.
    pub value: &'c Value,
    /// Whether it was brought in from another file by a macro.
    pub is_foreign: bool,
}

impl<'c> Node<'c> {
    pub(crate) fn child(&self, part: &str) -> Option<Self> {
        Some(Self {
            id: format!("{}::{part}", self.id),
            value: child(self.value, part)?,
            is_foreign: self.is_foreign,
        })
    }

    /// The parts of a list or mapping with their keys.
    pub(crate) fn children(&self) -> Vec<(String, Self)> {
        let keys: Vec<String> = match self.value {
            Value::Array(values) => (0..values.len()).map(|index| index.to_string()).collect(),
            Value::Object(values) => values.keys().cloned().collect(),
            _ => Vec::new(),
        };
        keys.into_iter()
            .filter_map(|key| Some((key.clone(), self.child(&key)?)))
            .collect()
    }

    pub(crate) fn is_component(&self) -> bool {
        self.value.get(TARGET_KEY).is_some()
    }
}

/// What a reference leads to.
#[derive(Debug, Clone)]
pub(crate) enum Item<'c> {
    /// A value.
    Data(Value),
    /// A list, mapping or component of the config.
    Node(Node<'c>),
    /// A list that an expression made.
    List(Vec<Item<'c>>),
    /// A lambda, at an id.
    Lambda(String, Rc<Expression>),
}

/// Looks up what a config holds; one for each description.
#[derive(Debug)]
pub(crate) struct Resolver<'c> {
    config: &'c Config,
    /// The ids being looked up.
    stack: RefCell<Vec<String>>,
    /// Levels of work.
    depth: Cell<usize>,
    /// Values that may still be made.
    pub(crate) left: Cell<usize>,
    reached: RefCell<BTreeSet<String>>,
}

impl<'c> Resolver<'c> {
    pub(crate) fn new(config: &'c Config) -> Self {
        Self {
            config,
            stack: RefCell::default(),
            depth: Cell::new(0),
            left: Cell::new(MOST_VALUES),
            reached: RefCell::default(),
        }
    }

    pub(crate) fn config(&self) -> &'c Config {
        self.config
    }

    /// Whether something at an id, in it or around it was read.
    pub(crate) fn has_reached(&self, id: &str) -> bool {
        self.reached.borrow().iter().any(|read| {
            let is_within = |a: &str, b: &str| {
                a.strip_prefix(b)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            is_within(read, id) || is_within(id, read)
        })
    }

    /// What an id leads to; `None` where the config has no such id.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Item<'c>>> {
        let mut parts = id.split("::");
        let first = parts.next().unwrap_or_default();
        let Some(value) = child(self.config.root(), first) else {
            return Ok(None);
        };
        let mut item = Item::Node(Node {
            id: first.to_owned(),
            value,
            is_foreign: false,
        });
        for part in parts {
            let next = match self.settled(item)? {
                Item::Node(node) => node.child(part).map(Item::Node),
                Item::Data(value) => child(&value, part).cloned().map(Item::Data),
                Item::List(items) => {
                    let index = part.parse::<usize>().ok();
                    index.and_then(|index| items.get(index).cloned())
                }
                Item::Lambda(..) => None,
            };
            let Some(next) = next else {
                return Ok(None);
            };
            item = next;
        }
        self.settled(item).map(Some)
    }

    /// What an id leads to.
    ///
    /// # Errors
    /// [`Error::Missing`], which says what needs it.
    pub(crate) fn need(&self, id: &str, needed_by: &str) -> Result<Item<'c>> {
        self.find(id)?.ok_or_else(|| Error::Missing {
            id: id.to_owned(),
            needed_by: needed_by.to_owned(),
        })
    }

    /// An item that is no text to look up any more.
    fn settled(&self, item: Item<'c>) -> Result<Item<'c>> {
        match item {
            Item::Node(node) => self.follow(node),
            other => Ok(other),
        }
    }

    /// What a place leads to: itself, or what its reference, macro or expression stands for. A disabled component is null.
    pub(crate) fn follow(&self, node: Node<'c>) -> Result<Item<'c>> {
        self.reached.borrow_mut().insert(node.id.clone());
        match node.value {
            Value::String(text) => self.within(&node.id, || self.text(&node, text)),
            Value::Array(_) => Ok(Item::Node(node)),
            Value::Object(_) => match node.is_component() && self.is_disabled(&node)? {
                true => Ok(Item::Data(Value::Null)),
                false => Ok(Item::Node(node)),
            },
            scalar => Ok(Item::Data(scalar.clone())),
        }
    }

    fn text(&self, node: &Node<'c>, text: &str) -> Result<Item<'c>> {
        let normal = text.replace('#', "::");
        let not_understood = |reason: &str| Error::not_understood(&node.id, text, reason);
        let is_looked_up = normal.starts_with(['@', '$', '%']);
        let whole = match is_looked_up {
            false => normal,
            true => macros::absolute(&normal, &node.id)
                .ok_or_else(|| not_understood("which has more levels than its place"))?,
        };
        if is_looked_up && node.is_foreign {
            let is_relative = whole != text.replace('#', "::");
            if is_relative || whole.starts_with('%') {
                return Err(not_understood(
                    "which MONAI does not look up in a file that a macro brings in",
                ));
            }
        }
        if let Some(text) = whole.strip_prefix('%') {
            return self.followed_macro(node, text);
        }
        if let Some(text) = whole.strip_prefix('$') {
            if is_import(text) {
                return Err(not_understood("which imports Python code, and none is run"));
            }
            let expression = expression::parse(text).map_err(|reason| {
                not_understood(&format!(
                    "an expression of Python that is not evaluated: it {reason}"
                ))
            })?;
            return self.evaluate(&expression, node);
        }
        match whole.strip_prefix('@') {
            Some(id) if expression::id_length(id) == id.len() => self.referred(node, id),
            _ => Ok(Item::Data(Value::String(whole))),
        }
    }

    /// What a reference at a place leads to.
    pub(crate) fn referred(&self, node: &Node<'c>, id: &str) -> Result<Item<'c>> {
        self.need(id, &format!("`{}` refers to it", node.id))
    }

    fn followed_macro(&self, node: &Node<'c>, text: &str) -> Result<Item<'c>> {
        let (path, id) = macros::parts(text);
        if path.is_empty() {
            return self.referred(node, id);
        }
        let content = match self.config.file(path) {
            Some(Ok(content)) => content,
            Some(Err(reason)) => {
                return Err(Error::not_understood(
                    &node.id,
                    &format!("%{text}"),
                    reason.clone(),
                ));
            }
            None => {
                let reason = "which is in one file more than are read";
                return Err(Error::not_understood(&node.id, &format!("%{text}"), reason));
            }
        };
        let parts = id.split("::").filter(|part| !part.is_empty());
        let value = parts.clone().try_fold(content, child).ok_or_else(|| {
            let reason = "which the file does not have";
            Error::not_understood(&node.id, &format!("%{text}"), reason)
        })?;
        let brought = Node {
            id: node.id.clone(),
            value,
            is_foreign: true,
        };
        match value {
            // Its id is being looked up already.
            Value::String(inner) => self.text(&brought, inner),
            _ => self.follow(brought),
        }
    }

    pub(crate) fn is_disabled(&self, node: &Node<'c>) -> Result<bool> {
        let Some(disabled) = node.child("_disabled_") else {
            return Ok(false);
        };
        Ok(match self.force_node(disabled)? {
            Value::String(text) => text.trim().eq_ignore_ascii_case("true"),
            value => value::truth(&value),
        })
    }

    /// Does a part of the work at an id, which that part may not need again.
    pub(crate) fn within<T>(&self, id: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let position = self.stack.borrow().iter().position(|other| other == id);
        if let Some(position) = position {
            let mut ids = self.stack.borrow()[position..].to_vec();
            ids.push(id.to_owned());
            ids.iter_mut().for_each(|id| *id = shortened(id));
            return Err(Error::Cycle { ids });
        }
        self.stack.borrow_mut().push(id.to_owned());
        let result = self.deeper(id, work);
        self.stack.borrow_mut().pop();
        result
    }

    /// Does a part of the work one level down.
    pub(crate) fn deeper<T>(&self, id: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.depth.get();
        if depth >= DEEPEST_WORK {
            return Err(Error::Limit {
                id: id.to_owned(),
                reason: format!(
                    "is {DEEPEST_WORK} levels of references and values away, more than any config has"
                ),
            });
        }
        self.depth.set(depth + 1);
        let result = work();
        self.depth.set(depth);
        result
    }
}
