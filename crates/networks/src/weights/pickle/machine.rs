//! The stack machine: one operation after another, protocols 0 to 5.

use super::{Budget, Id, MOST, Node, Pickle};
use std::collections::HashMap;

/// Bytes that calls may copy of earlier objects.
const MOST_COPIED: usize = 64 << 20;

pub(super) const SHORT: &str = "ends in the middle of an object";

pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub nodes: Vec<Node>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
    pub copied: Budget,
}

pub(super) fn run(bytes: &[u8]) -> Result<Pickle, String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        copied: Budget(MOST_COPIED),
    };
    loop {
        let code = machine.take(1)?[0];
        if code == b'.' {
            let root = machine.pop()?;
            let nodes = machine.nodes;
            return Ok(Pickle { nodes, root });
        }
        if !(machine.value(code)? || machine.collection(code)? || machine.reference(code)?) {
            return Err(format!(
                "has the operation {code:#04x}, which is not understood"
            ));
        }
    }
}

impl Machine<'_> {
    /// Operations that put a plain value on the stack; whether the code is one.
    fn value(&mut self, code: u8) -> Result<bool, String> {
        let node = match code {
            b'N' => Node::None,
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'K' => Node::Int(self.number(1)? as i64),
            b'M' => Node::Int(self.number(2)? as i64),
            b'J' => Node::Int(i64::from(self.number(4)? as u32 as i32)),
            0x8a => self.long(1)?,
            0x8b => self.long(4)?,
            b'I' | b'L' => self.written()?,
            b'F' => {
                let line = self.line()?;
                let number = line.trim().parse();
                Node::Float(number.map_err(|_| format!("has {line:?} for a number"))?)
            }
            b'G' => {
                let bytes = self.take(8)?.try_into().map_err(|_| SHORT)?;
                Node::Float(f64::from_be_bytes(bytes))
            }
            0x8c | b'U' => self.text(1)?,
            b'X' | b'T' => self.text(4)?,
            0x8d => self.text(8)?,
            b'V' => Node::Text(self.line()?),
            b'C' => self.binary(1)?,
            b'B' => self.binary(4)?,
            0x8e | 0x96 => self.binary(8)?,
            b'c' => Node::Global(format!("{}.{}", self.line()?, self.line()?)),
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (module, name) = (self.string(module)?, self.string(name)?);
                let name = format!("{module}.{name}");
                self.copied.spend(name.len())?;
                Node::Global(name)
            }
            _ => return Ok(false),
        };
        self.push(node)?;
        Ok(true)
    }

    /// Operations that make and fill lists, tuples, sets and dictionaries; whether the code is one.
    fn collection(&mut self, code: u8) -> Result<bool, String> {
        match code {
            b'(' => self.marks.push(self.stack.len()),
            b']' | b')' | 0x8f => self.push(Node::List(Vec::new()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b't' | b'l' | 0x91 => {
                let parts = self.marked()?;
                self.push(Node::List(parts))?;
            }
            0x85..=0x87 => {
                let parts = self.last(usize::from(code - 0x84))?;
                self.push(Node::List(parts))?;
            }
            b'a' => {
                let part = self.pop()?;
                self.extend(vec![part])?;
            }
            b'e' | 0x90 => {
                let parts = self.marked()?;
                self.extend(parts)?;
            }
            b'd' => {
                let parts = self.marked()?;
                self.push(Node::Dict(Vec::new()))?;
                self.enter(&parts)?;
            }
            b's' => {
                let parts = self.last(2)?;
                self.enter(&parts)?;
            }
            b'u' => {
                let parts = self.marked()?;
                self.enter(&parts)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Operations on earlier objects: calls, notes, frames; whether the code is one.
    fn reference(&mut self, code: u8) -> Result<bool, String> {
        match code {
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.marked()?),
            b'2' => {
                let top = *self.stack.last().ok_or(SHORT)?;
                self.push_known(top)?;
            }
            b'R' => {
                let parts = self.last(2)?;
                self.call(parts[0], parts[1])?;
            }
            // An instance of a class, its arguments in a tuple, a tuple and a dictionary, or after a mark.
            0x81 => {
                let parts = self.last(2)?;
                self.instance(parts[0])?;
            }
            0x92 => {
                let parts = self.last(3)?;
                self.instance(parts[0])?;
            }
            b'o' => {
                let parts = self.marked()?;
                self.instance(*parts.first().ok_or(SHORT)?)?;
            }
            b'i' => {
                let class = Node::Global(format!("{}.{}", self.line()?, self.line()?));
                self.marked()?;
                self.push(class)?;
                let class = self.pop()?;
                self.instance(class)?;
            }
            b'b' => {
                let state = self.pop()?;
                let object = *self.stack.last().ok_or(SHORT)?;
                self.build(object, state)?;
            }
            b'Q' => {
                let id = self.pop()?;
                self.persistent(id)?;
            }
            0x94 => self.note(self.memo.len())?,
            b'q' => {
                let place = self.number(1)?;
                self.note(place)?;
            }
            b'r' => {
                let place = self.number(4)?;
                self.note(place)?;
            }
            b'p' => {
                let place = self.place()?;
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
            b'g' => {
                let place = self.place()?;
                self.recall(place)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub fn push(&mut self, node: Node) -> Result<(), String> {
        let id = self.keep(node)?;
        self.push_known(id)
    }

    /// A new object, not on the stack.
    pub(super) fn keep(&mut self, node: Node) -> Result<Id, String> {
        if self.nodes.len() == MOST {
            return Err(format!("holds more than {MOST} objects"));
        }
        self.nodes.push(node);
        Ok(self.nodes.len() - 1)
    }

    pub fn push_known(&mut self, id: Id) -> Result<(), String> {
        if self.stack.len() == MOST {
            return Err(format!("holds more than {MOST} objects"));
        }
        self.stack.push(id);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        self.stack.pop().ok_or_else(|| SHORT.to_owned())
    }

    fn last(&mut self, count: usize) -> Result<Vec<Id>, String> {
        let first = self.stack.len().checked_sub(count).ok_or(SHORT)?;
        Ok(self.stack.split_off(first))
    }

    fn marked(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        Ok(self.stack.split_off(mark.ok_or(SHORT)?))
    }

    fn top(&mut self) -> Result<&mut Node, String> {
        let top = *self.stack.last().ok_or(SHORT)?;
        Ok(&mut self.nodes[top])
    }

    /// An object that is added to is a list, whatever its class.
    fn extend(&mut self, parts: Vec<Id>) -> Result<(), String> {
        match self.top()? {
            Node::List(list) => list.extend(parts),
            object @ Node::Object(_) => *object = Node::List(parts),
            _ => return Err("adds to what is no list".to_owned()),
        }
        Ok(())
    }

    /// An object with entries is a dictionary, whatever its class.
    fn enter(&mut self, parts: &[Id]) -> Result<(), String> {
        let new = parts.as_chunks::<2>().0.iter().map(|&[key, of]| (key, of));
        match self.top()? {
            Node::Dict(entries) => entries.extend(new),
            object @ Node::Object(_) => *object = Node::Dict(new.collect()),
            _ => return Err("adds to what is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn note(&mut self, place: usize) -> Result<(), String> {
        let top = *self.stack.last().ok_or(SHORT)?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: usize) -> Result<(), String> {
        let noted = self.memo.get(&place).copied();
        self.push_known(noted.ok_or("names an object that it has not")?)
    }

    pub fn string(&self, id: Id) -> Result<&str, String> {
        match &self.nodes[id] {
            Node::Text(text) => Ok(text),
            _ => Err("has something else where a text is due".to_owned()),
        }
    }
}
