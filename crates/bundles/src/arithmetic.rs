//! Python's operators and functions on numbers, texts and lists; whole numbers have 64 bits.

use crate::limits::LONGEST_LIST;
use crate::value::is_special;
use serde_json::{Number, Value};
use std::cmp::Ordering;

type Calculated = Result<Value, String>;

/// Functions of values alone.
pub(crate) const FUNCTIONS: [&str; 9] = [
    "range",
    "int",
    "float",
    "str",
    "max",
    "min",
    "sum",
    "abs",
    "os.path.join",
];

fn cannot(operator: &str, left: &Value, right: &Value) -> String {
    format!("an expression with {left} {operator} {right}, which has no value")
}

pub(crate) fn unary(operator: &str, value: &Value) -> Calculated {
    match operator {
        "not" => Ok((!crate::value::truth(value)).into()),
        "-" => binary("-", &0.into(), value),
        _ => binary("+", &0.into(), value),
    }
}

pub(crate) fn binary(operator: &str, left: &Value, right: &Value) -> Calculated {
    if is_special(left) || is_special(right) {
        return Err(cannot(operator, left, right));
    }
    match (operator, left, right) {
        ("==", ..) => Ok(equal(left, right).into()),
        ("!=", ..) => Ok((!equal(left, right)).into()),
        ("<" | "<=" | ">" | ">=", ..) => {
            let order = order(left, right).ok_or_else(|| cannot(operator, left, right))?;
            Ok(match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }
            .into())
        }
        ("+", Value::String(a), Value::String(b)) => match a.len() + b.len() > LONGEST_LIST {
            true => Err("a text longer than any config has".to_owned()),
            false => Ok(format!("{a}{b}").into()),
        },
        ("*", Value::Array(values), times) | ("*", times, Value::Array(values)) => {
            repeated(values, times)
        }
        _ => numbers(operator, left, right),
    }
}

fn repeated(values: &[Value], times: &Value) -> Calculated {
    let times = times
        .as_i64()
        .ok_or("a list times something that is no whole number")?;
    let times = usize::try_from(times).unwrap_or(0);
    match values.len().checked_mul(times) {
        Some(length) if length <= LONGEST_LIST => {
            let values = values.iter().cycle().take(length).cloned();
            Ok(Value::Array(values.collect()))
        }
        _ => Err("a list longer than any config has".to_owned()),
    }
}

/// A number, or a truth value as Python counts it.
fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        _ => value.as_i64(),
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => value.as_f64(),
    }
}

fn numbers(operator: &str, left: &Value, right: &Value) -> Calculated {
    let cannot = || cannot(operator, left, right);
    if let (Some(a), Some(b)) = (whole(left), whole(right))
        && operator != "/"
    {
        let result = match operator {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            // Python rounds down, and the rest has the divisor's sign.
            "//" => a
                .checked_div(b)
                .map(|q| q - i64::from(a % b != 0 && (a < 0) != (b < 0))),
            "%" => a.checked_rem(b).map(|r| {
                if r != 0 && (r < 0) != (b < 0) {
                    r + b
                } else {
                    r
                }
            }),
            _ => None,
        };
        return result.map(Value::from).ok_or_else(cannot);
    }
    let (a, b) = real(left).zip(real(right)).ok_or_else(cannot)?;
    let result = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" if b != 0.0 => a / b,
        "//" if b != 0.0 => (a / b).floor(),
        _ => return Err(cannot()),
    };
    Number::from_f64(result)
        .map(Value::Number)
        .ok_or_else(cannot)
}

fn equal(left: &Value, right: &Value) -> bool {
    match (real(left), real(right)) {
        (Some(a), Some(b)) => a == b,
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => real(left)?.partial_cmp(&real(right)?),
    }
}

pub(crate) fn call(name: &str, values: &[Value]) -> Calculated {
    let cannot = || {
        format!(
            "which calls `{name}` with {}",
            Value::Array(values.to_vec())
        )
    };
    match (name, values) {
        ("range", ends) => range(ends).ok_or_else(cannot),
        ("int", [value]) => match (whole(value), real(value)) {
            (Some(value), _) => Ok(value.into()),
            (None, Some(value)) if value.abs() < 9e15 => Ok((value.trunc() as i64).into()),
            _ => Err(cannot()),
        },
        ("float", [value]) => {
            let number = real(value).and_then(Number::from_f64);
            number.map(Value::Number).ok_or_else(cannot)
        }
        ("str", [Value::String(text)]) => Ok(text.clone().into()),
        ("str", [value]) if value.as_i64().is_some() => Ok(value.to_string().into()),
        ("abs", [value]) => match whole(value).and_then(i64::checked_abs) {
            Some(value) => Ok(value.into()),
            None => {
                let number = real(value).and_then(|value| Number::from_f64(value.abs()));
                number.map(Value::Number).ok_or_else(cannot)
            }
        },
        ("sum", [Value::Array(list)]) => list
            .iter()
            .try_fold(Value::from(0), |sum, value| numbers("+", &sum, value)),
        ("max" | "min", [Value::Array(list)]) => extreme(name, list).ok_or_else(cannot),
        ("max" | "min", [_, _, ..]) => extreme(name, values).ok_or_else(cannot),
        ("os.path.join", values) => joined(values).ok_or_else(cannot),
        _ => Err(cannot()),
    }
}

fn range(ends: &[Value]) -> Option<Value> {
    let ends: Vec<i64> = ends.iter().map(Value::as_i64).collect::<Option<_>>()?;
    let (from, to, step) = match ends[..] {
        [to] => (0, to, 1),
        [from, to] => (from, to, 1),
        [from, to, step] if step != 0 => (from, to, step),
        _ => return None,
    };
    let mut values = Vec::new();
    let mut at = from;
    while (step > 0 && at < to) || (step < 0 && at > to) {
        if values.len() >= LONGEST_LIST {
            return None;
        }
        values.push(at.into());
        at = at.checked_add(step)?;
    }
    Some(Value::Array(values))
}

fn extreme(name: &str, values: &[Value]) -> Option<Value> {
    let (first, rest) = values.split_first()?;
    let mut found = first;
    for value in rest {
        let order = order(value, found)?;
        if (name == "max" && order.is_gt()) || (name == "min" && order.is_lt()) {
            found = value;
        }
    }
    Some(found.clone())
}

fn joined(values: &[Value]) -> Option<Value> {
    let mut path = String::new();
    for value in values {
        let part = value.as_str()?;
        if part.starts_with('/') {
            path.clear();
        } else if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(part);
    }
    Some(path.into())
}
