//! Private elements: those of a list are retained when asked, all others removed.
//!
//! `private.csv` holds the elements that PS3.15 E.3.10 lists as thought to be safe (table E.3.10-1, as of 2020), without those
//! of no value type: `group xx element,value type,creator`.

use super::element::{Element, Value, is_text};
use super::values::is_sound;
use dicom_core::{Tag, VR};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::LazyLock;

type Safe = BTreeMap<(u16, u8, &'static str), VR>;

static SAFE: LazyLock<Safe> = LazyLock::new(|| {
    include_str!("private.csv")
        .lines()
        .filter_map(line)
        .collect()
});

fn line(text: &'static str) -> Option<((u16, u8, &'static str), VR)> {
    let mut cells = text.splitn(3, ',');
    let (group, element) = cells.next()?.split_once("xx")?;
    let vr = VR::from_str(cells.next()?).ok()?;
    let place = (
        u16::from_str_radix(group, 16).ok()?,
        u8::from_str_radix(element, 16).ok()?,
    );
    Some(((place.0, place.1, cells.next()?), vr))
}

/// The private elements of one data set that are on the list, and the elements that name their creators.
pub(crate) fn safe(set: &[Element]) -> Vec<Element> {
    let mut kept: Vec<Element> = Vec::new();
    for element in set
        .iter()
        .filter(|e| is_private(e.tag) && e.tag.element() > 0xFF)
    {
        let block = Tag(element.tag.group(), element.tag.element() >> 8);
        let Some(creator) = set.iter().find(|e| e.tag == block) else {
            continue;
        };
        let Some(element) = listed(element, creator) else {
            continue;
        };
        if !kept.iter().any(|e| e.tag == block) {
            // The name that the list has, not what may stand beside it.
            let name = creator.ascii().unwrap_or("");
            kept.push(Element::text(block, VR::LO, name));
        }
        kept.push(element);
    }
    kept
}

fn listed(element: &Element, creator: &Element) -> Option<Element> {
    let tag = element.tag;
    let place = (tag.group(), tag.element() as u8);
    let (_, &vr) = SAFE
        .iter()
        .find(|((group, low, name), _)| (*group, *low) == place && creator.ascii() == Some(name))?;
    let mut element = element.clone();
    match &element.value {
        Value::Items(_) if vr == VR::SQ => return Some(element),
        Value::Bytes(_) if element.vr == vr || element.vr == VR::UN && vr != VR::SQ => {}
        _ => return None,
    }
    element.vr = vr;
    // A text where numbers were expected is not what the list means.
    (!is_text(vr) || is_sound(&element)).then_some(element)
}

pub(crate) fn is_private(tag: Tag) -> bool {
    tag.group() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_whole() {
        let text = include_str!("private.csv");
        assert_eq!(SAFE.len(), text.lines().count() - 1);
        let suv = (0x7053, 0x00, "Philips PET Private Group");
        assert_eq!(SAFE.get(&suv), Some(&VR::DS));
    }

    #[test]
    fn only_listed_elements_of_their_creator_and_type_are_safe() {
        let name = Element::text(Tag(0x7053, 0x10), VR::LO, "Philips PET Private Group");
        let value = |tag, vr, text| Element::text(tag, vr, text);
        let listed = value(Tag(0x7053, 0x1000), VR::DS, "0.5");
        let other = value(Tag(0x7053, 0x1001), VR::DS, "0.5");
        let kept = safe(&[name.clone(), listed.clone(), other]);
        assert_eq!(kept, [name.clone(), listed.clone()]);
        let unknown = value(Tag(0x7053, 0x1000), VR::UN, "0.5");
        assert_eq!(safe(&[name.clone(), unknown]).len(), 2);
        let text = value(Tag(0x7053, 0x1000), VR::DS, "Doe^Jane");
        assert!(safe(&[name, text]).is_empty());
        let stranger = Element::text(Tag(0x7053, 0x10), VR::LO, "ACME");
        assert!(safe(&[stranger, listed.clone()]).is_empty() && safe(&[listed]).is_empty());
    }
}
