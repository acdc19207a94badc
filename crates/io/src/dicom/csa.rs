//! Siemens' CSA headers: named lists of short texts in one private element, in the form `SV10`. Layout as David
//! Clunie's and nibabel's descriptions give it.

/// More entries than any header has.
const MOST_ENTRIES: usize = 1000;

/// A cursor over the bytes; every read is checked.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn word(&mut self) -> Option<usize> {
        let word = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        usize::try_from(word).ok()
    }
}

/// The values of an entry as text, in order, without those that are empty; `None` for bytes that are no CSA header,
/// and for an entry that is not there.
pub(super) fn values(bytes: &[u8], wanted: &str) -> Option<Vec<String>> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.take(4)? != b"SV10" {
        return None;
    }
    cursor.take(4)?;
    let count = cursor.word()?;
    cursor.take(4)?;
    for _ in 0..count.min(MOST_ENTRIES) {
        let name = cursor.take(64)?;
        let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
        // Multiplicity, value type and a number for the syngo system come before the number of items.
        cursor.take(4 + 4 + 4)?;
        let items = cursor.word()?;
        cursor.take(4)?;
        let found = &name[..end] == wanted.as_bytes();
        let mut texts = Vec::new();
        for _ in 0..items {
            // Four words, of which the second is the length.
            cursor.take(4)?;
            let length = cursor.word()?;
            cursor.take(8)?;
            let value = cursor.take(length)?;
            // Values begin at multiples of four; the last one may end with the header.
            let padding = length.next_multiple_of(4) - length;
            cursor.at = (cursor.at + padding).min(bytes.len());
            if found {
                let text = String::from_utf8_lossy(value);
                let text = text.trim_matches([' ', '\0']).to_owned();
                texts.extend((!text.is_empty()).then_some(text));
            }
        }
        if found {
            return Some(texts);
        }
    }
    None
}

/// As [`values`], as finite numbers.
pub(super) fn numbers(bytes: &[u8], wanted: &str) -> Option<Vec<f64>> {
    let values = values(bytes, wanted)?;
    let number = |text: &String| text.parse().ok().filter(|n: &f64| n.is_finite());
    values.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with these entries.
    fn header(entries: &[(&str, &[&str])]) -> Vec<u8> {
        let mut bytes = b"SV10\x04\x03\x02\x01".to_vec();
        bytes.extend((entries.len() as u32).to_le_bytes());
        bytes.extend(77u32.to_le_bytes());
        for (name, values) in entries {
            let mut field = name.as_bytes().to_vec();
            field.resize(64, 0);
            bytes.extend(field);
            bytes.extend([0; 12]);
            bytes.extend((values.len() as u32).to_le_bytes());
            bytes.extend(77u32.to_le_bytes());
            for value in *values {
                let length = value.len() as u32;
                for word in [length, length, 77, length] {
                    bytes.extend(word.to_le_bytes());
                }
                bytes.extend(value.as_bytes());
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
        }
        bytes
    }

    #[test]
    fn entries_are_found_by_name() {
        let bytes = header(&[
            ("B_value", &[]),
            ("SliceNormalVector", &["0.5 ", "-0.25", "1e0\0", ""]),
            ("NumberOfImagesInMosaic", &["  36"]),
        ]);
        assert_eq!(numbers(&bytes, "B_value"), Some(vec![]));
        assert_eq!(
            numbers(&bytes, "SliceNormalVector"),
            Some(vec![0.5, -0.25, 1.0])
        );
        assert_eq!(numbers(&bytes, "NumberOfImagesInMosaic"), Some(vec![36.0]));
        assert_eq!(values(&bytes, "absent"), None);
    }

    #[test]
    fn headers_that_lie_or_end_early_are_none() {
        let bytes = header(&[("one", &["1", "2"]), ("two", &["3"])]);
        assert_eq!(values(b"SV1", "one"), None);
        assert_eq!(values(b"no header at all, but long enough", "one"), None);
        for end in 0..bytes.len() {
            // The last value's padding is not needed.
            let found = values(&bytes[..end], "two");
            assert_eq!(found.is_some(), end + 3 >= bytes.len(), "{end}");
        }
        for at in (8..bytes.len()).step_by(4) {
            let mut changed = bytes.clone();
            changed[at..at + 4].fill(0xFF);
            let _ = values(&changed, "two");
        }
        assert_eq!(numbers(&header(&[("x", &["1", "many"])]), "x"), None);
    }
}
