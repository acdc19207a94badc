//! How values of three parts are written on the command line: `x,y,z`, or one for all three.

use std::fmt::Display;
use std::str::FromStr;

/// Parses `2` (along all axes) or `1,1,2.5` (`x,y,z`).
pub fn triple<T: FromStr + Copy>(text: &str) -> Result<[T; 3], String>
where
    T::Err: Display,
{
    let parts: Vec<T> = text
        .split(',')
        .map(|part| {
            let part = part.trim();
            part.parse().map_err(|error| format!("`{part}`: {error}"))
        })
        .collect::<Result<_, _>>()?;
    match parts[..] {
        [all] => Ok([all; 3]),
        [x, y, z] => Ok([x, y, z]),
        _ => Err(format!(
            "{} numbers, expected one for all axes or three: x,y,z",
            parts.len()
        )),
    }
}

/// Parses two numbers, `low,high`.
pub fn pair(text: &str) -> Result<[f64; 2], String> {
    let parts: Vec<f64> = text
        .split(',')
        .map(|part| {
            let part = part.trim();
            part.parse().map_err(|error| format!("`{part}`: {error}"))
        })
        .collect::<Result<_, _>>()?;
    parts
        .try_into()
        .map_err(|parts: Vec<f64>| format!("{} numbers, expected two", parts.len()))
}

/// Parses a number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("expected a positive number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_stands_for_three_and_two_are_refused() {
        assert_eq!(triple::<f64>("2"), Ok([2.0; 3]));
        assert_eq!(triple::<f64>("1, 2,2.5"), Ok([1.0, 2.0, 2.5]));
        assert!(triple::<f64>("1,2").unwrap_err().contains("x,y,z"));
        assert!(triple::<usize>("-1").unwrap_err().contains("`-1`"));
        assert!(triple::<f64>("").is_err());
        assert_eq!(pair("-160,240"), Ok([-160.0, 240.0]));
        assert!(pair("1").unwrap_err().contains("two"));
    }
}
