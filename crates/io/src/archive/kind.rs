//! What kind of archive the first bytes of a file begin.

use crate::format::Head;
use crate::layout::Packing;
use crate::neighbours;

/// A kind of archive whose members are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Zip,
    Tar,
    /// Tar in gzip or Zstandard.
    PackedTar(Packing),
}

impl Kind {
    /// The kind of an archive that may hold images.
    pub fn of(head: &Head) -> Option<Self> {
        match (is_tar(&head.bytes), head.packing) {
            (true, Packing::Raw) => Some(Self::Tar),
            (true, packing) => Some(Self::PackedTar(packing)),
            (false, Packing::Raw) if neighbours::is_plain_zip(&head.bytes) => Some(Self::Zip),
            (false, _) => None,
        }
    }
}

/// Whether the bytes begin with the header of a member: its check sum is right. The oldest archives have no other mark.
fn is_tar(bytes: &[u8]) -> bool {
    const SUM: std::ops::Range<usize> = 148..156;
    let Some(header) = bytes.get(..512) else {
        return false;
    };
    let digits = header[SUM].iter().skip_while(|byte| **byte == b' ');
    let digits = digits.take_while(|byte| (b'0'..=b'7').contains(byte));
    let stated = digits.fold(None, |sum: Option<u32>, digit| {
        Some(sum.unwrap_or(0) * 8 + u32::from(digit - b'0'))
    });
    let value = |(at, byte): (usize, &u8)| u32::from(if SUM.contains(&at) { b' ' } else { *byte });
    let sum: u32 = header.iter().enumerate().map(value).sum();
    header[0] != 0 && stated == Some(sum)
}
