//! Python's pickles, as far as nnU-Net's `postprocessing.pkl` needs them: lists, tuples, dictionaries, numbers,
//! text, NumPy's scalars and the names of functions. Nothing is executed.

use serde_json::{Map, Value, json};

/// The most objects that a file may hold: a postprocessing has a few dozen.
const MOST: usize = 1 << 16;

/// The value of a pickle, tuples as lists; a function is `{"function": "module.name"}`.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
    };
    let root = machine.run()?;
    machine.value(root, 0)
}

/// An object; lists and dictionaries hold the numbers of others, as they may grow after they were noted.
#[derive(Debug, Clone)]
enum Node {
    Plain(Value),
    Bytes(Vec<u8>),
    List(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Global(String),
    /// A NumPy type such as `i8`.
    Type(String),
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<usize>,
    marks: Vec<usize>,
    memo: Vec<Option<usize>>,
}

const SHORT: &str = "ends in the middle of an object";

impl Machine<'_> {
    fn run(&mut self) -> Result<usize, String> {
        loop {
            let code = self.take(1)?[0];
            match code {
                b'.' => return self.pop(),
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.marks.push(self.stack.len()),
                b'N' => self.plain(Value::Null)?,
                0x88 => self.plain(true.into())?,
                0x89 => self.plain(false.into())?,
                b'K' => {
                    let number = self.number(1)?;
                    self.plain(number.into())?;
                }
                b'M' => {
                    let number = self.number(2)?;
                    self.plain(number.into())?;
                }
                b'J' => {
                    let number = self.number(4)? as u32 as i32;
                    self.plain(number.into())?;
                }
                0x8a => {
                    let length = self.number(1)?;
                    let number = signed(self.take(length)?)?;
                    self.plain(number.into())?;
                }
                b'G' => {
                    let bytes = self.take(8)?.try_into().map_err(|_| SHORT)?;
                    self.plain(json!(f64::from_be_bytes(bytes)))?;
                }
                0x8c => self.text(1)?,
                b'X' => self.text(4)?,
                b'C' => self.binary(1)?,
                b'B' => self.binary(4)?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Node::Global(format!("{module}.{name}")))?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let name = format!("{}.{}", self.string(module)?, self.string(name)?);
                    self.push(Node::Global(name))?;
                }
                b']' => self.push(Node::List(Vec::new()))?,
                b')' => self.push(Node::List(Vec::new()))?,
                b'}' => self.push(Node::Dict(Vec::new()))?,
                b't' => {
                    let parts = self.marked()?;
                    self.push(Node::List(parts))?;
                }
                0x85..=0x87 => {
                    let count = usize::from(code - 0x84);
                    let first = self.stack.len().checked_sub(count).ok_or(SHORT)?;
                    let parts = self.stack.split_off(first);
                    self.push(Node::List(parts))?;
                }
                b'a' => {
                    let part = self.pop()?;
                    self.extend(vec![part])?;
                }
                b'e' => {
                    let parts = self.marked()?;
                    self.extend(parts)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.enter(vec![key, value])?;
                }
                b'u' => {
                    let parts = self.marked()?;
                    self.enter(parts)?;
                }
                b'R' => self.call()?,
                // The state of a NumPy type, its order of bytes: the writer's machine is little-endian too.
                b'b' => drop(self.pop()?),
                0x94 => self.note(self.memo.len())?,
                b'q' => {
                    let place = self.number(1)?;
                    self.note(place)?;
                }
                b'r' => {
                    let place = self.number(4)?;
                    self.note(place)?;
                }
                b'h' => {
                    let place = self.number(1)?;
                    self.recall(place)?;
                }
                b'j' => {
                    let place = self.number(4)?;
                    self.recall(place)?;
                }
                other => {
                    return Err(format!(
                        "has the operation {other:#04x}, which is not understood"
                    ));
                }
            }
        }
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(SHORT)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, String> {
        let bytes = self.take(bytes)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(SHORT)?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }

    fn text(&mut self, bytes: usize) -> Result<(), String> {
        let length = self.number(bytes)?;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.plain(text.into())
    }

    fn binary(&mut self, bytes: usize) -> Result<(), String> {
        let length = self.number(bytes)?;
        let bytes = self.take(length)?.to_vec();
        self.push(Node::Bytes(bytes))
    }

    fn push(&mut self, node: Node) -> Result<(), String> {
        if self.nodes.len() == MOST {
            return Err("holds more objects than a postprocessing has".to_owned());
        }
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
        Ok(())
    }

    fn plain(&mut self, value: Value) -> Result<(), String> {
        self.push(Node::Plain(value))
    }

    fn pop(&mut self) -> Result<usize, String> {
        self.stack.pop().ok_or_else(|| SHORT.to_owned())
    }

    fn marked(&mut self) -> Result<Vec<usize>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or(SHORT)?))
    }

    fn top(&mut self) -> Result<&mut Node, String> {
        let top = *self.stack.last().ok_or(SHORT)?;
        Ok(&mut self.nodes[top])
    }

    fn extend(&mut self, parts: Vec<usize>) -> Result<(), String> {
        match self.top()? {
            Node::List(list) => list.extend(parts),
            _ => return Err("adds to what is no list".to_owned()),
        }
        Ok(())
    }

    fn enter(&mut self, parts: Vec<usize>) -> Result<(), String> {
        match self.top()? {
            Node::Dict(entries) => {
                entries.extend(parts.chunks_exact(2).map(|pair| (pair[0], pair[1])))
            }
            _ => return Err("adds to what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn note(&mut self, place: usize) -> Result<(), String> {
        if place > MOST {
            return Err("notes more objects than a postprocessing has".to_owned());
        }
        if self.memo.len() <= place {
            self.memo.resize(place + 1, None);
        }
        self.memo[place] = self.stack.last().copied();
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), String> {
        let noted = self.memo.get(place).copied().flatten();
        self.stack
            .push(noted.ok_or("names an object that it has not")?);
        Ok(())
    }

    fn string(&self, node: usize) -> Result<&str, String> {
        match &self.nodes[node] {
            Node::Plain(Value::String(text)) => Ok(text),
            _ => Err("names a function by what is no text".to_owned()),
        }
    }

    /// A call: NumPy's types and scalars are known, nothing else.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Node::Global(name) = &self.nodes[function] else {
            return Err("calls what is no function".to_owned());
        };
        let name = name.clone();
        let Node::List(arguments) = self.nodes[arguments].clone() else {
            return Err(format!("calls {name} without arguments"));
        };
        let first = arguments.first().map(|&first| self.nodes[first].clone());
        let second = arguments.get(1).map(|&second| self.nodes[second].clone());
        let made = match (name.rsplit('.').next(), first, second) {
            (Some("dtype"), Some(Node::Plain(Value::String(kind))), _) => Node::Type(kind),
            (Some("scalar"), Some(Node::Type(kind)), Some(Node::Bytes(bytes))) => {
                Node::Plain(scalar(&kind, &bytes)?)
            }
            _ => return Err(format!("calls {name}, which is not understood")),
        };
        self.push(made)
    }

    fn value(&self, node: usize, depth: usize) -> Result<Value, String> {
        if depth > 16 {
            return Err("is nested more deeply than a postprocessing is".to_owned());
        }
        Ok(match &self.nodes[node] {
            Node::Plain(value) => value.clone(),
            Node::Bytes(_) | Node::Type(_) => Value::Null,
            Node::Global(name) => json!({ "function": name }),
            Node::List(parts) => {
                let parts = parts.iter().map(|&part| self.value(part, depth + 1));
                Value::Array(parts.collect::<Result<_, _>>()?)
            }
            Node::Dict(entries) => {
                let entry = |&(key, value): &(usize, usize)| {
                    let key = self.string(key).map(str::to_owned);
                    Ok((key?, self.value(value, depth + 1)?))
                };
                let entries: Result<Map<String, Value>, String> =
                    entries.iter().map(entry).collect();
                Value::Object(entries?)
            }
        })
    }
}

/// A little-endian number of any length.
fn signed(bytes: &[u8]) -> Result<i64, String> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut all = if negative { [0xff; 8] } else { [0; 8] };
    let room = all.get_mut(..bytes.len());
    room.ok_or("has a number of more than 64 bits")?
        .copy_from_slice(bytes);
    Ok(i64::from_le_bytes(all))
}

/// A NumPy scalar of a type such as `i8` or `u2`.
fn scalar(kind: &str, bytes: &[u8]) -> Result<Value, String> {
    match kind.as_bytes().first() {
        Some(b'i') => Ok(signed(bytes)?.into()),
        Some(b'u') if bytes.len() <= 8 => {
            let mut all = [0; 8];
            all[..bytes.len()].copy_from_slice(bytes);
            Ok(u64::from_le_bytes(all).into())
        }
        _ => Err(format!(
            "holds a NumPy scalar of the type {kind}, not a whole number"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_short_or_calls_something_is_an_error() {
        assert_eq!(read(b"\x80\x04].").unwrap(), json!([]));
        assert_eq!(read(b"\x80\x04(K\x01K\x02t.").unwrap(), json!([1, 2]));
        assert!(read(b"\x80\x04]").unwrap_err().contains("ends"));
        let call = read(b"\x80\x04cos\nsystem\n\x8c\x02ls\x85R.").unwrap_err();
        assert!(call.contains("os.system"), "{call}");
        assert!(read(b"\x80\x04h\x07.").is_err());
        assert!(read(b"\x80\x04e.").is_err());
        // A list within itself.
        assert!(
            read(b"\x80\x04]\x94h\x00a.")
                .unwrap_err()
                .contains("nested")
        );
    }
}
