//! Segmentations: segments, values and bits.

use super::Subject;
use super::common::pixels;
use super::finding::Findings;
use super::frames;
use crate::raw;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::collections::BTreeSet;

const AGAIN: &str = "write the segmentation again from its labels and its source";
pub(super) fn check(subject: &Subject, findings: &mut Findings) {
    let set = &subject.content.set;
    let frames = raw::items(set, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let count = raw::numbers::<1>(set, tags::NUMBER_OF_FRAMES).map_or(0.0, |[n]| n);
    if count != frames.len() as f64 {
        findings.error(
            tags::NUMBER_OF_FRAMES,
            format!(
                "it is {count}, and there are groups of {} frames",
                frames.len()
            ),
            "a group for each frame",
            AGAIN,
        );
    }
    let kind = raw::text(set, tags::SEGMENTATION_TYPE).unwrap_or_default();
    let bits = raw::words(set, tags::BITS_ALLOCATED)
        .first()
        .copied()
        .unwrap_or(0);
    let fits = match kind.as_str() {
        "BINARY" => bits == 1,
        "FRACTIONAL" => bits == 8,
        "LABELMAP" => matches!(bits, 8 | 16),
        _ => false,
    };
    if !fits {
        findings.error(
            tags::BITS_ALLOCATED,
            format!("{bits} bits in a segmentation of type `{kind}`"),
            "1 for BINARY, 8 for FRACTIONAL, 8 or 16 for LABELMAP",
            AGAIN,
        );
    }
    pixels(subject, findings);
    let numbers = segments(set, &kind, findings);
    values(subject, &kind, &numbers, findings);
    frames::check(subject, &kind, frames, &numbers, findings);
}

/// The numbers of the segments.
fn segments(set: &InMemDicomObject, kind: &str, findings: &mut Findings) -> BTreeSet<u16> {
    let items = raw::items(set, tags::SEGMENT_SEQUENCE);
    let all: Vec<u16> = items
        .iter()
        .flat_map(|item| raw::words(item, tags::SEGMENT_NUMBER))
        .collect();
    let numbers: BTreeSet<u16> = all.iter().copied().collect();
    let whole = all.len() == items.len() && numbers.len() == all.len();
    let in_order = kind == "LABELMAP" || all.iter().copied().eq(1..=all.len() as u16);
    if !whole || !in_order {
        findings.error(
            tags::SEGMENT_NUMBER,
            format!("the segments are numbered {:?}", &all[..all.len().min(20)]),
            "each number once, and from 1 without gaps unless it is a label map",
            AGAIN,
        );
    }
    for item in items {
        let number = raw::words(item, tags::SEGMENT_NUMBER)
            .first()
            .copied()
            .unwrap_or(0);
        codes(item, number, findings);
        let pair = [tags::TRACKING_ID, tags::TRACKING_UID].map(|tag| raw::text(item, tag));
        if pair[0].is_some() != pair[1].is_some() {
            findings.error(
                tags::TRACKING_UID,
                format!("segment {number} has only one of TrackingID and TrackingUID"),
                "both or none",
                AGAIN,
            );
        }
    }
    numbers
}

fn codes(item: &InMemDicomObject, number: u16, findings: &mut Findings) {
    for sequence in [
        tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
        tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
        tags::ANATOMIC_REGION_SEQUENCE,
    ] {
        let Some(code) = raw::item(item, sequence) else {
            continue;
        };
        let scheme = raw::text(code, tags::CODING_SCHEME_DESIGNATOR).unwrap_or_default();
        if scheme.starts_with("99") {
            findings.warning(
                sequence,
                format!("segment {number} has a code of the private scheme `{scheme}`"),
                "a code of SNOMED CT (SCT)",
                "name the segment as a known structure, or describe it with its code in a file of descriptions",
            );
        }
        if matches!(scheme.as_str(), "SRT" | "SNM3" | "99SDM") {
            findings.warning(
                sequence,
                format!("segment {number} has a code of the scheme `{scheme}`, which is retired"),
                "the scheme SCT",
                "describe the segment with its code of SNOMED CT",
            );
        }
    }
}

/// Values of pixels that are no segment, or beyond the largest fraction.
fn values(subject: &Subject, kind: &str, numbers: &BTreeSet<u16>, findings: &mut Findings) {
    let set = &subject.content.set;
    let Some(pixels) = &subject.content.pixels else {
        return;
    };
    if kind == "LABELMAP" {
        let wide = raw::words(set, tags::BITS_ALLOCATED).first() == Some(&16);
        let mut seen = vec![false; 1 << 16];
        match wide {
            true => pixels.chunks_exact(2).for_each(|pair| {
                seen[usize::from(u16::from_le_bytes([pair[0], pair[1]]))] = true;
            }),
            false => pixels
                .iter()
                .for_each(|&value| seen[usize::from(value)] = true),
        }
        let is_segment = |value: &usize| u16::try_from(*value).is_ok_and(|v| numbers.contains(&v));
        let found = (1..1 << 16).filter(|&value| seen[value]);
        if let Some(value) = found.into_iter().find(|value| !is_segment(value)) {
            findings.error(
                tags::PIXEL_DATA,
                format!("pixels have the value {value}, which is no segment"),
                "numbers of segments, and 0",
                AGAIN,
            );
        }
    }
    let largest = raw::words(set, tags::MAXIMUM_FRACTIONAL_VALUE)
        .first()
        .copied();
    let beyond = |largest: u16| pixels.iter().any(|&value| u16::from(value) > largest);
    if kind == "FRACTIONAL" && largest.is_none_or(beyond) {
        findings.error(
            tags::MAXIMUM_FRACTIONAL_VALUE,
            "it is absent or less than values of pixels",
            "the value that means 1",
            AGAIN,
        );
    }
}
