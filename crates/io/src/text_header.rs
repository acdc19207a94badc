//! What the two formats with text headers, MetaImage and NRRD, have in common.

use crate::place::Place;
use crate::{Error, Result};
use std::io::Read;
use std::path::{Component, Path};
use vesalius_volume::{Affine, Geometry};

/// Longer headers are refused: a header is a page of text, not a volume.
const LONGEST: u64 = 16 << 20;

/// The start of a file, long enough to hold its header when `ends` finds the end in it.
pub(crate) fn read_head(place: &Place, ends: impl Fn(&[u8]) -> bool) -> Result<Vec<u8>> {
    let mut file = place.open_at(0)?;
    let mut bytes = Vec::new();
    let mut step = 1 << 12;
    while (bytes.len() as u64) < LONGEST {
        let got = (&mut file)
            .take(step)
            .read_to_end(&mut bytes)
            .map_err(|e| Error::read(place.path(), e))?;
        if got == 0 || ends(&bytes) {
            break;
        }
        // Doubling keeps the repeated search for the end linear in all.
        step = bytes.len() as u64;
    }
    Ok(bytes)
}

/// A data file that a header names: in the header's folder or below, nowhere else.
pub(crate) fn beside(place: &Place, field: &str, name: &str) -> Result<Place> {
    let path = place.path();
    let inside = Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if name.is_empty() || !inside {
        return Err(Error::header(
            path,
            field,
            format!("`{name}`"),
            "a file in the folder of the header or below it; move the data there",
        ));
    }
    place.expect_neighbours("a header whose voxels stand in a file of their own")?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(Place::on_disk(folder.join(name)))
}

/// A field's numbers; an error names the field.
pub(crate) fn numbers<T: std::str::FromStr>(
    path: &Path,
    field: &str,
    text: &str,
) -> Result<Vec<T>> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(|word| {
            word.parse()
                .map_err(|_| Error::header(path, field, format!("`{word}`"), "a number"))
        })
        .collect()
}

/// File names of a pattern such as `slice%03d.raw` with first number, last number and step.
pub(crate) fn pattern(path: &Path, field: &str, text: &str) -> Result<Vec<String>> {
    const MOST: i64 = 100_000;
    let bad = || {
        Error::header(
            path,
            field,
            format!("`{text}`"),
            "a file name, or a pattern with one %d followed by first, last and step",
        )
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let [name, first, last, more @ ..] = &words[..] else {
        return Err(bad());
    };
    let number = |word: &str| word.parse::<i64>().map_err(|_| bad());
    let (first, last) = (number(first)?, number(last)?);
    let step = more.first().map_or(Ok(1), |word| number(word))?;
    let (front, rest) = name.split_once('%').ok_or_else(bad)?;
    let (width, back) = rest.split_once('d').ok_or_else(bad)?;
    let zeros = width.starts_with('0');
    let width: usize = if width.is_empty() {
        0
    } else {
        width.parse().map_err(|_| bad())?
    };
    let count = last.checked_sub(first).and_then(|n| n.checked_div(step));
    if count.is_none_or(|n| !(0..MOST).contains(&n)) || width > 20 {
        return Err(bad());
    }
    Ok((0..=count.unwrap_or(0))
        .map(|i| first + i * step)
        .map(|n| match zeros {
            true => format!("{front}{n:0width$}{back}"),
            false => format!("{front}{n:width$}{back}"),
        })
        .collect())
}

/// A geometry from the axes' vectors and the origin, each multiplied by `signs` to become RAS.
pub(crate) fn world(
    path: &Path,
    size: [usize; 3],
    axes: [[f64; 3]; 3],
    origin: [f64; 3],
    signs: [f64; 3],
) -> Result<Geometry> {
    // Adding zero turns a negative zero into a zero.
    let linear = std::array::from_fn(|i| std::array::from_fn(|j| axes[j][i] * signs[i] + 0.0));
    let origin = std::array::from_fn(|i| origin[i] * signs[i] + 0.0);
    Affine::from_linear(linear, origin)
        .and_then(|affine| Geometry::new(size, affine))
        .map_err(|source| Error::volume(path, source))
}

/// From LPS to RAS and back.
pub(crate) const LPS: [f64; 3] = [-1.0, -1.0, 1.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_files_stay_in_the_headers_folder() {
        let header = Place::on_disk("scans/a.mhd");
        let found = beside(&header, "f", "b.raw").unwrap();
        assert_eq!(found.path(), Path::new("scans/b.raw"));
        for name in ["/etc/passwd", "../b.raw", "x/../../b.raw", ""] {
            assert!(beside(&header, "f", name).is_err(), "{name}");
        }
    }

    #[test]
    fn patterns_are_counted_out() {
        let path = Path::new("a");
        assert_eq!(
            pattern(path, "f", "s%03d.raw 8 10 1").unwrap(),
            ["s008.raw", "s009.raw", "s010.raw"]
        );
        assert_eq!(pattern(path, "f", "s%d 0 4 2").unwrap(), ["s0", "s2", "s4"]);
        for text in [
            "s%d 0 9999999 1",
            "s 0 1 1",
            "s%d 0 4 0",
            "s%99d 0 1 1",
            "s%d 5 1 1",
        ] {
            assert!(pattern(path, "f", text).is_err(), "{text}");
        }
    }
}
