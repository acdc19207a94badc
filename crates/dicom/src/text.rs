//! Own texts in the character set of the source: what it cannot hold is refused, and what an attribute cannot hold, too.

use crate::raw;
use crate::{Error, Result};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::header::Header;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};
use dicom_object::InMemDicomObject;

/// The character set of an object, in which all of its texts are.
#[derive(Debug, Clone)]
pub(crate) struct Charset {
    /// The value of SpecificCharacterSet; none for ASCII.
    declared: Option<Vec<u8>>,
}

impl Charset {
    /// The set of a source, or UTF-8 where an own text needs it and all texts that are copied are ASCII.
    pub fn of(source: &InMemDicomObject, own: &[&str]) -> Self {
        let declared = raw::bytes(source, tags::SPECIFIC_CHARACTER_SET);
        let declared = declared.filter(|bytes| !bytes.iter().all(|b| matches!(b, b' ' | 0)));
        let charset = Self { declared };
        let holds = |text: &&str| charset.encode(text).is_some();
        match own.iter().all(holds) || !is_ascii(source) {
            true => charset,
            false => Self {
                declared: Some(b"ISO_IR 192".to_vec()),
            },
        }
    }

    pub fn declared(&self) -> Option<&[u8]> {
        self.declared.as_deref()
    }

    /// A text's bytes, where the set can hold it.
    fn encode(&self, text: &str) -> Option<Vec<u8>> {
        if text.is_ascii() {
            return Some(text.as_bytes().to_vec());
        }
        let name = std::str::from_utf8(self.declared.as_deref()?).ok()?;
        // With several sets, escape sequences would be needed.
        let codec =
            (!name.contains('\\')).then(|| SpecificCharacterSet::from_code(name.trim()))??;
        let bytes = codec.encode(text).ok()?;
        // What cannot be held must not come back as another character.
        (codec.decode(&bytes).ok()? == text).then_some(bytes)
    }

    /// The text of a value without its padding; none where the set does not explain all of its bytes.
    pub fn decode(&self, bytes: &[u8]) -> Option<String> {
        let text = match bytes.iter().all(|b| b.is_ascii() && *b != 27) {
            true => String::from_utf8_lossy(bytes).into_owned(),
            false => {
                let name = std::str::from_utf8(self.declared.as_deref()?).ok()?;
                // With several sets, escape sequences would be needed.
                let codec = (!name.contains('\\'))
                    .then(|| SpecificCharacterSet::from_code(name.trim()))??;
                codec.decode(bytes).ok()?
            }
        };
        Some(text.trim_matches([' ', '\0']).to_owned())
    }

    /// A value of the element in bytes of even length.
    ///
    /// # Errors
    /// [`Error::Text`] for a text that is too long, has control characters, or characters outside of the set.
    pub fn value(&self, tag: Tag, vr: VR, text: &str) -> Result<Vec<u8>> {
        let refuse = |reason: String| Error::Text {
            attribute: keyword(tag),
            text: text.chars().filter(|c| !c.is_control()).take(80).collect(),
            reason,
        };
        let (longest, lines) = limits(vr);
        let length = text.chars().count();
        if length > longest {
            return Err(refuse(format!(
                "it has {length} characters, at most {longest} fit; shorten it"
            )));
        }
        let forbidden =
            |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t' | '\u{c}'));
        if text.chars().any(forbidden) || (!lines && vr != VR::UI && text.contains('\\')) {
            return Err(refuse(
                "it has a backslash or a control character; remove it".to_owned(),
            ));
        }
        let mut bytes = self.encode(text).ok_or_else(|| {
            let name = self.declared.as_deref().map_or("ASCII".into(), String::from_utf8_lossy);
            refuse(format!(
                "the source's texts are in the character set {name}, which lacks some of its characters; write it without them"
            ))
        })?;
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == VR::UI { 0 } else { b' ' });
        }
        Ok(bytes)
    }
}

/// The largest number of characters, and whether lines may end within.
fn limits(vr: VR) -> (usize, bool) {
    match vr {
        VR::AE | VR::CS | VR::SH | VR::DS | VR::TM => (16, false),
        VR::IS => (12, false),
        VR::LO | VR::PN | VR::UI => (64, false),
        VR::DA => (8, false),
        VR::ST => (1024, true),
        VR::LT => (10_240, true),
        _ => (usize::MAX, true),
    }
}

/// Whether all texts of a data set are ASCII without escape sequences.
pub(crate) fn is_ascii(set: &InMemDicomObject) -> bool {
    set.iter().all(|element| match element.items() {
        Some(items) => items.iter().all(is_ascii),
        None => {
            let text = matches!(
                element.vr(),
                VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT
            );
            !text
                || raw::bytes(set, element.tag())
                    .is_none_or(|b| b.iter().all(|&b| b < 128 && b != 27))
        }
    })
}

/// The keyword of an attribute.
pub(crate) fn keyword(tag: Tag) -> String {
    let entry = StandardDataDictionary.by_tag(tag);
    entry.map_or_else(|| tag.to_string(), |entry| entry.alias().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(name: &str) -> Charset {
        Charset {
            declared: Some(name.as_bytes().to_vec()),
        }
    }

    #[test]
    fn a_text_is_held_by_the_set_or_refused() {
        let latin = declared("ISO_IR 100");
        let value = |charset: &Charset, text| charset.value(tags::SEGMENT_LABEL, VR::LO, text);
        assert_eq!(value(&latin, "L\u{e4}sion").unwrap(), b"L\xe4sion");
        assert_eq!(value(&latin, "odd").unwrap(), b"odd ");
        let message = value(&latin, "肝臓").unwrap_err().to_string();
        assert!(
            message.contains("SegmentLabel") && message.contains("ISO_IR 100"),
            "{message}"
        );
        assert_eq!(
            value(&declared("ISO_IR 192"), "肝臓").unwrap(),
            "肝臓".as_bytes()
        );
        assert!(value(&declared("ISO 2022 IR 6\\ISO 2022 IR 87"), "肝臓").is_err());
        assert!(value(&Charset { declared: None }, "\u{e4}").is_err());
    }

    #[test]
    fn long_texts_and_control_characters_are_refused() {
        let ascii = Charset { declared: None };
        let refused = |vr, text: &str| ascii.value(tags::SEGMENT_LABEL, vr, text).is_err();
        assert!(refused(VR::LO, &"a".repeat(65)) && !refused(VR::LO, &"a".repeat(64)));
        assert!(refused(VR::SH, &"a".repeat(17)));
        assert!(refused(VR::LO, "a\\b") && refused(VR::LO, "a\nb") && !refused(VR::ST, "a\nb"));
        assert!(refused(VR::ST, "\u{1b}[31m"));
    }
}
