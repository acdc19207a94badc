//! Media types (RFC 2045): what a body is, with parameters such as the boundary of its parts.

use crate::{Error, Result};
use std::collections::BTreeMap;

/// The media type of a body, with its parameters.
///
/// ```
/// use vesalius_pacs::MediaType;
///
/// let media = MediaType::parse("Multipart/Related; type=\"application/dicom\"; boundary=a1")?;
/// assert_eq!(media.essence, "multipart/related");
/// assert_eq!(media.parameter("boundary"), Some("a1"));
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// Type and subtype in lower case.
    pub essence: String,
    parameters: BTreeMap<String, String>,
}

impl MediaType {
    /// Reads a `Content-Type` header.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a text that is no media type.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || Error::protocol("a Content-Type that cannot be read");
        let mut parts = Self::split(text).into_iter();
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence.split('/').filter(|part| !part.is_empty()).count() != 2 {
            return Err(bad());
        }
        let mut parameters = BTreeMap::new();
        for part in parts.filter(|part| !part.trim().is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(bad)?;
            let value = value.trim();
            let inner = value
                .strip_prefix('"')
                .map(|rest| rest.strip_suffix('"').ok_or_else(bad));
            let value = match inner {
                Some(inner) => inner?.replace("\\\"", "\"").replace("\\\\", "\\"),
                None => value.to_owned(),
            };
            parameters.insert(name.trim().to_ascii_lowercase(), value);
        }
        Ok(Self {
            essence,
            parameters,
        })
    }

    /// The parts between semicolons outside of quotes.
    fn split(text: &str) -> Vec<&str> {
        let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
        for (place, letter) in text.char_indices() {
            match letter {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ';' if !quoted => {
                    parts.push(&text[start..place]);
                    start = place + 1;
                }
                _ => {}
            }
        }
        parts.push(&text[start..]);
        parts
    }

    /// A parameter, by its name in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_semicolons_in_parameters_are_understood() {
        let media = MediaType::parse(r#"a/B; x="1;\"2\""; Y= z ;"#).unwrap();
        assert_eq!(media.parameter("x"), Some("1;\"2\""));
        assert_eq!(media.parameter("y"), Some("z"));
        assert!(MediaType::parse("text").is_err() && MediaType::parse("a/b; c").is_err());
    }
}
