//! The name of an application entity.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The name of an application entity (AE title): 1 to 16 printable ASCII characters without a backslash.
///
/// Spaces before and after do not count. A title is no secret and proves nothing about who uses it.
///
/// ```
/// use vesalius_pacs::AeTitle;
///
/// let title: AeTitle = "VESALIUS ".parse()?;
/// assert_eq!(title.as_str(), "VESALIUS");
/// assert!("A NAME OF MORE THAN 16".parse::<AeTitle>().is_err());
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AeTitle(String);

/// The longest title.
const LONGEST: usize = 16;

impl AeTitle {
    /// Checks a title.
    ///
    /// # Errors
    /// [`Error::Title`] for an empty text, one of more than 16 characters, or one with a character that is not allowed.
    pub fn new(text: &str) -> Result<Self> {
        let title = text.trim_matches(' ');
        let allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'\\';
        let problem = match title {
            "" => "it is empty",
            _ if title.len() > LONGEST => "it is longer than 16 characters",
            _ if !title.bytes().all(allowed) => "it has a character that is not allowed",
            _ => return Ok(Self(title.to_owned())),
        };
        Err(Error::Title {
            title: text.chars().take(64).collect(),
            problem,
        })
    }

    /// The title, without spaces before and after.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AeTitle {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for AeTitle {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(&text)
    }
}

impl From<AeTitle> for String {
    fn from(title: AeTitle) -> Self {
        title.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_of_one_to_sixteen_printable_characters_are_taken() {
        for good in ["A", " PACS ", "0123456789ABCDEF", "a b/c-d"] {
            assert!(AeTitle::new(good).is_ok(), "{good}");
        }
        for bad in ["", "   ", "0123456789ABCDEFG", "A\\B", "A\nB", "Ä"] {
            assert!(AeTitle::new(bad).is_err(), "{bad}");
        }
    }
}
