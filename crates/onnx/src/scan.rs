//! Counts the messages of a file before it is decoded. An empty message has two bytes in a file and a hundred or more in
//! memory, so that a small file could fill it.

use crate::{Error, Limits, Result};

/// The kinds of messages that hold others.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    /// Holds no message.
    Plain,
}

impl Kind {
    /// The kind of a field, if it is a message.
    fn field(self, tag: u64) -> Option<Self> {
        Some(match (self, tag) {
            (Self::Model, 7) | (Self::Attribute, 6) => Self::Graph,
            (Self::Model, 8 | 14) | (Self::Tensor, 13) | (Self::Shape, 1) => Self::Plain,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11 | 12) => Self::Value,
            (Self::Node, 5) => Self::Attribute,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            _ => return None,
        })
    }

    /// Whether a field is a text or bytes of which a message may have many: each has memory of its own.
    fn is_repeated_text(self, tag: u64) -> bool {
        matches!((self, tag), (Self::Node, 1 | 2) | (Self::Attribute, 9))
    }
}

/// Counts the messages, and refuses a file with more than the limits allow.
pub(crate) fn scan(bytes: &[u8], limits: &Limits) -> Result<()> {
    let mut counter = Counter {
        limits,
        messages: 0,
    };
    counter.message(bytes, Kind::Model, 0)
}

struct Counter<'a> {
    limits: &'a Limits,
    messages: usize,
}

impl Counter<'_> {
    fn message(&mut self, mut bytes: &[u8], kind: Kind, depth: usize) -> Result<()> {
        self.count()?;
        let depth = depth + usize::from(matches!(kind, Kind::Graph));
        if depth > self.limits.depth {
            return Err(Error::Limit {
                what: "graphs within graphs",
                found: depth as u64,
                limit: self.limits.depth as u64,
            });
        }
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let (tag, wire) = (key >> 3, key & 7);
            match wire {
                0 => drop(varint(&mut bytes)?),
                1 => drop(take(&mut bytes, 8)?),
                2 => {
                    let length = varint(&mut bytes)?;
                    let length = usize::try_from(length).map_err(|_| cut())?;
                    let inner = take(&mut bytes, length)?;
                    if let Some(kind) = kind.field(tag) {
                        self.message(inner, kind, depth)?;
                    } else if kind.is_repeated_text(tag) {
                        self.count()?;
                    }
                }
                5 => drop(take(&mut bytes, 4)?),
                _ => return Err(Error::format("it has a field of an unknown kind")),
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<()> {
        self.messages += 1;
        if self.messages > self.limits.messages {
            return Err(Error::Limit {
                what: "messages",
                found: self.messages as u64,
                limit: self.limits.messages as u64,
            });
        }
        Ok(())
    }
}

fn cut() -> Error {
    Error::format("a field is longer than the file")
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or_else(cut)?;
    *bytes = rest;
    Ok(taken)
}

fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte, rest @ ..] = bytes else {
            return Err(cut());
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::format("it has a number of more than 64 bits"))
}
