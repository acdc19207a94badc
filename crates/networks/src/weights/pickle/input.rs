//! The bytes of a pickle: what follows an operation's code.

use super::Node;
use super::machine::{Machine, SHORT};

impl Machine<'_> {
    pub(super) fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(SHORT)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// An unsigned little-endian number.
    pub(super) fn number(&mut self, bytes: usize) -> Result<usize, String> {
        let bytes = self.take(bytes)?;
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |number, &byte| number << 8 | usize::from(byte)))
    }

    pub(super) fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(SHORT)?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }

    /// A number in digits; `00` and `01` are Python's first booleans, an `L` may be at the end.
    pub(super) fn written(&mut self) -> Result<Node, String> {
        let line = self.line()?;
        Ok(match line.trim().trim_end_matches('L') {
            "00" => Node::Bool(false),
            "01" => Node::Bool(true),
            digits => digits
                .parse()
                .map_or_else(|_| Node::Object("builtins.int".to_owned()), Node::Int),
        })
    }

    pub(super) fn place(&mut self) -> Result<usize, String> {
        let line = self.line()?;
        let place = line.trim().parse();
        place.map_err(|_| format!("has {line:?} for the place of an object"))
    }

    /// A signed number of any length; those of more than 64 bits are only counters and seeds.
    pub(super) fn long(&mut self, bytes: usize) -> Result<Node, String> {
        let length = self.number(bytes)?;
        let bytes = self.take(length)?;
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut all = if negative { [0xff; 8] } else { [0; 8] };
        Ok(match all.get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                Node::Int(i64::from_le_bytes(all))
            }
            None => Node::Object("builtins.int".to_owned()),
        })
    }

    pub(super) fn text(&mut self, bytes: usize) -> Result<Node, String> {
        let length = self.number(bytes)?;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        Ok(Node::Text(text))
    }

    pub(super) fn binary(&mut self, bytes: usize) -> Result<Node, String> {
        let length = self.number(bytes)?;
        Ok(Node::Bytes(self.take(length)?.to_vec()))
    }
}
