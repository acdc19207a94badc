//! Files that must not be passed on as they are: pixels that may show text, and objects that are texts.

use super::element::{Element, Form, ascii, find, word};
use super::options::PixelRule;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Modalities whose pixels usually show text: ultrasound, secondary capture, photographs, endoscopy, scanned documents, ….
const MODALITIES: [&str; 13] = [
    "US", "SC", "XC", "ES", "OT", "IVUS", "GM", "DOC", "SR", "OAM", "HC", "DG", "BDUS",
];
/// Classes whose pixels usually do: ultrasound, secondary capture, visible light.
const CLASSES: [&str; 14] = [
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.7.1",
    "1.2.840.10008.5.1.4.1.1.7.2",
    "1.2.840.10008.5.1.4.1.1.7.3",
    "1.2.840.10008.5.1.4.1.1.7.4",
    "1.2.840.10008.5.1.4.1.1.3",
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.6.2",
    "1.2.840.10008.5.1.4.1.1.6.3",
    "1.2.840.10008.5.1.4.1.1.77.1.1",
    "1.2.840.10008.5.1.4.1.1.77.1.1.1",
    "1.2.840.10008.5.1.4.1.1.77.1.4",
];
/// Words of ImageType of pictures of screens and of pages.
const SCREENS: [&str; 9] = [
    "SCREEN",
    "SCREENSAVE",
    "SCREENSHOT",
    "CAPTURE",
    "CAPTURED",
    "REPORT",
    "PROTOCOL",
    "DOSE",
    "PAGE",
];
/// Classes of objects without pixels whose texts the profile treats: contours, plans, registrations, signals, ….
const PLAIN: [&str; 9] = [
    "1.2.840.10008.5.1.4.1.1.481.",
    "1.2.840.10008.5.1.4.1.1.66.1",
    "1.2.840.10008.5.1.4.1.1.66.2",
    "1.2.840.10008.5.1.4.1.1.66.3",
    "1.2.840.10008.5.1.4.1.1.66.5",
    "1.2.840.10008.5.1.4.1.1.66.6",
    "1.2.840.10008.5.1.4.1.1.67",
    "1.2.840.10008.5.1.4.1.1.9.1.",
    "1.2.840.10008.5.1.4.1.1.9.2.",
];

/// Why the pixels of an image may show text; nothing where they should not.
pub(crate) fn burned_in(set: &[Element], form: Form) -> Option<String> {
    let flag = ascii(set, tags::BURNED_IN_ANNOTATION);
    if flag.eq_ignore_ascii_case("YES") {
        return Some("BurnedInAnnotation is YES".to_owned());
    }
    if let Some(group) = hidden_overlay(set, form) {
        return Some(format!("bits of them are the overlay ({group:04X},eeee)"));
    }
    let modality = ascii(set, tags::MODALITY);
    if MODALITIES.contains(&modality) {
        return Some(format!("modality {modality}"));
    }
    if CLASSES.contains(&ascii(set, tags::SOP_CLASS_UID)) {
        return Some("a class of secondary capture, ultrasound or photographs".to_owned());
    }
    let kind = ascii(set, tags::IMAGE_TYPE).to_ascii_uppercase();
    let mut kinds = kind.split('\\').map(str::trim);
    let derived = kinds.next() == Some("DERIVED") && kinds.next() == Some("SECONDARY");
    let mut words = kind.split(['\\', ' ', '_']);
    let screen = words.any(|word| SCREENS.contains(&word));
    if screen || derived && find(set, tags::CONVERSION_TYPE).is_some() {
        return Some("ImageType tells a picture of a screen or a page".to_owned());
    }
    None
}

/// An overlay in bits of the pixels that the image does not use (retired from the standard).
fn hidden_overlay(set: &[Element], form: Form) -> Option<u16> {
    let groups = (0x6000..=0x601E).step_by(2);
    groups.into_iter().find(|&group| {
        let allocated = word(set, Tag(group, 0x0100), form).unwrap_or(1);
        let described = find(set, Tag(group, 0x0010)).is_some();
        described && allocated > 1 && find(set, Tag(group, 0x3000)).is_none()
    })
}

/// What is to be done with an image whose pixels may show text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Write,
    LeaveOut,
    Refuse,
}

pub(crate) fn verdict(set: &[Element], rule: PixelRule) -> Verdict {
    match rule {
        PixelRule::Refuse => Verdict::Refuse,
        PixelRule::LeaveOut => Verdict::LeaveOut,
        PixelRule::Keep => Verdict::Write,
        PixelRule::TrustFlag => match ascii(set, tags::BURNED_IN_ANNOTATION) {
            "NO" => Verdict::Write,
            _ => Verdict::LeaveOut,
        },
    }
}

/// What an object without pixels is, when it is text or may hold any.
pub(crate) fn document(set: &[Element]) -> Option<String> {
    let class = ascii(set, tags::SOP_CLASS_UID);
    if PLAIN.iter().any(|start| class.starts_with(start)) {
        return None;
    }
    let number = class.strip_prefix("1.2.840.10008.5.1.4.1.1.").unwrap_or("");
    Some(match number.split('.').next() {
        Some("88") => "a structured report or a selection of images".to_owned(),
        Some("104") => "an encapsulated document".to_owned(),
        Some("11") => "a presentation state".to_owned(),
        _ => "an object without pixels of a class whose texts are not known".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_core::VR;

    const FORM: Form = Form {
        explicit: true,
        ..Form::IMPLICIT
    };

    fn set(parts: &[(Tag, &str)]) -> Vec<Element> {
        parts
            .iter()
            .map(|(tag, text)| Element::text(*tag, VR::CS, text))
            .collect()
    }

    #[test]
    fn flags_classes_modalities_and_screens_are_suspect() {
        let plain = set(&[
            (tags::MODALITY, "CT"),
            (tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL"),
        ]);
        assert_eq!(burned_in(&plain, FORM), None);
        for suspect in [
            [(tags::MODALITY, "CT"), (tags::BURNED_IN_ANNOTATION, "YES")],
            [(tags::MODALITY, "US"), (tags::BURNED_IN_ANNOTATION, "NO")],
            [
                (tags::MODALITY, "CT"),
                (tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7"),
            ],
            [
                (tags::MODALITY, "MR"),
                (tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\SCREEN SAVE"),
            ],
        ] {
            assert!(burned_in(&set(&suspect), FORM).is_some(), "{suspect:?}");
        }
        let mut overlay = plain.clone();
        let number = |tag, value: u16| Element {
            tag,
            vr: VR::US,
            value: super::super::element::Value::Bytes(value.to_le_bytes().to_vec()),
        };
        overlay.push(number(Tag(0x6000, 0x0010), 8));
        overlay.push(number(Tag(0x6000, 0x0100), 16));
        assert!(burned_in(&overlay, FORM).is_some());
        overlay.push(number(Tag(0x6000, 0x3000), 0));
        assert!(burned_in(&overlay, FORM).is_none());
    }

    #[test]
    fn the_flag_is_trusted_only_when_asked() {
        let no = set(&[(tags::BURNED_IN_ANNOTATION, "NO")]);
        assert_eq!(verdict(&no, PixelRule::Refuse), Verdict::Refuse);
        assert_eq!(verdict(&no, PixelRule::TrustFlag), Verdict::Write);
        assert_eq!(verdict(&[], PixelRule::TrustFlag), Verdict::LeaveOut);
        assert_eq!(verdict(&[], PixelRule::Keep), Verdict::Write);
    }

    #[test]
    fn texts_are_documents_and_contours_are_not() {
        let class = |uid| document(&set(&[(tags::SOP_CLASS_UID, uid)]));
        assert!(class("1.2.840.10008.5.1.4.1.1.104.1").is_some());
        assert!(class("1.2.840.10008.5.1.4.1.1.88.33").is_some());
        assert!(class("1.3.12.2.1107.5.9.1").is_some() && document(&[]).is_some());
        assert!(class("1.2.840.10008.5.1.4.1.1.481.3").is_none());
        assert!(class("1.2.840.10008.5.1.4.1.1.66.1").is_none());
    }
}
