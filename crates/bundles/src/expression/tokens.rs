//! The words and signs of an expression.

use serde_json::{Number, Value};

/// One word or sign.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A number or text.
    Literal(Value),
    /// A name or keyword.
    Name(String),
    /// `@id`.
    Reference(String),
    /// An operator or bracket.
    Sign(&'static str),
}

/// The longer of two that begin alike comes first.
const SIGNS: [&str; 24] = [
    "**", "//", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ",", ":", ".", "+", "-", "*",
    "/", "%", "<", ">", "=", "|",
];

/// The tokens of a text whose ids have their levels parted by `::`.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '@' => reference(rest),
            '\'' | '"' => quoted(rest, first)?,
            _ if first.is_ascii_digit() => number(rest)?,
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => number(rest)?,
            _ if first == '_' || first.is_alphabetic() => {
                let length = word(rest);
                let name = &rest[..length];
                if rest[length..].starts_with(['\'', '"']) {
                    return Err(format!("has a text with the prefix `{name}`"));
                }
                (Token::Name(name.to_owned()), length)
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| format!("has the sign `{first}`"))?;
                (Token::Sign(sign), sign.len())
            }
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

/// The length of the letters, digits and underlines that a text begins with.
fn word(text: &str) -> usize {
    text.find(|c: char| c != '_' && !c.is_alphanumeric())
        .unwrap_or(text.len())
}

/// The length of `name::name` that a text begins with.
pub(crate) fn id_length(text: &str) -> usize {
    let mut length = word(text);
    while let Some(next) = text[length..].strip_prefix("::") {
        length += 2 + word(next);
    }
    length
}

fn reference(text: &str) -> (Token, usize) {
    let length = 1 + id_length(&text[1..]);
    (Token::Reference(text[1..length].to_owned()), length)
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), String> {
    if text.starts_with("'''") || text.starts_with("\"\"\"") {
        return Err("has a text in three quotation marks".to_owned());
    }
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => return Ok((Token::Literal(Value::String(value)), at + 1)),
            // MONAI looks for ids in texts as well.
            '@' => return Err("has an `@` in a text".to_owned()),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped @ ('\\' | '\'' | '"'))) => value.push(escaped),
                _ => return Err("has a `\\` that is not understood".to_owned()),
            },
            _ => value.push(letter),
        }
    }
    Err(format!("has no {quote} at the end of a text"))
}

fn number(text: &str) -> Result<(Token, usize), String> {
    let bytes = text.as_bytes();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let after_exponent = length > 0 && matches!(bytes[length - 1], b'e' | b'E');
        match byte {
            b'0'..=b'9' | b'.' | b'_' | b'e' | b'E' => length += 1,
            b'+' | b'-' if after_exponent => length += 1,
            _ => break,
        }
    }
    let end = text[length..].chars().next();
    let written = text[..length].replace('_', "");
    let not_read = || format!("has the number `{}`", &text[..length]);
    if end.is_some_and(char::is_alphanumeric) {
        return Err(not_read());
    }
    let value = match written.parse::<i64>() {
        Ok(whole) if written.len() == 1 || !written.starts_with('0') => Value::from(whole),
        _ if written.contains(['.', 'e', 'E']) => {
            let read: f64 = written.parse().map_err(|_| not_read())?;
            Value::Number(Number::from_f64(read).ok_or_else(not_read)?)
        }
        _ => return Err(not_read()),
    };
    Ok((Token::Literal(value), length))
}
