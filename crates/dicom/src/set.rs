//! A data set that is built: elements by tag, with the dictionary's value representation and texts in one character set.

use crate::Result;
use crate::raw;
use crate::text::Charset;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::value::{DataSetSequence, Value};
use dicom_core::{DataElement, Length, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;

/// A data set and the character set of its texts.
#[derive(Debug, Clone)]
pub(crate) struct Set<'a> {
    charset: &'a Charset,
    set: InMemDicomObject,
}

impl<'a> Set<'a> {
    pub fn new(charset: &'a Charset) -> Self {
        Self {
            charset,
            set: InMemDicomObject::new_empty(),
        }
    }

    /// An empty set of the same character set, such as an item.
    pub fn item(&self) -> Set<'a> {
        Set::new(self.charset)
    }

    pub fn into_object(self) -> InMemDicomObject {
        self.set
    }

    pub fn object(&self) -> &InMemDicomObject {
        &self.set
    }

    /// A text; an empty one is an element without a value.
    ///
    /// # Errors
    /// As [`Charset::value`].
    pub fn text(&mut self, tag: Tag, text: &str) -> Result<&mut Self> {
        let vr = vr(tag);
        let bytes = self.charset.value(tag, vr, text)?;
        raw::put_bytes(&mut self.set, tag, vr, bytes);
        Ok(self)
    }

    /// Several values that cannot contain a backslash.
    pub fn texts(&mut self, tag: Tag, texts: &[&str]) -> Result<&mut Self> {
        let vr = vr(tag);
        let mut all = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            if i > 0 {
                all.push(b'\\');
            }
            let value = self.charset.value(tag, vr, text)?;
            let end = value
                .iter()
                .rposition(|b| !matches!(b, b' ' | 0))
                .map_or(0, |at| at + 1);
            all.extend(&value[..end]);
        }
        if all.len() % 2 == 1 {
            all.push(if vr == VR::UI { 0 } else { b' ' });
        }
        raw::put_bytes(&mut self.set, tag, vr, all);
        Ok(self)
    }

    /// Numbers as text of at most 16 characters each.
    pub fn decimals(&mut self, tag: Tag, values: &[f64]) -> &mut Self {
        let text = values
            .iter()
            .map(|&value| decimal(value))
            .collect::<Vec<_>>()
            .join("\\");
        self.set
            .put(DataElement::new(tag, VR::DS, PrimitiveValue::from(text)));
        self
    }

    /// The bytes of a source's value.
    pub fn bytes(&mut self, tag: Tag, bytes: &[u8]) -> &mut Self {
        raw::put_bytes(&mut self.set, tag, vr(tag), bytes.to_vec());
        self
    }

    pub fn integer(&mut self, tag: Tag, value: i64) -> &mut Self {
        self.set.put(DataElement::new(
            tag,
            VR::IS,
            PrimitiveValue::from(value.to_string()),
        ));
        self
    }

    /// Several integers as text.
    pub fn decimal_integers(&mut self, tag: Tag, values: &[i64]) -> &mut Self {
        let text = values
            .iter()
            .map(i64::to_string)
            .collect::<Vec<_>>()
            .join("\\");
        self.set
            .put(DataElement::new(tag, VR::IS, PrimitiveValue::from(text)));
        self
    }

    pub fn words(&mut self, tag: Tag, values: &[u16]) -> &mut Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        raw::put_bytes(&mut self.set, tag, vr(tag), bytes);
        self
    }

    /// A word whose value representation depends on the pixels: US, or SS where they are signed.
    pub fn signed_word(&mut self, tag: Tag, value: i32, signed: bool) -> &mut Self {
        let vr = if signed { VR::SS } else { VR::US };
        raw::put_bytes(
            &mut self.set,
            tag,
            vr,
            (value as u16).to_le_bytes().to_vec(),
        );
        self
    }

    pub fn longs(&mut self, tag: Tag, values: &[u32]) -> &mut Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        raw::put_bytes(&mut self.set, tag, VR::UL, bytes);
        self
    }

    pub fn double(&mut self, tag: Tag, value: f64) -> &mut Self {
        raw::put_bytes(&mut self.set, tag, VR::FD, value.to_le_bytes().to_vec());
        self
    }

    pub fn floats(&mut self, tag: Tag, values: &[f64]) -> &mut Self {
        let bytes = values.iter().flat_map(|&v| (v as f32).to_le_bytes());
        raw::put_bytes(&mut self.set, tag, VR::FL, bytes.collect());
        self
    }

    pub fn tag(&mut self, tag: Tag, value: Tag) -> &mut Self {
        let bytes = [value.group().to_le_bytes(), value.element().to_le_bytes()].concat();
        raw::put_bytes(&mut self.set, tag, VR::AT, bytes);
        self
    }

    pub fn items(&mut self, tag: Tag, items: Vec<Set<'a>>) -> &mut Self {
        let items: Vec<InMemDicomObject> = items.into_iter().map(Set::into_object).collect();
        self.objects(tag, items)
    }

    pub fn objects(&mut self, tag: Tag, items: Vec<InMemDicomObject>) -> &mut Self {
        let value = Value::from(DataSetSequence::new(items, Length::UNDEFINED));
        self.set.put(DataElement::new(tag, VR::SQ, value));
        self
    }

    /// Adds an item to a sequence.
    pub fn append(&mut self, tag: Tag, item: Set<'a>) -> &mut Self {
        let items = self.set.take(tag).map(|element| element.into_value());
        let items = items.and_then(Value::into_items);
        let mut items: Vec<InMemDicomObject> = items.into_iter().flatten().collect();
        items.push(item.into_object());
        self.objects(tag, items)
    }

    /// Copies an element as it is; whether there is one.
    pub fn copy(&mut self, from: &InMemDicomObject, tag: Tag) -> bool {
        let found = from.get(tag);
        if let Some(element) = found {
            self.set.put(element.clone());
        }
        found.is_some()
    }

    /// Copies those of these elements that exist.
    pub fn copy_all(&mut self, from: &InMemDicomObject, wanted: &[Tag]) -> &mut Self {
        for &tag in wanted {
            self.copy(from, tag);
        }
        self
    }

    /// Copies elements that must be there, without a value where the source has none.
    pub fn copy_or_empty(&mut self, from: &InMemDicomObject, wanted: &[Tag]) -> &mut Self {
        for &tag in wanted {
            if !self.copy(from, tag) {
                self.empty(tag);
            }
        }
        self
    }

    /// An element without a value.
    pub fn empty(&mut self, tag: Tag) -> &mut Self {
        match vr(tag) {
            VR::SQ => return self.objects(tag, Vec::new()),
            vr => self
                .set
                .put(DataElement::new(tag, vr, PrimitiveValue::Empty)),
        };
        self
    }

    /// SpecificCharacterSet, which a data set begins with.
    pub fn declare_charset(&mut self) -> &mut Self {
        if let Some(name) = self.charset.declared() {
            let mut bytes = name.to_vec();
            if bytes.len() % 2 == 1 {
                bytes.push(b' ');
            }
            raw::put_bytes(&mut self.set, tags::SPECIFIC_CHARACTER_SET, VR::CS, bytes);
        }
        self
    }
}

/// The value representation of a standard element.
pub(crate) fn vr(tag: Tag) -> VR {
    let entry = StandardDataDictionary.by_tag(tag);
    entry.map_or(VR::UN, |entry| entry.vr().relaxed())
}

/// The shortest text of at most 16 characters that is nearest to a number.
pub(crate) fn decimal(value: f64) -> String {
    const LONGEST: usize = 16;
    if value == 0.0 {
        return "0".to_owned();
    }
    let plain = format!("{value}");
    if plain.len() <= LONGEST {
        return plain;
    }
    let candidates = (0..LONGEST)
        .rev()
        .flat_map(|digits| [format!("{value:.digits$}"), format!("{value:.digits$e}")]);
    let short = candidates.filter(|text| text.len() <= LONGEST);
    let error = |text: &String| (text.parse::<f64>().unwrap_or(f64::INFINITY) - value).abs();
    // Without a digit after the point an exponent fits always.
    let best = short.min_by(|a, b| error(a).total_cmp(&error(b)));
    let best = best.unwrap_or_default();
    match best.contains('.') && !best.contains('e') {
        true => best.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_16_characters_and_the_nearest_value() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.5, "0.5"),
            (-106.592, "-106.592"),
            (1.0 / 3.0, "0.33333333333333"),
            (-1.0 / 3.0, "-0.3333333333333"),
            (1e-7 / 3.0, "3.3333333333e-8"),
            (123_456_789.123_456_79, "123456789.123457"),
            (1e22, "1e22"),
        ] {
            let found = decimal(value);
            assert!(found.len() <= 16, "{found}");
            let (a, b): (f64, f64) = (found.parse().unwrap(), text.parse().unwrap());
            assert!(
                (a - value).abs() <= (b - value).abs(),
                "{value}: {found}, not worse than {text}"
            );
        }
        let mut x = 0.7;
        for _ in 0..10_000 {
            x = (x * 1.37 + 0.11) % 977.0;
            let (back, length): (f64, usize) = (decimal(-x).parse().unwrap(), decimal(-x).len());
            assert!(length <= 16 && (back + x).abs() < 1e-10 * x.max(1.0));
        }
    }
}
