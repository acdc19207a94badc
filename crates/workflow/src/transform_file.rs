//! Affine maps from files: sixteen plain numbers in RAS+ mm, or ITK's text format in LPS.

use std::path::{Path, PathBuf};
use vesalius_volume::{Affine, ErrorKind};

/// Why a file gives no affine map.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
#[non_exhaustive]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// What was found, and what was expected.
    pub reason: String,
    /// The system's error, where the file cannot be read.
    pub source: Option<std::io::Error>,
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        let of_system = self.source.as_ref();
        of_system.map_or(ErrorKind::BadInput, ErrorKind::of_io)
    }
}

/// ITK transforms whose parameters are a 3 × 3 matrix, rows first, and a translation.
const AFFINE: [&str; 2] = ["AffineTransform", "MatrixOffsetTransformBase"];

/// Reads an affine map of world coordinates (RAS+ mm), from the result to the input.
///
/// The file holds four rows of four numbers in RAS, or is a text file that ITK or SimpleITK wrote
/// (`.txt`, `.tfm`) with one `AffineTransform`, `MatrixOffsetTransformBase` or
/// `TranslationTransform`, whose LPS numbers are turned into RAS.
///
/// # Errors
/// [`Error`]: a file that cannot be read or holds something else, a matrix without an inverse.
pub fn read_affine(path: impl AsRef<Path>) -> Result<Affine, Error> {
    let path = path.as_ref();
    let bad = |reason: String| Error {
        path: path.to_owned(),
        reason,
        source: None,
    };
    let text = vesalius_io::read_text(path).map_err(|e| {
        let refused = bad(format!("cannot be read: {e}"));
        Error {
            source: Some(e),
            ..refused
        }
    })?;
    let rows = match text.starts_with("#Insight Transform File") {
        true => itk(&text),
        false => plain(&text),
    };
    let affine = rows.map_err(&bad)?;
    Affine::new(affine).map_err(|e| bad(e.to_string()))
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse()
                .map_err(|_| format!("`{word}` is not a number"))
        })
        .collect()
}

fn plain(text: &str) -> Result<[[f64; 4]; 4], String> {
    let values = numbers(text)?;
    if values.len() != 16 {
        return Err(format!(
            "{} numbers, expected the 16 of a 4 × 4 matrix in RAS mm or a transform that ITK wrote",
            values.len()
        ));
    }
    Ok(std::array::from_fn(|row| {
        std::array::from_fn(|column| values[4 * row + column])
    }))
}

/// `x' = A (x - c) + c + t` in LPS, turned into RAS.
fn itk(text: &str) -> Result<[[f64; 4]; 4], String> {
    let field = |name: &str| -> Result<&str, String> {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        match (lines.next(), lines.next()) {
            (Some(value), None) => Ok(value.trim()),
            (None, _) => Err(format!("has no line `{name}`")),
            _ => Err("holds several transforms; write them as one affine transform".to_owned()),
        }
    };
    let kind = field("Transform:")?;
    let parameters = numbers(field("Parameters:")?)?;
    let centre = numbers(field("FixedParameters:")?)?;
    let name = kind.split('_').next().unwrap_or_default();
    let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let (matrix, shift) = match (name, parameters.as_slice()) {
        ("TranslationTransform", [_, _, _]) => (identity.to_vec(), &parameters[..]),
        (name, [..]) if AFFINE.contains(&name) && parameters.len() == 12 => {
            (parameters[..9].to_vec(), &parameters[9..])
        }
        _ => {
            return Err(format!(
                "is a `{kind}` of {} parameters, expected an affine or a translation of three \
                 dimensions",
                parameters.len()
            ));
        }
    };
    let centre = |axis: usize| centre.get(axis).copied().unwrap_or(0.0);
    // Left and posterior point against right and anterior.
    let sign = [-1.0, -1.0, 1.0];
    let mut rows = [[0.0; 4], [0.0; 4], [0.0; 4], [0.0, 0.0, 0.0, 1.0]];
    for i in 0..3 {
        let turned: f64 = (0..3).map(|j| matrix[3 * i + j] * centre(j)).sum();
        for j in 0..3 {
            rows[i][j] = sign[i] * sign[j] * matrix[3 * i + j];
        }
        rows[i][3] = sign[i] * (shift[i] + centre(i) - turned);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SimpleITK 2.5.7 writes for `AffineTransform(3)` with this matrix, translation and
    /// centre.
    const ITK: &str = "#Insight Transform File V1.0
#Transform 0
Transform: AffineTransform_double_3_3
Parameters: 0.9 0.1 0 -0.2 1.1 0.05 0 0 1 5 -3 2
FixedParameters: 10 20 30
";

    fn read(text: &str) -> Result<Affine, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_affine(file.path())
    }

    #[test]
    fn an_itk_transform_moves_points_as_itk_does() {
        // SimpleITK: TransformPoint((7, -4, 12)) is (9.9, -9.7, 14) in LPS.
        let moved = read(ITK).unwrap().apply([-7.0, 4.0, 12.0]);
        let expected = [-9.9, 9.7, 14.0];
        assert!(
            (0..3).all(|i| (moved[i] - expected[i]).abs() < 1e-12),
            "{moved:?}"
        );
        let shift = "#Insight Transform File V1.0\n#Transform 0\n\
                     Transform: TranslationTransform_double_3_3\n\
                     Parameters: 1 2 3\nFixedParameters: \n";
        assert_eq!(read(shift).unwrap().apply([0.0; 3]), [-1.0, -2.0, 3.0]);
    }

    #[test]
    fn sixteen_numbers_are_taken_as_they_are() {
        let affine = read("1 0 0 5\n0 1 0 6\n0 0 1 7\n0 0 0 1\n").unwrap();
        assert_eq!(affine.apply([0.0; 3]), [5.0, 6.0, 7.0]);
    }

    #[test]
    fn what_is_no_affine_map_is_named() {
        let says = |text: &str, word: &str| {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        says("1 2 3", "3 numbers");
        says("1 0 0 0 0 one", "`one`");
        says(
            &ITK.replace("AffineTransform", "Euler3DTransform"),
            "Euler3DTransform",
        );
        says(&ITK.replace("FixedParameters", "Fixed"), "FixedParameters");
        says(&ITK.repeat(2), "several");
        says("0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1", "");
        assert!(read_affine("gone.txt").is_err());
    }
}
