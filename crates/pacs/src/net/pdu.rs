//! Kinds of PDUs (PS3.8 section 9.3), how long each may be, and the parts of those with data.

use crate::{Error, Limits, Result};
use dicom_ul::pdu::{Pdu, read_pdu, write_pdu};
use std::panic::catch_unwind;

/// The kind of a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    AssociateRequest,
    AssociateAccept,
    AssociateReject,
    Data,
    ReleaseRequest,
    ReleaseReply,
    Abort,
}

impl Kind {
    pub fn of(byte: u8) -> Result<Self> {
        Ok(match byte {
            1 => Self::AssociateRequest,
            2 => Self::AssociateAccept,
            3 => Self::AssociateReject,
            4 => Self::Data,
            5 => Self::ReleaseRequest,
            6 => Self::ReleaseReply,
            7 => Self::Abort,
            _ => return Err(Error::protocol("what it sent is no PDU of DICOM")),
        })
    }

    pub fn longest(self, limits: &Limits) -> u32 {
        match self {
            Self::AssociateRequest | Self::AssociateAccept => limits.negotiation,
            Self::Data => limits.pdu(),
            _ => 64,
        }
    }

    fn byte(self) -> u8 {
        self as u8 + 1
    }
}

/// Parses a PDU other than one with data. The length of the body was checked when it was received.
pub(crate) fn parse(kind: Kind, body: &[u8]) -> Result<Pdu> {
    let length = u32::try_from(body.len()).map_err(|_| Error::protocol("a PDU of 4 GiB"))?;
    let mut bytes = Vec::with_capacity(body.len() + 6);
    bytes.extend([kind.byte(), 0]);
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    let longest = length.max(dicom_ul::pdu::MINIMUM_PDU_SIZE);
    // A fault of the parser is the end of the association, also of a client.
    let parsed = catch_unwind(|| read_pdu(bytes.as_slice(), longest, true));
    match parsed.map_err(|_| Error::protocol("a PDU at which its parser failed"))? {
        Ok(Some(pdu)) => Ok(pdu),
        Ok(None) => Err(Error::protocol("a PDU that ends within an item")),
        Err(error) => Err(Error::protocol(crate::error::reasons(&error))),
    }
}

/// The bytes of a PDU other than one with data.
pub(crate) fn encode(pdu: &Pdu) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, pdu).map_err(|error| Error::Settings(crate::error::reasons(&error)))?;
    Ok(bytes)
}

/// A part of a command set or a data set (a presentation data value), in the body of a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub context: u8,
    pub is_command: bool,
    pub is_last: bool,
    pub bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// The part at a place in the body of a PDU with data, and the place after it.
    pub fn at(body: &'a [u8], place: usize) -> Result<(Self, usize)> {
        let cut = || Error::protocol("a PDU of data that ends within a part");
        let rest = body.get(place..).ok_or_else(cut)?;
        let (header, rest) = rest.split_first_chunk::<6>().ok_or_else(cut)?;
        let [l0, l1, l2, l3, context, flags] = *header;
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        let length = length.checked_sub(2).ok_or_else(cut)?;
        let part = Self {
            context,
            is_command: flags & 1 != 0,
            is_last: flags & 2 != 0,
            bytes: rest.get(..length).ok_or_else(cut)?,
        };
        Ok((part, place + 6 + length))
    }
}

/// The bytes before those of a part, where a PDU has one part.
pub(crate) fn part_header(context: u8, is_command: bool, is_last: bool, length: usize) -> [u8; 12] {
    // Parts are at most as long as the largest PDU that is sent, 1 MiB.
    let length = u32::try_from(length).unwrap_or(u32::MAX - 6);
    let [p0, p1, p2, p3] = (length + 6).to_be_bytes();
    let [l0, l1, l2, l3] = (length + 2).to_be_bytes();
    let flags = u8::from(is_command) | u8::from(is_last) << 1;
    [
        Kind::Data.byte(),
        0,
        p0,
        p1,
        p2,
        p3,
        l0,
        l1,
        l2,
        l3,
        context,
        flags,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_as_it_was_written() {
        let mut pdu = part_header(3, true, false, 4).to_vec();
        pdu.extend(*b"abcd");
        let (part, end) = Part::at(&pdu[6..], 0).unwrap();
        assert_eq!(
            (part.context, part.is_command, part.is_last),
            (3, true, false)
        );
        assert_eq!((part.bytes, end), (&b"abcd"[..], 10));
    }

    #[test]
    fn parts_that_announce_more_than_there_is_are_refused() {
        for length in [0, 1, 7, 0xFFFF_FFFF_u32] {
            let mut body = length.to_be_bytes().to_vec();
            body.extend([1, 3, 0, 0, 0]);
            assert!(Part::at(&body, 0).is_err(), "{length}");
        }
        assert!(Part::at(&[0, 0], 0).is_err());
    }
}
