//! A data set as the bytes that its file holds, in the file's byte order.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use dicom_encoding::transfer_syntax::Endianness;

/// One element.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element {
    pub tag: Tag,
    pub vr: VR,
    pub value: Value,
}

/// Its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Items(Vec<Vec<Element>>),
    /// Compressed pixels: their items and the delimiter at the end.
    Fragments(Vec<u8>),
}

/// How a data set is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Form {
    /// Whether each element tells its value type.
    pub explicit: bool,
    pub order: Endianness,
}

impl Form {
    pub const IMPLICIT: Self = Self {
        explicit: false,
        order: Endianness::Little,
    };

    pub fn word(self, bytes: [u8; 2]) -> u16 {
        match self.order {
            Endianness::Little => u16::from_le_bytes(bytes),
            Endianness::Big => u16::from_be_bytes(bytes),
        }
    }

    pub fn long(self, bytes: [u8; 4]) -> u32 {
        match self.order {
            Endianness::Little => u32::from_le_bytes(bytes),
            Endianness::Big => u32::from_be_bytes(bytes),
        }
    }

    pub fn word_bytes(self, value: u16) -> [u8; 2] {
        match self.order {
            Endianness::Little => value.to_le_bytes(),
            Endianness::Big => value.to_be_bytes(),
        }
    }

    pub fn long_bytes(self, value: u32) -> [u8; 4] {
        match self.order {
            Endianness::Little => value.to_le_bytes(),
            Endianness::Big => value.to_be_bytes(),
        }
    }
}

impl Element {
    /// With a text of ASCII, padded to an even length.
    pub fn text(tag: Tag, vr: VR, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == VR::UI { 0 } else { b' ' });
        }
        Self {
            tag,
            vr,
            value: Value::Bytes(bytes),
        }
    }

    pub fn items(tag: Tag, items: Vec<Vec<Element>>) -> Self {
        Self {
            tag,
            vr: VR::SQ,
            value: Value::Items(items),
        }
    }

    /// The value's bytes without their padding.
    pub fn trimmed(&self) -> &[u8] {
        match &self.value {
            Value::Bytes(bytes) => trimmed(bytes),
            _ => &[],
        }
    }

    /// The value, when it is ASCII.
    pub fn ascii(&self) -> Option<&str> {
        let bytes = self.trimmed();
        bytes.is_ascii().then(|| std::str::from_utf8(bytes).ok())?
    }

    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Bytes(bytes) if is_text(self.vr) => trimmed(bytes).is_empty(),
            Value::Bytes(bytes) | Value::Fragments(bytes) => bytes.is_empty(),
            Value::Items(items) => items.is_empty(),
        }
    }
}

/// Without the spaces and zeros around it.
pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    let padding = |byte: &&u8| matches!(**byte, b' ' | 0);
    let front = bytes.iter().take_while(padding).count();
    let rest = &bytes[front..];
    let back = rest.iter().rev().take_while(padding).count();
    &rest[..rest.len() - back]
}

/// Whether values of this type are characters.
pub(crate) fn is_text(vr: VR) -> bool {
    matches!(
        vr,
        VR::AE
            | VR::AS
            | VR::CS
            | VR::DA
            | VR::DS
            | VR::DT
            | VR::IS
            | VR::LO
            | VR::LT
            | VR::PN
            | VR::SH
            | VR::ST
            | VR::TM
            | VR::UC
            | VR::UI
            | VR::UR
            | VR::UT
    )
}

/// The first element of this tag.
pub(crate) fn find(set: &[Element], tag: Tag) -> Option<&Element> {
    set.iter().find(|element| element.tag == tag)
}

/// Its value when it is ASCII, else nothing.
pub(crate) fn ascii(set: &[Element], tag: Tag) -> &str {
    find(set, tag).and_then(Element::ascii).unwrap_or("")
}

/// The first of its numbers of 16 bits.
pub(crate) fn word(set: &[Element], tag: Tag, form: Form) -> Option<u16> {
    match &find(set, tag)?.value {
        Value::Bytes(bytes) => Some(form.word(*bytes.first_chunk()?)),
        _ => None,
    }
}

/// The value type in the standard's dictionary.
pub(crate) fn known_vr(tag: Tag) -> Option<VR> {
    if tag.element() == 0 {
        return Some(VR::UL);
    }
    if tag.group() % 2 == 1 {
        // The names of the owners of private elements.
        return (0x10..=0xFF).contains(&tag.element()).then_some(VR::LO);
    }
    Some(match StandardDataDictionary.by_tag(tag)?.vr() {
        VirtualVr::Exact(vr) => vr,
        VirtualVr::Xs => VR::US,
        _ => VR::OW,
    })
}

/// The keyword in the standard's dictionary.
pub(crate) fn keyword(tag: Tag) -> String {
    let entry = StandardDataDictionary.by_tag(tag);
    entry.map_or_else(String::new, |entry| entry.alias().to_owned())
}

/// Every element of a data set and of its items.
pub(crate) fn each<'a>(set: &'a [Element], visit: &mut dyn FnMut(&'a Element)) {
    for element in set {
        visit(element);
        if let Value::Items(items) = &element.value {
            items.iter().for_each(|item| each(item, visit));
        }
    }
}
