//! How values of three parts are written on the command line: `x,y,z`, or one for all three.

pub use vesalius::filter::{pair, triple};

/// Parses a number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("expected a positive number".to_owned()),
    }
}
