//! Values that replace others, valid for their types.

use super::element::{Element, Value};
use super::key::DeidentifyKey;
use super::pseudonym::{Pseudonym, uid};
use dicom_core::VR;

/// The text of dummy values.
pub(crate) const DUMMY: &str = "ANONYMIZED";

/// An element with a value that says nothing. Sequences are not for this function.
pub(crate) fn dummy(element: &Element, key: &DeidentifyKey) -> Element {
    let vr = element.vr;
    let text = match vr {
        VR::UI => return hashed(element, key),
        VR::DA => "19000101",
        VR::TM => "000000",
        VR::DT => "19000101000000",
        VR::AS => "000Y",
        VR::DS | VR::IS => "0",
        VR::UR => "urn:anonymized",
        VR::US | VR::SS | VR::OB | VR::UN | VR::OW => return zeros(element, 2),
        VR::UL | VR::SL | VR::FL | VR::AT | VR::OF | VR::OL => return zeros(element, 4),
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => return zeros(element, 8),
        _ => DUMMY,
    };
    Element::text(element.tag, vr, text)
}

fn zeros(element: &Element, count: usize) -> Element {
    Element {
        tag: element.tag,
        vr: element.vr,
        value: Value::Bytes(vec![0; count]),
    }
}

/// An element without a value.
pub(crate) fn emptied(element: &Element) -> Element {
    let value = match element.vr {
        VR::SQ => Value::Items(Vec::new()),
        _ => Value::Bytes(Vec::new()),
    };
    Element {
        tag: element.tag,
        vr: element.vr,
        value,
    }
}

/// An element whose identifiers are hashed, whatever bytes they are.
pub(crate) fn hashed(element: &Element, key: &DeidentifyKey) -> Element {
    let text = String::from_utf8_lossy(element.trimmed());
    let parts = text
        .split('\\')
        .map(|part| uid(key, part.trim_matches([' ', '\0'])));
    let parts: Vec<String> = parts.collect();
    Element::text(element.tag, VR::UI, &parts.join("\\"))
}

/// Whether a value is what its type says, so that a date or an identifier that is retained is no name.
pub(crate) fn is_sound(element: &Element) -> bool {
    let allowed: fn(u8) -> bool = match element.vr {
        VR::DA => |b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'\\' | b' '),
        VR::TM => |b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'-' | b'\\' | b' '),
        VR::DT => |b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-' | b'\\' | b' '),
        VR::UI => |b| b.is_ascii_digit() || matches!(b, b'.' | b'\\' | b' ' | 0),
        VR::AS => |b| b.is_ascii_digit() || matches!(b, b'D' | b'W' | b'M' | b'Y' | b'\\'),
        VR::DS | VR::IS => |b| {
            // Numbers as some write them, and NaN and infinity.
            b.is_ascii_digit() || b".,+-Ee\\ NaAnIiFf".contains(&b)
        },
        _ => return true,
    };
    element.trimmed().iter().all(|&byte| allowed(byte))
}

/// An element whose dates are shifted; nothing where one of them is no date.
pub(crate) fn shifted(element: &Element, patient: &Pseudonym) -> Option<Element> {
    let shift = |value: &str| match element.vr {
        _ if value.is_empty() => Some(String::new()),
        VR::DA => patient.date(value),
        VR::DT => patient.date_time(value),
        _ => None,
    };
    if element.vr == VR::TM {
        return is_sound(element).then(|| element.clone());
    }
    let values = element
        .ascii()?
        .split('\\')
        .map(|value| shift(value.trim()));
    let values: Vec<String> = values.collect::<Option<_>>()?;
    Some(Element::text(element.tag, element.vr, &values.join("\\")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_core::Tag;

    const TAG: Tag = Tag(0x0009, 0x1001);

    #[test]
    fn dummies_are_sound_and_of_even_length() {
        let key = DeidentifyKey::from_bytes([1; 32]);
        for vr in [
            VR::AE,
            VR::AS,
            VR::AT,
            VR::CS,
            VR::DA,
            VR::DS,
            VR::DT,
            VR::FL,
            VR::FD,
            VR::IS,
            VR::LO,
            VR::LT,
            VR::OB,
            VR::OD,
            VR::OF,
            VR::OL,
            VR::OV,
            VR::OW,
            VR::PN,
            VR::SH,
            VR::SL,
            VR::SS,
            VR::ST,
            VR::SV,
            VR::TM,
            VR::UC,
            VR::UI,
            VR::UL,
            VR::UN,
            VR::UR,
            VR::US,
            VR::UT,
            VR::UV,
        ] {
            let made = dummy(&Element::text(TAG, vr, "Doe^Jane"), &key);
            assert!(is_sound(&made), "{vr}");
            let Value::Bytes(bytes) = &made.value else {
                panic!()
            };
            assert!(bytes.len() % 2 == 0 && !bytes.is_empty());
            assert!(!bytes.windows(3).any(|part| part == b"Doe"));
        }
    }

    #[test]
    fn what_is_no_date_is_neither_shifted_nor_sound() {
        let patient = Pseudonym::new(&DeidentifyKey::from_bytes([1; 32]), b"1", b"", b"");
        let name = Element::text(TAG, VR::DA, "Doe^Jane");
        assert!(!is_sound(&name) && shifted(&name, &patient).is_none());
        let time = Element::text(TAG, VR::TM, "Jane");
        assert!(!is_sound(&time) && shifted(&time, &patient).is_none());
        let dates = Element::text(TAG, VR::DA, "20240101\\20240102");
        let dates = shifted(&dates, &patient).unwrap();
        assert_eq!(dates.ascii().unwrap().split('\\').count(), 2);
    }
}
