//! NumPy's types and scalars.

use super::Node;
use burn::tensor::f16;

/// A NumPy type such as `i8`, `f4` or `U23`; its size is that of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    letter: u8,
    pub big_endian: bool,
}

impl Kind {
    /// `None` for dates, records and other types that no setting of a model has.
    pub fn named(name: &str) -> Option<Self> {
        let big_endian = name.starts_with('>');
        let letter = *name
            .trim_start_matches(['<', '>', '|', '='])
            .as_bytes()
            .first()?;
        b"iufbUS"
            .contains(&letter)
            .then_some(Self { letter, big_endian })
    }

    /// The scalar of its bytes.
    pub fn scalar(self, bytes: &[u8]) -> Result<Node, String> {
        let mut bytes = bytes.to_vec();
        if self.big_endian {
            let each = if self.letter == b'U' {
                4
            } else {
                bytes.len().max(1)
            };
            bytes.chunks_mut(each).for_each(<[u8]>::reverse);
        }
        let node = match self.letter {
            b'i' => extended(&bytes, true).map(Node::Int),
            b'u' => extended(&bytes, false).map(|number| match u64::try_from(number) {
                Ok(_) => Node::Int(number),
                // Above what is kept: 2⁶³ and more.
                Err(_) => Node::Object("numpy.uint64".to_owned()),
            }),
            b'b' => bytes.first().map(|byte| Node::Bool(*byte != 0)),
            b'f' => float(&bytes).map(Node::Float),
            b'S' => Some(Node::Text(trimmed(&String::from_utf8_lossy(&bytes)))),
            _ => wide(&bytes).map(|text| Node::Text(trimmed(&text))),
        };
        let (letter, length) = (char::from(self.letter), bytes.len());
        node.ok_or_else(|| format!("has a NumPy scalar `{letter}` of {length} bytes"))
    }
}

fn extended(bytes: &[u8], signed: bool) -> Option<i64> {
    let negative = signed && bytes.last()? & 0x80 != 0;
    let mut all = if negative { [0xff; 8] } else { [0; 8] };
    all.get_mut(..bytes.len())?.copy_from_slice(bytes);
    (!bytes.is_empty()).then_some(i64::from_le_bytes(all))
}

fn float(bytes: &[u8]) -> Option<f64> {
    match *bytes {
        [a, b] => Some(f16::from_le_bytes([a, b]).to_f64()),
        [a, b, c, d] => Some(f64::from(f32::from_le_bytes([a, b, c, d]))),
        _ => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
    }
}

/// Text of four bytes a character.
fn wide(bytes: &[u8]) -> Option<String> {
    let (characters, rest) = bytes.as_chunks::<4>();
    let text = characters
        .iter()
        .map(|&c| char::from_u32(u32::from_le_bytes(c)));
    rest.is_empty().then(|| text.collect()).flatten()
}

/// NumPy fills short texts with zeros.
fn trimmed(text: &str) -> String {
    text.trim_end_matches('\0').to_owned()
}
