//! GE's protocol data block (0025,101B): a text in gzip, a line for each parameter, `NOSLC "32"`.

use super::super::tags;
use super::{Part, describing};
use crate::gzip;
use crate::layout::Packing;
use std::collections::HashMap;

/// Bytes of text that are read; the protocols of scanners have two thousand.
const MOST: u64 = 1 << 20;

/// The parameters of a protocol by their names.
pub(super) struct Protocol(HashMap<String, String>);

impl Protocol {
    /// The protocol of a volume; none where the block is missing, damaged or, as newer software writes it, XML.
    pub fn of(part: &Part) -> Option<Self> {
        let block = tags::private(&part.file, "GEMS_SERS_01", describing::GE_PROTOCOL)?;
        // Its length comes first.
        let packed = [block.get(4..)?, block]
            .into_iter()
            .find(|bytes| Packing::of_file(bytes) == Packing::Gzip)?;
        let (text, fault) = gzip::first_bytes(packed, Packing::Gzip, MOST);
        fault.is_none().then(|| Self::parse(&text))
    }

    fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let parameter = |line: &str| {
            let (name, value) = line.trim().split_once(' ')?;
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        Self(text.lines().filter_map(parameter).collect())
    }

    /// A parameter; an empty text where it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A finite number.
    pub fn number(&self, name: &str) -> Option<f64> {
        let value: f64 = self.text(name).parse().ok()?;
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_a_text_in_quotes() {
        let text = b"IOPT \"EDR, EPI, FMRI\"\nDELACQ \"Minimum\"\r\nNOSLC \"32 \"\nbroken\nX \"y\nEMPTY \"\"\n";
        let protocol = Protocol::parse(text);
        assert_eq!(protocol.text("IOPT"), "EDR, EPI, FMRI");
        assert_eq!(protocol.text("DELACQ"), "Minimum");
        assert_eq!(protocol.number("NOSLC"), Some(32.0));
        assert_eq!(protocol.number("IOPT"), None);
        for absent in ["X", "broken", "EMPTY", "SLICEORDER"] {
            assert_eq!(protocol.text(absent), "");
        }
    }
}
