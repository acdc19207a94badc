//! The values of expressions, by Python's rules for numbers, texts, lists and the few functions that configs use.

use crate::expression::Expression;
use crate::limits::LONGEST_LIST;
use crate::names::constant_of;
use crate::resolve::{Item, Node, Resolver};
use crate::value::{self, TARGET_KEY};
use crate::{Error, Result, arithmetic};
use serde_json::Value;
use std::rc::Rc;

/// Methods of a network that leave what it computes as it is.
const OF_A_NETWORK: [&str; 4] = ["to", "eval", "cpu", "cuda"];

/// The constant that stands for any device.
pub(crate) const DEVICE: &str = "device";

impl<'c> Resolver<'c> {
    /// The value of the expression that stands at a place.
    pub(crate) fn evaluate(&self, expression: &Expression, at: &Node<'c>) -> Result<Item<'c>> {
        self.deeper(&at.id, || self.evaluated(expression, at))
    }

    fn evaluated(&self, expression: &Expression, at: &Node<'c>) -> Result<Item<'c>> {
        match expression {
            Expression::Literal(value) => Ok(Item::Data(value.clone())),
            Expression::List(values) => {
                let items = values.iter().map(|value| self.evaluate(value, at));
                items.collect::<Result<_>>().map(Item::List)
            }
            Expression::Mapping(pairs) => {
                let mut map = serde_json::Map::new();
                for (key, value) in pairs {
                    let Value::String(key) = self.data(key, at)? else {
                        return Err(refused(at, "a mapping whose keys are not all texts"));
                    };
                    map.insert(key, self.data(value, at)?);
                }
                Ok(Item::Data(Value::Object(map)))
            }
            Expression::Reference(id) => self.referred(at, id),
            Expression::Name(_) | Expression::Attribute(..) => self.constant(expression, at),
            Expression::Index(of, index) => {
                let index = self.data(index, at)?;
                self.index(self.evaluate(of, at)?, &index, at)
            }
            Expression::Slice(of, from, to) => self.slice(of, [from.as_deref(), to.as_deref()], at),
            Expression::Call {
                function,
                arguments,
                named,
            } => self.call(function, arguments, named, at),
            Expression::Unary(operator, value) => {
                let value = self.data(value, at)?;
                let result = arithmetic::unary(operator, &value);
                result
                    .map(Item::Data)
                    .map_err(|reason| refused(at, &reason))
            }
            Expression::Binary("and", left, right) => self.either(left, right, at, false),
            Expression::Binary("or", left, right) => self.either(left, right, at, true),
            Expression::Binary(operator, left, right) => self.binary(operator, left, right, at),
            Expression::Choice {
                condition,
                then,
                otherwise,
            } => match value::truth(&self.data(condition, at)?) {
                true => self.evaluate(then, at),
                false => self.evaluate(otherwise, at),
            },
            Expression::Lambda { .. } => {
                Ok(Item::Lambda(at.id.clone(), Rc::new(expression.clone())))
            }
        }
    }

    fn data(&self, expression: &Expression, at: &Node<'c>) -> Result<Value> {
        let item = self.evaluate(expression, at)?;
        self.force(item)
    }

    /// `left and right`, or with `wanted` `left or right`.
    fn either(
        &self,
        left: &Expression,
        right: &Expression,
        at: &Node<'c>,
        wanted: bool,
    ) -> Result<Item<'c>> {
        let first = self.data(left, at)?;
        match value::truth(&first) == wanted {
            true => Ok(Item::Data(first)),
            false => self.evaluate(right, at),
        }
    }

    fn binary(
        &self,
        operator: &str,
        left: &Expression,
        right: &Expression,
        at: &Node<'c>,
    ) -> Result<Item<'c>> {
        let (left, right) = (self.evaluate(left, at)?, self.evaluate(right, at)?);
        if operator == "+" && is_list(&left) && is_list(&right) {
            let mut items = self.elements(left, &at.id)?;
            items.extend(self.elements(right, &at.id)?);
            return match items.len() > LONGEST_LIST {
                true => Err(refused(at, "a list longer than any config has")),
                false => Ok(Item::List(items)),
            };
        }
        let (left, right) = (self.force(left)?, self.force(right)?);
        let result = arithmetic::binary(operator, &left, &right);
        result
            .map(Item::Data)
            .map_err(|reason| refused(at, &reason))
    }

    fn constant(&self, expression: &Expression, at: &Node<'c>) -> Result<Item<'c>> {
        let Some(parts) = expression.dotted() else {
            return Err(refused(
                at,
                "an attribute of a value, which is not evaluated",
            ));
        };
        let full = self.full_name(&parts, at)?;
        constant_of(&full).map(Item::Data).ok_or_else(|| {
            refused(
                at,
                &format!("which names `{full}` of Python, and its value is not known here"),
            )
        })
    }

    fn full_name(&self, parts: &[&str], at: &Node<'c>) -> Result<String> {
        let full = self.config().names().full(parts);
        full.ok_or_else(|| {
            let written = parts.join(".");
            refused(
                at,
                &format!("which names `{written}`, but nothing imports that"),
            )
        })
    }

    fn index(&self, of: Item<'c>, index: &Value, at: &Node<'c>) -> Result<Item<'c>> {
        let absent = || {
            refused(
                at,
                &format!("which has the index {index} of something without it"),
            )
        };
        if let Item::Data(data) = &of
            && let Some(entry) = value::entry(data, index)
        {
            return Ok(Item::Data(entry));
        }
        if is_list(&of) {
            let mut items = self.elements(of, &at.id)?;
            let index = index.as_i64().ok_or_else(absent)?;
            let from_end = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let index = if index < 0 { index + from_end } else { index };
            let index = usize::try_from(index)
                .ok()
                .filter(|index| *index < items.len());
            return Ok(items.swap_remove(index.ok_or_else(absent)?));
        }
        let key = index.as_str().ok_or_else(absent)?;
        match of {
            Item::Node(node) if !node.is_component() => {
                self.follow(node.child(key).ok_or_else(absent)?)
            }
            Item::Data(Value::Object(map)) if !map.contains_key(value::FILE_KEY) => {
                map.get(key).cloned().map(Item::Data).ok_or_else(absent)
            }
            _ => Err(absent()),
        }
    }

    fn slice(
        &self,
        of: &Expression,
        ends: [Option<&Expression>; 2],
        at: &Node<'c>,
    ) -> Result<Item<'c>> {
        let of = self.evaluate(of, at)?;
        let items = self.elements(of, &at.id)?;
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let mut bounds = [0, length];
        for (bound, end) in bounds.iter_mut().zip(ends) {
            let Some(end) = end else { continue };
            let end = self.data(end, at)?;
            let end = end
                .as_i64()
                .ok_or_else(|| refused(at, "a part of a list between no numbers"))?;
            let end = if end < 0 {
                end.saturating_add(length)
            } else {
                end
            };
            *bound = end.clamp(0, length);
        }
        let [from, to] = bounds.map(|bound| usize::try_from(bound).unwrap_or(0));
        let count = to.saturating_sub(from);
        Ok(Item::List(
            items.into_iter().skip(from).take(count).collect(),
        ))
    }

    fn call(
        &self,
        function: &Expression,
        arguments: &[Expression],
        named: &[(String, Expression)],
        at: &Node<'c>,
    ) -> Result<Item<'c>> {
        if let Expression::Attribute(of, method) = function
            && of.dotted().is_none()
            && OF_A_NETWORK.contains(&method.as_str())
        {
            let of = self.evaluate(of, at)?;
            let is_network = matches!(&of, Item::Node(node) if node.is_component());
            return match is_network {
                true => Ok(of),
                false => Err(refused(at, &format!("which calls `{method}` of a value"))),
            };
        }
        let Some(parts) = function.dotted() else {
            return Err(refused(at, "which calls Python code, and none is run"));
        };
        let full = self.full_name(&parts, at)?;
        match (full.as_str(), arguments) {
            ("copy.deepcopy" | "copy.copy", [of]) if named.is_empty() => self.evaluate(of, at),
            ("torch.from_numpy" | "torch.tensor" | "torch.as_tensor", [of]) if named.is_empty() => {
                self.evaluate(of, at)
            }
            // Where something is computed is not the config's to say.
            ("torch.device", _) => Ok(Item::Data(value::constant(DEVICE))),
            ("torch.load", [path])
                if named
                    .iter()
                    .all(|(name, _)| ["map_location", "weights_only"].contains(&name.as_str())) =>
            {
                self.file(path, at)
            }
            ("len", [of]) if named.is_empty() => {
                let of = self.evaluate(of, at)?;
                self.length(of, at).map(|length| Item::Data(length.into()))
            }
            ("list" | "tuple", [of]) if named.is_empty() => {
                let of = self.evaluate(of, at)?;
                self.elements(of, &at.id).map(Item::List)
            }
            (_, _) if named.is_empty() && arithmetic::FUNCTIONS.contains(&full.as_str()) => {
                let values = arguments.iter().map(|argument| self.data(argument, at));
                let values = values.collect::<Result<Vec<_>>>()?;
                let result = arithmetic::call(&full, &values);
                result
                    .map(Item::Data)
                    .map_err(|reason| refused(at, &reason))
            }
            _ => Err(refused(
                at,
                &format!("which calls `{full}` of Python, and no code is run"),
            )),
        }
    }

    fn file(&self, path: &Expression, at: &Node<'c>) -> Result<Item<'c>> {
        let Value::String(path) = self.data(path, at)? else {
            return Err(refused(at, "which loads a file whose path is no text"));
        };
        let inside = crate::source::inside(&path).ok_or_else(|| Error::Outside {
            id: at.id.clone(),
            path: path.clone(),
        })?;
        Ok(Item::Data(value::file(&inside)))
    }

    fn length(&self, of: Item<'c>, at: &Node<'c>) -> Result<usize> {
        if is_list(&of) {
            return Ok(self.elements(of, &at.id)?.len());
        }
        match self.force(of)? {
            Value::String(text) => Ok(text.chars().count()),
            Value::Object(map)
                if !map.contains_key(TARGET_KEY) && !map.contains_key(value::FILE_KEY) =>
            {
                Ok(map.len())
            }
            other => Err(refused(
                at,
                &format!("which asks for the length of {other}"),
            )),
        }
    }
}

fn is_list(item: &Item<'_>) -> bool {
    match item {
        Item::List(_) => true,
        Item::Data(value) => value.is_array(),
        Item::Node(node) => node.value.is_array(),
        Item::Lambda(..) => false,
    }
}

/// An expression that is not evaluated.
fn refused(at: &Node<'_>, reason: &str) -> Error {
    Error::not_understood(&at.id, at.value.as_str().unwrap_or_default(), reason)
}
