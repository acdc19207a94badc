//! 3D Slicer's segments in an NRRD header: names, colours, values, layers and extents of labels.

use crate::LabelName;
use crate::labels::{color, from_segments};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a segmentation has beside its segments, unless the image that it comes from says otherwise.
const USUAL: [(&str, &str); 3] = [
    (
        "Segmentation_ContainedRepresentationNames",
        "Binary labelmap|",
    ),
    ("Segmentation_MasterRepresentation", "Binary labelmap"),
    ("Segmentation_ReferenceImageExtentOffset", "0 0 0"),
];

/// Smallest and largest voxel index of a segment along each axis; `None` where it has no voxel.
pub(crate) type Extent = Option<[[usize; 2]; 3]>;

/// The segments of a header. Before Slicer 4.11 each had a channel of its own, in which its value is 1.
pub(super) fn read(pairs: &BTreeMap<String, String>, channels: usize) -> Vec<LabelName> {
    let mut labels = from_segments(pairs);
    let own = |end: &str| {
        pairs
            .keys()
            .any(|key| number_of(key).is_some() && key.ends_with(end))
    };
    if channels > 1 && !own("_Layer") && !own("_LabelValue") {
        for label in &mut labels {
            (label.layer, label.value) = (label.value.saturating_sub(1), 1);
        }
    }
    labels
}

/// The number of a segment's field, such as 3 of `Segment3_Name`.
fn number_of(key: &str) -> Option<u32> {
    key.strip_prefix("Segment")?.split_once('_')?.0.parse().ok()
}

/// The extent of each label in the stored values: whole numbers of `width` bytes, channel after channel.
pub(crate) fn extents(
    labels: &[LabelName],
    values: &[u8],
    width: usize,
    [x, y, z]: [usize; 3],
) -> Vec<Extent> {
    let numbers = (0..).zip(labels);
    let places: BTreeMap<(u64, u64), usize> = numbers
        .map(|(i, label)| ((u64::from(label.layer), u64::from(label.value)), i))
        .collect();
    let mut found: Vec<Extent> = vec![None; labels.len()];
    for (row, line) in values.chunks_exact(x * width).enumerate() {
        let (j, k, layer) = (row % y, row / y % z, (row / (y * z)) as u64);
        let (mut last, mut place) = (None, None);
        for (i, value) in line.chunks_exact(width).enumerate() {
            let mut word = [0; 8];
            word[..width].copy_from_slice(value);
            let value = u64::from_le_bytes(word);
            if last != Some(value) {
                (last, place) = (Some(value), places.get(&(layer, value)));
            }
            if let Some(&place) = place {
                let at = [i, j, k];
                let extent = found[place].get_or_insert(at.map(|n| [n, n]));
                for (range, n) in extent.iter_mut().zip(at) {
                    *range = [range[0].min(n), range[1].max(n)];
                }
            }
        }
    }
    found
}

/// Widens extents by those in slices from `z` on.
pub(crate) fn widen(extents: &mut [Extent], by: &[Extent], z: usize) {
    for (extent, by) in extents.iter_mut().zip(by) {
        let Some(mut by) = *by else { continue };
        by[2] = by[2].map(|k| k + z);
        let ranges = extent.get_or_insert(by);
        for (range, by) in ranges.iter_mut().zip(by) {
            *range = [range[0].min(by[0]), range[1].max(by[1])];
        }
    }
}

/// The key-value lines of a header: those that the source had, and the segments.
pub(super) fn lines(
    labels: &[LabelName],
    extents: &[Extent],
    pairs: &BTreeMap<String, String>,
) -> String {
    let mut text = String::new();
    for (key, value) in pairs.iter().filter(|(key, _)| number_of(key).is_none()) {
        line(&mut text, key, value);
    }
    if labels.is_empty() {
        return text;
    }
    for (key, value) in USUAL {
        let newer = key == "Segmentation_MasterRepresentation"
            && pairs.contains_key("Segmentation_SourceRepresentation");
        if !pairs.contains_key(key) && !newer {
            line(&mut text, key, value);
        }
    }
    for (i, label) in labels.iter().enumerate() {
        let extent = extents.get(i).copied();
        for (field, value) in fields(label, extent, &of_source(label, pairs)) {
            line(&mut text, &format!("Segment{i}_{field}"), &value);
        }
    }
    text
}

/// The fields that the source has of the segment of the same layer and value.
fn of_source(label: &LabelName, pairs: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let get = |number: u32, field: &str| pairs.get(&format!("Segment{number}_{field}"));
    let numbers = pairs.keys().filter_map(|key| number_of(key));
    let same = |number: &u32| {
        let whole = |field: &str| get(*number, field).and_then(|text| text.trim().parse().ok());
        whole("LabelValue") == Some(label.value) && whole("Layer").unwrap_or(0) == label.layer
    };
    let Some(number) = numbers.filter(same).min() else {
        return BTreeMap::new();
    };
    let prefix = format!("Segment{number}_");
    let own = pairs.iter();
    own.filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())))
        .collect()
}

/// All fields of a segment, in alphabetical order.
fn fields(
    label: &LabelName,
    extent: Option<Extent>,
    source: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut fields = source.clone();
    let mut put = |field: &str, value: String| fields.insert(field.to_owned(), value);
    put("Name", label.name.clone());
    put("LabelValue", label.value.to_string());
    put("Layer", label.layer.to_string());
    if !source.contains_key("ID") {
        let layer = match label.layer {
            0 => String::new(),
            layer => format!("_{layer}"),
        };
        put("ID", format!("Segment_{}{layer}", label.value));
    }
    // The source's colour has more digits.
    if source
        .get("Color")
        .is_none_or(|text| color(text) != label.color)
    {
        let [r, g, b] = label.color.map(|c| f64::from(c) / 255.0);
        put("Color", format!("{r} {g} {b}"));
    }
    if let Some(extent) = extent {
        let range = |axis: usize| match extent {
            Some(extent) => format!("{} {}", extent[axis][0], extent[axis][1]),
            None => "0 -1".to_owned(),
        };
        put("Extent", format!("{} {} {}", range(0), range(1), range(2)));
    }
    fields
}

fn line(text: &mut String, key: &str, value: &str) {
    if key.contains(['\n', '\r']) || key.contains(":=") || key.starts_with('#') {
        // Such a key would end its line, and the header.
        return;
    }
    let value = value
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "");
    // Writing to a string does not fail.
    let _ = writeln!(text, "{key}:={value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::unescaped;

    fn label(value: u32, layer: u32, name: &str, color: [u8; 3]) -> LabelName {
        LabelName {
            value,
            name: name.to_owned(),
            color,
            layer,
        }
    }

    fn pairs(text: &str) -> BTreeMap<String, String> {
        let lines = text.lines().filter_map(|line| line.split_once(":="));
        lines.map(|(k, v)| (k.to_owned(), unescaped(v))).collect()
    }

    #[test]
    fn segments_come_back_by_number_with_what_the_source_had() {
        let labels = [
            label(2, 0, "b\\name \\\n\\", [255, 128, 0]),
            label(1, 1, "a", [0, 0, 255]),
        ];
        let first = pairs(&lines(&labels, &[], &BTreeMap::new()));
        assert_eq!(from_segments(&first), labels);
        let mut source = first.clone();
        source.insert(
            "Segment1_Tags".to_owned(),
            "Segmentation.Status:done|".to_owned(),
        );
        source.insert("Segment1_Color".to_owned(), "0.0001 0 0.9999".to_owned());
        source.insert("Segment1_ID".to_owned(), "liver".to_owned());
        source.insert("patient".to_owned(), "none".to_owned());
        let again = pairs(&lines(&labels, &[], &source));
        assert_eq!(again, source);
        // One layer alone, under the first number.
        let one = pairs(&lines(&labels[1..], &[], &source));
        assert_eq!(one["Segment0_ID"], "liver");
        assert!(!one.contains_key("Segment1_ID") && one["patient"] == "none");
    }

    #[test]
    fn extents_are_those_of_each_layer_and_none_of_absent_labels() {
        let labels = [
            label(1, 0, "a", [0; 3]),
            label(1, 1, "b", [0; 3]),
            label(9, 0, "c", [0; 3]),
        ];
        let mut values = vec![0u8; 2 * 2 * 24];
        let mut put = |channel: usize, at: [usize; 3]| {
            let voxel = (channel * 2 + at[2]) * 12 + at[1] * 4 + at[0];
            values[2 * voxel] = 1;
        };
        put(0, [1, 0, 0]);
        put(0, [3, 2, 0]);
        put(1, [0, 1, 1]);
        let found = extents(&labels, &values, 2, [4, 3, 2]);
        let expected = [
            Some([[1, 3], [0, 2], [0, 0]]),
            Some([[0, 0], [1, 1], [1, 1]]),
            None,
        ];
        assert_eq!(found, expected);
        let text = lines(&labels, &found, &BTreeMap::new());
        assert!(text.contains("Segment0_Extent:=1 3 0 2 0 0\n"), "{text}");
        assert!(text.contains("Segment2_Extent:=0 -1 0 -1 0 -1\n"), "{text}");
    }
}
