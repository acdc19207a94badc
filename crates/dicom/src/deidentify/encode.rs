//! Writes data sets in the form in which they were read.

use super::element::{Element, Form, Value};
use super::parse::{Head, is_short};
use dicom_core::{Tag, VR};
use std::io::{self, Write};

const UNDEFINED: u32 = u32::MAX;

/// Writes elements, which must be in order.
///
/// # Errors
/// Those of writing.
pub(crate) fn elements(to: &mut dyn Write, set: &[Element], form: Form) -> io::Result<()> {
    set.iter().try_for_each(|element| one(to, element, form))
}

fn one(to: &mut dyn Write, element: &Element, form: Form) -> io::Result<()> {
    let Element { tag, vr, value } = element;
    match value {
        Value::Bytes(bytes) => {
            let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
            // Only a file without types can hold long values of such a type.
            let long = is_short(*vr) && length > u32::from(u16::MAX);
            head(to, *tag, if long { VR::UN } else { *vr }, length, form)?;
            to.write_all(bytes)
        }
        Value::Fragments(bytes) => {
            head(to, *tag, *vr, UNDEFINED, form)?;
            to.write_all(bytes)
        }
        Value::Items(items) => {
            head(to, *tag, VR::SQ, UNDEFINED, form)?;
            for item in items {
                head(to, Tag(0xFFFE, 0xE000), VR::UN, UNDEFINED, form)?;
                elements(to, item, form)?;
                head(to, Tag(0xFFFE, 0xE00D), VR::UN, 0, form)?;
            }
            head(to, Tag(0xFFFE, 0xE0DD), VR::UN, 0, form)
        }
    }
}

/// The start of the pixels.
///
/// # Errors
/// Those of writing.
pub(crate) fn pixels(to: &mut dyn Write, start: Head, form: Form) -> io::Result<()> {
    head(to, start.tag, start.vr, start.length, form)
}

fn head(to: &mut dyn Write, tag: Tag, vr: VR, length: u32, form: Form) -> io::Result<()> {
    to.write_all(&form.word_bytes(tag.group()))?;
    to.write_all(&form.word_bytes(tag.element()))?;
    if form.explicit && tag.group() != 0xFFFE {
        to.write_all(&vr.to_bytes())?;
        if is_short(vr) {
            return to.write_all(&form.word_bytes(length as u16));
        }
        to.write_all(&[0, 0])?;
    }
    to.write_all(&form.long_bytes(length))
}
