//! Reports: whether what they refer to is listed and exists, and whether numbers have values and units.

use super::Subject;
use super::common::instances;
use super::finding::{Findings, Tally};
use crate::raw;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::collections::{BTreeMap, BTreeSet};

const AGAIN: &str = "write the report again from its measurements and its segmentation";
const HOUNSFIELD: &str = "[hnsf'U]";

#[derive(Default)]
struct Wrong {
    unlisted: Tally,
    absent: Tally,
    segment: Tally,
    number: Tally,
    unit: Tally,
    hounsfield: Tally,
    tracking: Tally,
}

/// A segment of a related segmentation: its instance, its number.
type Segments = BTreeMap<String, BTreeMap<u16, Option<String>>>;

struct Walk<'a> {
    listed: BTreeSet<String>,
    segments: Segments,
    images: BTreeSet<&'a str>,
    hounsfield: bool,
    wrong: Wrong,
    item: usize,
}

pub(super) fn check(subject: &Subject, findings: &mut Findings) {
    let set = &subject.content.set;
    let mut listed = BTreeSet::new();
    for sequence in [
        tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
        tags::PERTINENT_OTHER_EVIDENCE_SEQUENCE,
    ] {
        for study in raw::items(set, sequence) {
            let series = raw::items(study, tags::REFERENCED_SERIES_SEQUENCE);
            listed.extend(instances(series, tags::REFERENCED_SOP_SEQUENCE));
        }
    }
    let modalities = subject
        .sources
        .iter()
        .map(|source| source.modality.as_str());
    let mut walk = Walk {
        listed,
        segments: subject.related.iter().filter_map(segments).collect(),
        images: subject
            .sources
            .iter()
            .flat_map(|source| source.instances.iter().map(|image| image.uid.as_str()))
            .collect(),
        hounsfield: modalities.clone().all(|modality| modality == "CT"),
        wrong: Wrong::default(),
        item: 0,
    };
    walk.items(set);
    walk.wrong.tell(findings);
}

/// The segments of a segmentation with their tracking identifiers.
fn segments(set: &InMemDicomObject) -> Option<(String, BTreeMap<u16, Option<String>>)> {
    let instance = raw::text(set, tags::SOP_INSTANCE_UID)?;
    let items = raw::items(set, tags::SEGMENT_SEQUENCE);
    let segments = items.iter().filter_map(|item| {
        let number = *raw::words(item, tags::SEGMENT_NUMBER).first()?;
        Some((number, raw::text(item, tags::TRACKING_UID)))
    });
    (!items.is_empty()).then(|| (instance, segments.collect()))
}

/// The code of an item's name or unit.
fn code(item: &InMemDicomObject, sequence: Tag) -> Option<String> {
    let item = raw::item(item, sequence)?;
    raw::text(item, tags::CODE_VALUE).or_else(|| raw::text(item, tags::LONG_CODE_VALUE))
}

impl Walk<'_> {
    fn items(&mut self, set: &InMemDicomObject) {
        let items = raw::items(set, tags::CONTENT_SEQUENCE);
        let tracking = items
            .iter()
            .find(|item| code(item, tags::CONCEPT_NAME_CODE_SEQUENCE).as_deref() == Some("112040"))
            .and_then(|item| raw::text(item, tags::UID));
        for item in items {
            let number = self.item;
            self.item += 1;
            for image in raw::items(item, tags::REFERENCED_SOP_SEQUENCE) {
                self.image(number, image, tracking.as_deref());
            }
            if raw::text(item, tags::VALUE_TYPE).as_deref() == Some("NUM") {
                self.number(number, item);
            }
            self.items(item);
        }
    }

    fn image(&mut self, number: usize, image: &InMemDicomObject, tracking: Option<&str>) {
        let uid = raw::text(image, tags::REFERENCED_SOP_INSTANCE_UID).unwrap_or_default();
        self.wrong
            .unlisted
            .count(number, !self.listed.contains(&uid));
        let known = self.segments.get(&uid);
        let segment = raw::words(image, tags::REFERENCED_SEGMENT_NUMBER)
            .first()
            .copied();
        let (Some(segment), has_related) = (segment, !self.segments.is_empty()) else {
            let absent = !self.images.is_empty() && !self.images.contains(uid.as_str());
            self.wrong.absent.count(number, absent && known.is_none());
            return;
        };
        self.wrong
            .absent
            .count(number, has_related && known.is_none());
        let Some(known) = known else { return };
        let found = known.get(&segment);
        self.wrong.segment.count(number, found.is_none());
        let own = found.and_then(|uid| uid.as_deref());
        let differs = own.is_some() && tracking.is_some() && own != tracking;
        self.wrong.tracking.count(number, differs);
    }

    fn number(&mut self, number: usize, item: &InMemDicomObject) {
        let Some(measured) = raw::item(item, tags::MEASURED_VALUE_SEQUENCE) else {
            let why = raw::item(item, tags::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE);
            self.wrong.number.count(number, why.is_none());
            return;
        };
        let value = raw::numbers::<1>(measured, tags::NUMERIC_VALUE);
        self.wrong.number.count(number, value.is_none());
        let unit = code(measured, tags::MEASUREMENT_UNITS_CODE_SEQUENCE);
        self.wrong.unit.count(number, unit.is_none());
        let hounsfield = unit.as_deref() == Some(HOUNSFIELD);
        self.wrong
            .hounsfield
            .count(number, hounsfield && !self.hounsfield);
    }
}

impl Wrong {
    fn tell(&self, findings: &mut Findings) {
        let all = [
            (
                &self.unlisted,
                tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
                "it lacks the object of",
                "every object that the report refers to",
            ),
            (
                &self.absent,
                tags::REFERENCED_SOP_INSTANCE_UID,
                "neither the source nor a related object is that of",
                "an object that exists",
            ),
            (
                &self.segment,
                tags::REFERENCED_SEGMENT_NUMBER,
                "the segmentation has no such segment as",
                "a segment of it",
            ),
            (
                &self.tracking,
                tags::UID,
                "the segmentation has another tracking identifier for the segment of",
                "the same in both",
            ),
            (
                &self.number,
                tags::NUMERIC_VALUE,
                "there is no finite number in",
                "a number, or the reason why there is none",
            ),
            (
                &self.unit,
                tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
                "there is no unit in",
                "a unit",
            ),
            (
                &self.hounsfield,
                tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
                "the source is no CT, and Hounsfield units are in",
                "the unit of the source's values",
            ),
        ];
        for (tally, tag, what, expected) in all {
            if let Some(items) = tally.words("item") {
                findings.error(tag, format!("{what} {items}"), expected, AGAIN);
            }
        }
    }
}
