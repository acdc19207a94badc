//! The token that every request but those for the page must bring: 128 random bits, compared in constant time.

use std::fmt;
use std::path::Path;

/// The shortest token that a file may hold, in characters.
const SHORTEST: usize = 16;

/// A secret that gives access to the server.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// A system without random numbers.
    pub fn random() -> std::io::Result<Self> {
        Ok(Self(random_hex()?))
    }

    /// The token in the first line of a file, with at least 16 characters from `A–Z a–z 0–9 - . _ ~`.
    ///
    /// # Errors
    /// A file that cannot be read; a token that is shorter or has other characters.
    pub fn read(path: impl AsRef<Path>) -> std::io::Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)?;
        let token = text.lines().next().unwrap_or_default().trim();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if token.len() < SHORTEST || !token.chars().all(allowed) {
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                format!(
                    "{}: expected a token of at least {SHORTEST} letters, digits or `-._~` in the first line; \
                     `openssl rand -hex 16` makes one",
                    path.display()
                ),
            ));
        }
        Ok(Self(token.to_owned()))
    }

    /// The characters, to print the address once.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this token. The time does not depend on where they differ: digests are compared, and these
    /// without an early end.
    pub fn is(&self, other: &str) -> bool {
        // `blake3::Hash` compares in constant time.
        blake3::hash(self.0.as_bytes()) == blake3::hash(other.as_bytes())
    }
}

/// Without the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// 128 random bits in hexadecimal digits.
pub(crate) fn random_hex() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_alone_and_is_not_printed_by_debug() {
        let token = Token::random().unwrap();
        assert!(token.is(token.as_str()) && !token.is("") && !token.is(&token.as_str()[1..]));
        assert!(!format!("{token:?}").contains(token.as_str()));
        assert_ne!(token.as_str(), Token::random().unwrap().as_str());
    }

    #[test]
    fn a_token_file_with_a_short_or_odd_token_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for (text, right) in [
            ("0123456789abcdef\n", true),
            ("short\n", false),
            ("with a space in it\n", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Token::read(&path).is_ok(), right, "{text}");
        }
    }
}
