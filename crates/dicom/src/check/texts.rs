//! Whether texts are in the character set that an object declares.

use super::finding::Findings;
use crate::raw;
use dicom_core::VR;
use dicom_core::header::Header;
use dicom_dictionary_std::tags;
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};
use dicom_object::InMemDicomObject;

/// Terms of SpecificCharacterSet (PS3.3 C.12.1.1.2).
const TERMS: [&str; 33] = [
    "",
    "ISO_IR 6",
    "ISO_IR 100",
    "ISO_IR 101",
    "ISO_IR 109",
    "ISO_IR 110",
    "ISO_IR 144",
    "ISO_IR 127",
    "ISO_IR 126",
    "ISO_IR 138",
    "ISO_IR 148",
    "ISO_IR 203",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "ISO 2022 IR 6",
    "ISO 2022 IR 100",
    "ISO 2022 IR 101",
    "ISO 2022 IR 109",
    "ISO 2022 IR 110",
    "ISO 2022 IR 144",
    "ISO 2022 IR 127",
    "ISO 2022 IR 126",
    "ISO 2022 IR 138",
    "ISO 2022 IR 148",
    "ISO 2022 IR 203",
    "ISO 2022 IR 13",
    "ISO 2022 IR 166",
    "ISO 2022 IR 87",
    "ISO 2022 IR 159",
    "ISO 2022 IR 149",
];

pub(super) fn check(set: &InMemDicomObject, findings: &mut Findings) {
    let declared = raw::text(set, tags::SPECIFIC_CHARACTER_SET).unwrap_or_default();
    let terms: Vec<&str> = declared.split('\\').map(str::trim).collect();
    let unknown = terms
        .iter()
        .find(|term| !TERMS.contains(term) && **term != "ISO 2022 IR 58");
    if let Some(term) = unknown {
        findings.error(
            tags::SPECIFIC_CHARACTER_SET,
            format!("`{term}` is no character set of DICOM"),
            "a defined term, such as ISO_IR 192",
            "write the object again from images that declare their character set",
        );
        return;
    }
    walk(set, &terms, findings);
}

fn walk(set: &InMemDicomObject, terms: &[&str], findings: &mut Findings) {
    for element in set {
        if let Some(items) = element.items() {
            items.iter().for_each(|item| walk(item, terms, findings));
            continue;
        }
        let is_text = matches!(
            element.vr(),
            VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT
        );
        let bytes = raw::bytes(set, element.tag()).filter(|_| is_text);
        let bytes = bytes.unwrap_or_default();
        if bytes.iter().all(|&b| b.is_ascii() && b != 27) || is_held(&bytes, terms) {
            continue;
        }
        findings.error(
            element.tag(),
            "its text is not in the declared character set",
            "bytes that SpecificCharacterSet explains",
            "write the object again from images whose texts fit their character set",
        );
    }
}

fn is_held(bytes: &[u8], terms: &[&str]) -> bool {
    match terms {
        // Escape sequences choose among several sets.
        [_, _, ..] => true,
        ["" | "ISO_IR 6"] => false,
        ["ISO_IR 192"] => std::str::from_utf8(bytes).is_ok(),
        [term] => match SpecificCharacterSet::from_code(term) {
            Some(set) => set
                .decode(bytes)
                .is_ok_and(|text| !text.contains('\u{FFFD}')),
            None => true,
        },
        [] => false,
    }
}
