//! The command set of a message (PS3.7 chapter 6): elements of group 0000 in implicit little-endian.

use super::element;
use crate::uid::unpadded;
use crate::{Error, Result, Status};
use std::collections::BTreeMap;

/// A command set is longer only when a peer is hostile.
pub(crate) const LONGEST: usize = 1 << 16;
/// CommandDataSetType of a message without a data set.
const NO_DATA_SET: u16 = 0x0101;

/// The command set of a message: the values of its elements by element number (the group is 0000).
///
/// ```
/// use vesalius_pacs::Command;
///
/// let command = Command::decode(&[0, 0, 0x10, 0x01, 2, 0, 0, 0, 7, 0])?;
/// assert_eq!(command.u16(0x0110), Some(7), "the message's number");
/// assert_eq!(Command::decode(&command.encode())?, command);
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    elements: BTreeMap<u16, Vec<u8>>,
}

impl Command {
    /// Reads a command set. Memory is only taken for bytes that are there.
    ///
    /// # Errors
    /// [`Error::Protocol`] for elements of another group, an element that ends after the bytes, or more than 65,536 bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > LONGEST {
            return Err(Error::protocol("a command set of more than 65,536 bytes"));
        }
        let mut elements = BTreeMap::new();
        let mut rest = bytes;
        while let Some((header, after)) = rest.split_first_chunk::<8>() {
            let [g0, g1, e0, e1, l0, l1, l2, l3] = *header;
            if [g0, g1] != [0, 0] {
                return Err(Error::protocol(
                    "a command set with an element outside of group 0000",
                ));
            }
            let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
            let (value, after) = after.split_at_checked(length).ok_or_else(|| {
                Error::protocol("a command set with an element that ends after the command")
            })?;
            elements
                .entry(u16::from_le_bytes([e0, e1]))
                .or_insert_with(|| value.to_vec());
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Error::protocol("a command set that ends within an element"));
        }
        elements.remove(&element::GROUP_LENGTH);
        Ok(Self { elements })
    }

    /// The bytes, with the group's length first.
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (&number, value) in &self.elements {
            put(&mut body, number, value);
        }
        let mut bytes = Vec::with_capacity(body.len() + 12);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        put(&mut bytes, element::GROUP_LENGTH, &length.to_le_bytes());
        bytes.extend(body);
        bytes
    }

    /// A number of 16 bits.
    pub fn u16(&self, number: u16) -> Option<u16> {
        let bytes = self.elements.get(&number)?.first_chunk()?;
        Some(u16::from_le_bytes(*bytes))
    }

    /// A text, without padding.
    pub fn text(&self, number: u16) -> Option<String> {
        self.elements.get(&number).map(|bytes| unpadded(bytes))
    }

    /// Whether a data set follows.
    pub fn has_data_set(&self) -> bool {
        self.u16(element::DATA_SET_TYPE)
            .is_some_and(|kind| kind != NO_DATA_SET)
    }

    /// The status of a response.
    pub fn status(&self) -> Option<Status> {
        self.u16(element::STATUS).map(Status)
    }

    pub(crate) fn with_u16(mut self, number: u16, value: u16) -> Self {
        self.elements.insert(number, value.to_le_bytes().to_vec());
        self
    }

    pub(crate) fn with_uid(self, number: u16, uid: &str) -> Self {
        self.with_padded(number, uid, 0)
    }

    pub(crate) fn with_text(self, number: u16, text: &str) -> Self {
        self.with_padded(number, text, b' ')
    }

    fn with_padded(mut self, number: u16, text: &str, padding: u8) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(padding);
        }
        self.elements.insert(number, bytes);
        self
    }

    pub(crate) fn with_data_set(self, follows: bool) -> Self {
        let kind = if follows { 0x0001 } else { NO_DATA_SET };
        self.with_u16(element::DATA_SET_TYPE, kind)
    }
}

fn put(bytes: &mut Vec<u8>, number: u16, value: &[u8]) {
    bytes.extend([0, 0]);
    bytes.extend(number.to_le_bytes());
    // Values are ours, or parts of a command of at most 65,536 bytes.
    bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Request, field};

    #[test]
    fn a_command_is_read_as_it_was_written() {
        let command = Request::new(field::C_STORE_RQ, 513)
            .class("1.2.840.10008.5.1.4.1.1.2")
            .instance("1.2.3")
            .data_set()
            .command();
        let bytes = command.encode();
        assert_eq!(bytes.len() % 2, 0);
        assert_eq!(
            u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize,
            bytes.len() - 12
        );
        assert_eq!(Command::decode(&bytes).unwrap(), command);
        assert_eq!(command.text(element::AFFECTED_INSTANCE).unwrap(), "1.2.3");
        assert!(command.has_data_set());
    }

    #[test]
    fn commands_cut_short_or_of_another_group_are_refused() {
        let bytes = Request::new(field::C_ECHO_RQ, 1)
            .class("1.2.840.10008.1.1")
            .command()
            .encode();
        for length in 0..bytes.len() {
            // Ends between elements are whole commands with fewer elements.
            let _ = Command::decode(&bytes[..length]);
        }
        assert!(Command::decode(&bytes[..bytes.len() - 1]).is_err());
        let mut other = bytes.clone();
        other[12] = 8;
        assert!(Command::decode(&other).is_err());
        let huge = [0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF];
        assert!(Command::decode(&huge).is_err());
        assert!(Command::decode(&vec![0; LONGEST + 8]).is_err());
    }
}
