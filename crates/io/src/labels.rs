//! Names and colours of labels: 3D Slicer's segments in NRRD, ITK-SNAP's label descriptions in files and in NIfTI.

use crate::text::check_regular;
use crate::{Error, Result, write_bytes_atomically};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// The name and the colour of a label value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelName {
    /// The value in the label map.
    pub value: u32,
    /// What it is called.
    pub name: String,
    /// Red, green and blue.
    pub color: [u8; 3],
    /// The channel that holds it, where labels overlap and are in several (3D Slicer's layers).
    #[serde(default)]
    pub layer: u32,
}

impl LabelName {
    /// A name with the colour that the label's value has everywhere in this workspace.
    ///
    /// ```
    /// use vesalius_io::LabelName;
    ///
    /// let liver = LabelName::new(1, "liver");
    /// assert_eq!((liver.value, liver.layer), (1, 0));
    /// ```
    pub fn new(value: u32, name: impl Into<String>) -> Self {
        Self {
            value,
            name: name.into(),
            color: vesalius_volume::label_colour(value),
            layer: 0,
        }
    }
}

/// The segments that 3D Slicer wrote into an NRRD's key-value pairs, by rising number.
pub(crate) fn from_segments(metadata: &BTreeMap<String, String>) -> Vec<LabelName> {
    let mut numbers: Vec<u32> = metadata
        .keys()
        .filter_map(|key| {
            key.strip_prefix("Segment")?
                .strip_suffix("_ID")?
                .parse()
                .ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers
        .into_iter()
        .map(|number| {
            let get = |field: &str| metadata.get(&format!("Segment{number}_{field}"));
            let whole = |field: &str| get(field).and_then(|text| text.trim().parse().ok());
            LabelName {
                // Slicer before 4.11 wrote no value: labels are numbered from 1.
                value: whole("LabelValue").unwrap_or(number + 1),
                name: get("Name").cloned().unwrap_or_default(),
                color: get("Color").map_or([0; 3], |text| color(text)),
                layer: whole("Layer").unwrap_or(0),
            }
        })
        .collect()
}

/// Three numbers from 0 to 1.
pub(crate) fn color(text: &str) -> [u8; 3] {
    let mut parts = text.split_whitespace().map(|part| part.parse::<f64>());
    std::array::from_fn(|_| match parts.next() {
        Some(Ok(value)) => (value * 255.0).round() as u8,
        _ => 0,
    })
}

/// An NRRD value without its escapes: `\n` is a new line, `\\` a backslash.
pub(crate) fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match (c, rest.as_str().chars().next()) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('\\')) => text.push('\\'),
            _ => {
                text.push(c);
                continue;
            }
        }
        rest.next();
    }
    text
}

/// Reads an ITK-SNAP label description file: lines of value, red, green, blue, opacity, two flags
/// and a quoted name.
///
/// # Errors
/// [`Error::Read`], or [`Error::Header`] with the line that has another form.
pub fn read_label_names(path: impl AsRef<Path>) -> Result<Vec<LabelName>> {
    let path = path.as_ref();
    check_regular(path).map_err(|source| Error::read(path, source))?;
    let bytes = std::fs::read(path).map_err(|source| Error::read(path, source))?;
    described(&String::from_utf8_lossy(&bytes)).map_err(|(number, line)| {
        Error::header(
            path,
            format!("line {number}"),
            format!("`{}`", line.chars().take(80).collect::<String>()),
            "value, red, green, blue, opacity, two flags and a name in quotes",
        )
    })
}

/// The labels of a label description's text; the number and text of the first line that has another form.
pub(crate) fn described(text: &str) -> std::result::Result<Vec<LabelName>, (usize, String)> {
    let lines = (1..).zip(text.lines());
    lines
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|(number, line)| name_of(line).ok_or_else(|| (number, line.to_owned())))
        .collect()
}

fn name_of(line: &str) -> Option<LabelName> {
    let (numbers, name) = line.split_once('"')?;
    let name = name.rsplit_once('"')?.0;
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    let [value, r, g, b, _, _, _] = numbers[..] else {
        return None;
    };
    Some(LabelName {
        value: value.parse().ok()?,
        name: name.to_owned(),
        color: [r.parse().ok()?, g.parse().ok()?, b.parse().ok()?],
        layer: 0,
    })
}

/// Writes an ITK-SNAP label description file; the background, which ITK-SNAP requires, is put first
/// when it is missing.
///
/// # Errors
/// [`Error::Write`].
///
/// ```
/// use vesalius_io::{LabelName, read_label_names, write_label_names};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("organs.label");
/// let liver = LabelName { value: 1, name: "liver".into(), color: [200, 80, 60], layer: 0 };
/// write_label_names(&path, &[liver.clone()])?;
/// let names = read_label_names(&path)?;
/// assert!(names.contains(&liver));
/// assert_eq!(names[0].value, 0, "the background comes first");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_label_names(path: impl AsRef<Path>, labels: &[LabelName]) -> Result<()> {
    write_bytes_atomically(path, description(labels).as_bytes())
}

/// The first line of a label description as we write it.
pub(crate) const HEADING: &str = "# ITK-SNAP label description file\n";

/// The text of a label description.
pub(crate) fn description(labels: &[LabelName]) -> String {
    let mut text = format!("{HEADING}# value red green blue opacity visible mesh \"name\"\n");
    if labels.iter().all(|label| label.value != 0) {
        text.push_str("    0     0    0    0        0  0  0    \"Clear Label\"\n");
    }
    for label in labels {
        let [r, g, b] = label.color;
        let shown = u8::from(label.value != 0);
        let name = label.name.replace(['"', '\n'], "'");
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{:5} {r:5} {g:4} {b:4} {shown:8} {shown:2} {shown:2}    \"{name}\"",
            label.value
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(value: u32, name: &str, color: [u8; 3]) -> LabelName {
        LabelName {
            value,
            name: name.to_owned(),
            color,
            layer: 0,
        }
    }

    #[test]
    fn a_label_description_file_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.txt");
        let labels = [
            label(1, "left lung", [255, 0, 7]),
            label(300, "tumour", [1, 2, 3]),
        ];
        write_label_names(&path, &labels).unwrap();
        let back = read_label_names(&path).unwrap();
        assert_eq!(back[1..], labels);
        assert_eq!(back[0].value, 0);
        std::fs::write(&path, "# x\n1 2 3\n").unwrap();
        let error = read_label_names(&path).unwrap_err().to_string();
        assert!(
            error.contains("line 2") && error.contains("1 2 3"),
            "{error}"
        );
    }
}
