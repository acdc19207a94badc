//! The structures of a data set: names from one sequence, contours from another, joined by their number.

use super::super::element::DataSet;
use super::super::file::DicomFile;
use super::super::tags;
use super::{Contour, Structure, StructureSet};
use crate::{Error, Result};

/// More points than this in one file are refused: 120 MB of coordinates.
const MOST_POINTS: usize = 5_000_000;
/// More points than this in one contour are refused: a slice of 512 × 512 voxels has 262,144.
const MOST_IN_CONTOUR: usize = 1_000_000;

/// Reads the names, then the contours.
pub(super) fn structures(file: &DicomFile) -> Result<StructureSet> {
    let set = &file.set;
    let items = set.items(tags::STRUCTURES);
    if items.is_empty() {
        return Err(Error::header(
            &file.path,
            "StructureSetROISequence",
            "missing",
            "the structures of an RTSTRUCT",
        ));
    }
    let mut structures = Vec::new();
    for item in items {
        structures.push(Structure {
            number: number(file, item, tags::ROI_NUMBER, "ROINumber")?,
            name: file.text(item, tags::ROI_NAME).unwrap_or_default(),
            color: None,
            contours: Vec::new(),
            left_out: Vec::new(),
        });
    }
    let mut points = 0;
    for item in set.items(tags::ROI_CONTOURS) {
        let number = number(file, item, tags::REFERENCED_ROI, "ReferencedROINumber")?;
        let Some(structure) = structures.iter_mut().find(|s| s.number == number) else {
            let known: Vec<String> = structures.iter().map(|s| s.number.to_string()).collect();
            return Err(Error::header(
                &file.path,
                "ReferencedROINumber",
                number,
                format!(
                    "a structure of StructureSetROISequence ({})",
                    known.join(", ")
                ),
            ));
        };
        structure.color = color(file, item);
        for contour in item.items(tags::CONTOURS) {
            add(file, contour, structure, &mut points)?;
        }
    }
    Ok(StructureSet {
        path: file.path.clone(),
        label: file
            .text(set, tags::STRUCTURE_SET_LABEL)
            .unwrap_or_default(),
        frame_of_reference: frame_of_reference(file),
        series: referenced_series(file),
        structures,
    })
}

fn number(file: &DicomFile, item: &DataSet, tag: u32, name: &str) -> Result<i64> {
    let text = file.text(item, tag);
    let number = text.as_deref().and_then(|text| text.trim().parse().ok());
    let found = text.unwrap_or_else(|| "missing".to_owned());
    number.ok_or_else(|| Error::header(&file.path, name, found, "a whole number"))
}

fn color(file: &DicomFile, item: &DataSet) -> Option<[u8; 3]> {
    let numbers = file.reals(item, tags::ROI_COLOUR)?;
    let bytes: Vec<u8> = numbers.iter().map(|v| v.clamp(0.0, 255.0) as u8).collect();
    bytes.try_into().ok()
}

/// Adds one contour to its structure.
fn add(
    file: &DicomFile,
    item: &DataSet,
    structure: &mut Structure,
    points: &mut usize,
) -> Result<()> {
    let kind = file.text(item, tags::CONTOUR_TYPE).unwrap_or_default();
    if !matches!(kind.as_str(), "CLOSED_PLANAR" | "CLOSEDPLANAR_XOR") {
        let kind = match kind.is_empty() {
            true => "no ContourGeometricType".to_owned(),
            false => kind,
        };
        leave_out(structure, kind);
        return Ok(());
    }
    let contour = coordinates(file, item, structure, points)?;
    if contour.points.len() < 3 {
        leave_out(structure, format!("{kind} of fewer than 3 points"));
    } else if structure.contours.contains(&contour) {
        // Filled twice, the same contour would take its area away again.
        leave_out(structure, format!("exact copy of another {kind}"));
    } else {
        structure.contours.push(contour);
    }
    Ok(())
}

fn leave_out(structure: &mut Structure, kind: String) {
    match structure.left_out.iter_mut().find(|(k, _)| *k == kind) {
        Some((_, count)) => *count += 1,
        None => structure.left_out.push((kind, 1)),
    }
}

/// The points of one contour, LPS in the file.
fn coordinates(
    file: &DicomFile,
    item: &DataSet,
    structure: &Structure,
    points: &mut usize,
) -> Result<Contour> {
    let name = || {
        let (number, structure) = (structure.contours.len() + 1, &structure.name);
        format!("ContourData of `{structure}`, contour {number}")
    };
    let wrong =
        |found: String, expected: String| Error::header(&file.path, name(), found, expected);
    let bytes = item
        .bytes(file.raw(), tags::CONTOUR_DATA)
        .unwrap_or_default();
    let values = match bytes.iter().all(u8::is_ascii_whitespace) {
        true => 0,
        false => 1 + bytes.iter().filter(|byte| **byte == b'\\').count(),
    };
    let count = values / 3;
    *points += count;
    if count > MOST_IN_CONTOUR || *points > MOST_POINTS {
        let expected =
            format!("at most {MOST_IN_CONTOUR} in a contour and {MOST_POINTS} in a file");
        return Err(wrong(format!("{count} points"), expected));
    }
    let stated = file.real(item, tags::CONTOUR_POINTS);
    if values % 3 != 0 || stated.is_some_and(|stated| stated != count as f64) {
        let stated = stated.map_or("missing".to_owned(), |stated| stated.to_string());
        let found = format!("{values} numbers, and NumberOfContourPoints is {stated}");
        return Err(wrong(found, "three numbers a point".to_owned()));
    }
    let number = |part: &[u8]| {
        let text = std::str::from_utf8(part).ok()?;
        let text = text.trim_matches([' ', '\0', '\r', '\n', '\t']);
        text.parse::<f64>()
            .ok()
            .filter(|v| v.is_finite() && v.abs() < 1e9)
    };
    let mut parts = bytes.split(|byte| *byte == b'\\');
    let mut next = || {
        let part = parts.next().unwrap_or_default();
        let found = || String::from_utf8_lossy(&part[..part.len().min(40)]).into_owned();
        number(part).ok_or_else(|| wrong(found(), "finite coordinates in mm".to_owned()))
    };
    let mut points = Vec::with_capacity(count);
    for _ in 0..count {
        let [x, y, z] = [next()?, next()?, next()?];
        points.push([-x, -y, z]);
    }
    Ok(Contour { points })
}

fn frame_of_reference(file: &DicomFile) -> String {
    let referenced = file.set.items(tags::REFERENCED_FRAMES).iter();
    let mut uids = referenced
        .filter_map(|item| file.text(item, tags::FRAME_OF_REFERENCE))
        .chain(file.text(&file.set, tags::FRAME_OF_REFERENCE))
        .chain(
            file.set
                .items(tags::STRUCTURES)
                .iter()
                .filter_map(|item| file.text(item, tags::ROI_FRAME)),
        );
    uids.next().unwrap_or_default()
}

fn referenced_series(file: &DicomFile) -> Vec<String> {
    let frames = file.set.items(tags::REFERENCED_FRAMES).iter();
    let studies = frames.flat_map(|frame| frame.items(tags::REFERENCED_STUDIES));
    let series = studies.flat_map(|study| study.items(tags::REFERENCED_SERIES));
    let uids = series.filter_map(|series| file.text(series, tags::SERIES_UID));
    uids.collect()
}
