//! Descriptions of segments in the JSON of dcmqi, as its programs and Slicer write it.

use super::segment::{AlgorithmType, Code, Segment};
use crate::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

#[derive(Deserialize)]
struct File {
    #[serde(rename = "segmentAttributes")]
    segments: Vec<Vec<Value>>,
    #[serde(rename = "SeriesDescription")]
    description: Option<String>,
    #[serde(rename = "SeriesNumber")]
    number: Option<Value>,
    #[serde(rename = "ContentCreatorName")]
    creator: Option<String>,
}

/// The content of a description file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SegmentDescriptions {
    /// The segments, in the file's order; those of the second list and further are in layers of their own.
    pub segments: Vec<Segment>,
    /// SeriesDescription.
    pub description: Option<String>,
    /// SeriesNumber.
    pub number: Option<u32>,
    /// ContentCreatorName.
    pub creator: Option<String>,
}

impl SegmentDescriptions {
    /// Reads a file such as `segments.json`.
    ///
    /// # Errors
    /// [`Error::Io`] and as [`SegmentDescriptions::parse`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = vesalius_io::read_text(path).map_err(|source| {
            Error::Io(vesalius_io::Error::Read {
                path: path.to_owned(),
                source,
            })
        })?;
        Self::parse(&text)
    }

    /// Reads the JSON of dcmqi: a list of lists `segmentAttributes` of objects with `labelID`, codes and a colour.
    ///
    /// # Errors
    /// [`Error::Descriptions`] with the place in the text.
    ///
    /// ```
    /// use vesalius_dicom::SegmentDescriptions;
    ///
    /// let text = r#"{"segmentAttributes": [[{
    ///     "labelID": 1, "SegmentLabel": "Liver", "SegmentAlgorithmType": "AUTOMATIC", "SegmentAlgorithmName": "m",
    ///     "SegmentedPropertyCategoryCodeSequence":
    ///         {"CodeValue": "123037004", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Anatomical Structure"},
    ///     "SegmentedPropertyTypeCodeSequence":
    ///         {"CodeValue": "10200004", "CodingSchemeDesignator": "SCT", "CodeMeaning": "Liver"},
    ///     "recommendedDisplayRGBValue": [221, 130, 101]}]]}"#;
    /// let found = SegmentDescriptions::parse(text)?;
    /// assert_eq!(found.segments[0].color, [221, 130, 101]);
    /// assert_eq!(found.segments[0].kind.value, "10200004");
    /// assert!(SegmentDescriptions::parse("{}").is_err());
    /// # Ok::<(), vesalius_dicom::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let file: File =
            serde_json::from_str(text).map_err(|e| bad("the description of the segments", e))?;
        let mut segments = Vec::new();
        for (layer, list) in file.segments.iter().enumerate() {
            for (i, value) in list.iter().enumerate() {
                let place = format!("segmentAttributes[{layer}][{i}]");
                let mut segment = segment(value, &place)?;
                segment.layer = layer;
                segments.push(segment);
            }
        }
        Ok(Self {
            segments,
            description: file.description.filter(|text| !text.is_empty()),
            number: file.number.as_ref().and_then(whole),
            creator: file.creator.filter(|text| !text.is_empty()),
        })
    }
}

fn bad(place: impl Into<String>, problem: impl ToString) -> Error {
    Error::Descriptions {
        place: place.into(),
        problem: problem.to_string(),
    }
}

/// A whole number, also where it is written as text.
fn whole(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64().and_then(|n| u32::try_from(n).ok()),
    }
}

fn segment(value: &Value, place: &str) -> Result<Segment> {
    let at = |key: &str| format!("{place}.{key}");
    let text = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|t| !t.is_empty())
    };
    let label = value
        .get("labelID")
        .and_then(whole)
        .filter(|&label| label > 0);
    let label = label.ok_or_else(|| {
        bad(
            at("labelID"),
            "expected the label's value, a whole number from 1 on",
        )
    })?;
    let code = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => code(value, &at(key)).map(Some),
    };
    let need = |key: &str| {
        code(key)?.ok_or_else(|| {
            bad(
                at(key),
                "expected an object with CodeValue, CodingSchemeDesignator and CodeMeaning",
            )
        })
    };
    let kind = need("SegmentedPropertyTypeCodeSequence")?;
    let name = text("SegmentLabel")
        .or(text("SegmentDescription"))
        .unwrap_or(&kind.meaning)
        .to_owned();
    let mut segment = Segment::named(label, name);
    segment.category = need("SegmentedPropertyCategoryCodeSequence")?;
    segment.kind = kind;
    segment.modifier = code("SegmentedPropertyTypeModifierCodeSequence")?;
    segment.region = code("AnatomicRegionSequence")?;
    segment.region_modifier = code("AnatomicRegionModifierSequence")?;
    segment.description = text("SegmentDescription").map(str::to_owned);
    segment.algorithm = text("SegmentAlgorithmName").map(str::to_owned);
    segment.algorithm_type = match text("SegmentAlgorithmType") {
        None | Some("AUTOMATIC") => AlgorithmType::Automatic,
        Some("SEMIAUTOMATIC") => AlgorithmType::SemiAutomatic,
        Some("MANUAL") => AlgorithmType::Manual,
        Some(_) => {
            return Err(bad(
                at("SegmentAlgorithmType"),
                "expected AUTOMATIC, SEMIAUTOMATIC or MANUAL",
            ));
        }
    };
    if let Some(color) = value.get("recommendedDisplayRGBValue") {
        let color = color
            .as_array()
            .filter(|list| list.len() == 3)
            .and_then(|list| {
                let parts: Option<Vec<u8>> =
                    list.iter().map(|v| u8::try_from(whole(v)?).ok()).collect();
                parts?.try_into().ok()
            });
        segment.color = color.ok_or_else(|| {
            bad(
                at("recommendedDisplayRGBValue"),
                "expected three numbers from 0 to 255",
            )
        })?;
    }
    segment.tracking = match (text("TrackingIdentifier"), text("TrackingUniqueIdentifier")) {
        (Some(id), Some(uid)) => Some((id.to_owned(), uid.to_owned())),
        (None, None) => None,
        _ => {
            return Err(bad(
                place,
                "TrackingIdentifier and TrackingUniqueIdentifier belong together; give both or none",
            ));
        }
    };
    Ok(segment)
}

fn code(value: &Value, place: &str) -> Result<Code> {
    // Some writers give a list of one.
    let value = value
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(value);
    let part = |key: &str| {
        let text = value
            .get(key)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|t| !t.is_empty());
        text.ok_or_else(|| bad(format!("{place}.{key}"), "expected a text"))
    };
    Ok(Code::new(
        part("CodeValue")?,
        part("CodingSchemeDesignator")?,
        part("CodeMeaning")?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let with = |change: &str| {
            let code = r#"{"CodeValue": "1", "CodingSchemeDesignator": "SCT", "CodeMeaning": "x"}"#;
            let item = format!(
                r#"{{"labelID": 1, "SegmentedPropertyTypeCodeSequence": {code}, "SegmentedPropertyCategoryCodeSequence": {code}{change}}}"#
            );
            SegmentDescriptions::parse(&format!(
                r#"{{"segmentAttributes": [[{item}]], "SeriesNumber": "302"}}"#
            ))
        };
        let found = with("").unwrap();
        assert_eq!(
            (found.number, found.segments[0].name.as_str()),
            (Some(302), "x")
        );
        for (change, word) in [
            (
                r#", "recommendedDisplayRGBValue": [1, 2]"#,
                "segmentAttributes[0][0].recommendedDisplayRGBValue",
            ),
            (
                r#", "SegmentAlgorithmType": "auto""#,
                "SegmentAlgorithmType",
            ),
            (r#", "TrackingIdentifier": "a""#, "TrackingUniqueIdentifier"),
            (
                r#", "AnatomicRegionSequence": {"CodeValue": "1"}"#,
                "AnatomicRegionSequence.CodingSchemeDesignator",
            ),
            (r#", "labelID": 0"#, "labelID"),
        ] {
            let message = with(change).unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        }
    }
}
