//! Amounts of memory as people write them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written and read as `4GiB`, `512MiB`, `2GB` or a plain number.
///
/// ```
/// use vesalius_inferers::ByteSize;
///
/// assert_eq!("1.5GiB".parse(), Ok(ByteSize(3 << 29)));
/// assert_eq!(ByteSize(3 << 29).to_string(), "1.50 GiB");
/// assert!("4".parse::<ByteSize>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1 << 30 => write!(formatter, "{:.2} GiB", n as f64 / (1u64 << 30) as f64),
            n => write!(formatter, "{} MiB", n.div_ceil(1 << 20)),
        }
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
            "" if digits.trim().parse::<f64>().is_ok() => {
                return Err(format!(
                    "`{text}` has no unit; write {0}GiB, {0}MiB or {0}B",
                    digits.trim()
                ));
            }
            "b" => 1.0,
            "kb" => 1e3,
            "mb" => 1e6,
            "gb" => 1e9,
            "kib" | "k" => 1024.0,
            "mib" | "m" => 1024.0 * 1024.0,
            "gib" | "g" => 1024.0 * 1024.0 * 1024.0,
            _ => {
                return Err(format!(
                    "`{text}` is no amount of memory such as 4GiB or 512MB"
                ));
            }
        };
        match digits.trim().parse::<f64>() {
            Ok(number) if number > 0.0 && number.is_finite() => Ok(Self((number * unit) as u64)),
            _ => Err(format!(
                "`{text}` is no amount of memory such as 4GiB or 512MB"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        assert_eq!("4GiB".parse(), Ok(ByteSize(4 << 30)));
        assert_eq!("1MB".parse(), Ok(ByteSize(1_000_000)));
        assert_eq!("1.5g".parse(), Ok(ByteSize(3 << 29)));
        assert!("much".parse::<ByteSize>().is_err() && "-1GB".parse::<ByteSize>().is_err());
        assert_eq!(ByteSize(3 << 29).to_string(), "1.50 GiB");
        assert_eq!(ByteSize(1).to_string(), "1 MiB");
    }
}
