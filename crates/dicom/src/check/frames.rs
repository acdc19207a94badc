//! The frames of segmentations: their places, and the images and segments that they refer to.

use super::Subject;
use super::common::instances;
use super::finding::{Findings, Tally};
use crate::raw;
use crate::source::{Source, SourceFrame};
use crate::space::length;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::collections::{BTreeMap, BTreeSet};

const AGAIN: &str = "write the segmentation again from its labels and its source";
/// How far a frame may lie from the image that it was made from, mm: viewers compare so.
const NEAR: f64 = 1e-3;

/// What a frame says of itself.
struct Frame<'a> {
    image: Option<&'a InMemDicomObject>,
    position: Option<[f64; 3]>,
    segment: Option<u16>,
}

fn frame<'a>(group: &'a InMemDicomObject, shared: Option<&'a InMemDicomObject>) -> Frame<'a> {
    let of = |sequence: Tag| {
        let shared = shared.and_then(|shared| raw::item(shared, sequence));
        raw::item(group, sequence).or(shared)
    };
    let derivation = of(tags::DERIVATION_IMAGE_SEQUENCE);
    let segment = of(tags::SEGMENT_IDENTIFICATION_SEQUENCE);
    Frame {
        image: derivation.and_then(|item| raw::item(item, tags::SOURCE_IMAGE_SEQUENCE)),
        position: of(tags::PLANE_POSITION_SEQUENCE)
            .and_then(|item| raw::numbers(item, tags::IMAGE_POSITION_PATIENT)),
        segment: segment.and_then(|item| {
            raw::words(item, tags::REFERENCED_SEGMENT_NUMBER)
                .first()
                .copied()
        }),
    }
}

/// The frames of the sources by file and number.
fn places(sources: &[Source]) -> BTreeMap<(&str, usize), (&Source, &SourceFrame)> {
    let frames = sources
        .iter()
        .flat_map(|source| source.frames.iter().map(move |f| (source, f)));
    frames
        .map(|(source, frame)| {
            let uid = source.instances[frame.instance].uid.as_str();
            ((uid, frame.number), (source, frame))
        })
        .collect()
}

/// What is wrong with how many frames.
#[derive(Default)]
struct Wrong {
    segment: Tally,
    image: Tally,
    unlisted: Tally,
    position: Tally,
    twice: Tally,
    index: Tally,
    absent: Tally,
    off: Tally,
    farthest: f64,
}

pub(super) fn check(
    subject: &Subject,
    kind: &str,
    frames: &[InMemDicomObject],
    numbers: &BTreeSet<u16>,
    findings: &mut Findings,
) {
    let set = &subject.content.set;
    let shared = raw::item(set, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let series = raw::items(set, tags::REFERENCED_SERIES_SEQUENCE);
    let listed = instances(series, tags::REFERENCED_INSTANCE_SEQUENCE);
    let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    let placed = raw::text(set, tags::FRAME_OF_REFERENCE_UID).is_some();
    let places = places(subject.sources);
    let indices = raw::items(set, tags::DIMENSION_INDEX_SEQUENCE).len();
    let mut wrong = Wrong::default();
    let mut seen = BTreeSet::new();
    let mut any_position = false;
    let mut used = BTreeSet::new();
    for (number, group) in frames.iter().enumerate() {
        let found = frame(group, shared);
        let is_segment = kind == "LABELMAP" || found.segment.is_some_and(|n| numbers.contains(&n));
        wrong.segment.count(number, !is_segment);
        used.extend(found.segment);
        let uid = found
            .image
            .and_then(|i| raw::text(i, tags::REFERENCED_SOP_INSTANCE_UID));
        wrong.image.count(number, uid.is_none());
        let unlisted = uid
            .as_ref()
            .is_some_and(|uid| !listed.contains(uid.as_str()));
        wrong.unlisted.count(number, unlisted);
        any_position |= found.position.is_some();
        wrong
            .position
            .count(number, placed && found.position.is_none());
        if let Some(position) = found.position {
            let place = position.map(|v| (v / NEAR).round() as i64);
            wrong
                .twice
                .count(number, !seen.insert((found.segment, place)));
        }
        let content = raw::item(group, tags::FRAME_CONTENT_SEQUENCE);
        let index = content.and_then(|c| raw::bytes(c, tags::DIMENSION_INDEX_VALUES));
        let index = index.unwrap_or_default();
        let is_zero = index.chunks_exact(4).any(|value| value == [0; 4]);
        wrong
            .index
            .count(number, is_zero || index.len() != 4 * indices);
        if !places.is_empty() {
            let image = found.image.zip(uid.as_deref());
            against_source(number, &found, image, &places, &mut wrong);
        }
    }
    if any_position && !placed {
        let found = "frames have places, and it is absent";
        findings.error(
            tags::FRAME_OF_REFERENCE_UID,
            found,
            "that of the source",
            AGAIN,
        );
    }
    if kind == "BINARY" || kind == "FRACTIONAL" {
        let unused = numbers.iter().find(|number| !used.contains(number));
        if let Some(number) = unused.filter(|_| used.is_empty()) {
            let found = format!("segment {number} and all others have no frame");
            findings.warning(tags::REFERENCED_SEGMENT_NUMBER, found, "a frame", AGAIN);
        }
    }
    grid(subject, shared, findings);
    wrong.tell(findings);
}

/// A frame and the image that it says it was made from.
fn against_source(
    number: usize,
    found: &Frame,
    image: Option<(&InMemDicomObject, &str)>,
    places: &BTreeMap<(&str, usize), (&Source, &SourceFrame)>,
    wrong: &mut Wrong,
) {
    let Some((image, uid)) = image else {
        return;
    };
    let index = raw::numbers::<1>(image, tags::REFERENCED_FRAME_NUMBER).map_or(1.0, |[n]| n);
    let source = places.get(&(uid, index.max(0.0) as usize));
    wrong.absent.count(number, source.is_none());
    let plane = source.and_then(|(_, frame)| frame.plane);
    if let (Some(plane), Some(position)) = (plane, found.position) {
        let apart = length([0, 1, 2].map(|i| position[i] - plane.position[i]));
        wrong.off.count(number, apart > NEAR);
        wrong.farthest = wrong.farthest.max(apart);
    }
}

/// Orientation, spacing and size are those of the source.
fn grid(subject: &Subject, shared: Option<&InMemDicomObject>, findings: &mut Findings) {
    let set = &subject.content.set;
    let size = [tags::COLUMNS, tags::ROWS].map(|tag| raw::words(set, tag).first().copied());
    let of = |sequence| shared.and_then(|shared| raw::item(shared, sequence));
    let cosines = of(tags::PLANE_ORIENTATION_SEQUENCE)
        .and_then(|item| raw::numbers::<6>(item, tags::IMAGE_ORIENTATION_PATIENT));
    let spacing = of(tags::PIXEL_MEASURES_SEQUENCE)
        .and_then(|item| raw::numbers::<2>(item, tags::PIXEL_SPACING));
    for source in subject.sources {
        if size.map(|n| n.map(usize::from)) != source.size.map(Some) {
            let [columns, rows] = source.size;
            findings.error(
                tags::ROWS,
                format!(
                    "the frames have {:?} columns and rows",
                    size.map(Option::unwrap_or_default)
                ),
                &format!("{columns} and {rows}, as the source has: viewers show no others"),
                "bring the labels to the source's grid first",
            );
        }
        let Some(plane) = source.frames.first().and_then(|frame| frame.plane) else {
            continue;
        };
        let turned = cosines.is_some_and(|cosines| {
            let own = [plane.row, plane.column].concat();
            cosines.iter().zip(own).any(|(a, b)| (a - b).abs() > NEAR)
        });
        if turned {
            let found = "the frames are turned against the images";
            findings.error(
                tags::IMAGE_ORIENTATION_PATIENT,
                found,
                "the source's",
                AGAIN,
            );
        }
        let scaled = spacing.is_some_and(|[rows, columns]| {
            (columns - plane.spacing[0]).abs() > NEAR || (rows - plane.spacing[1]).abs() > NEAR
        });
        if scaled {
            let found = "it differs from that of the images";
            findings.error(tags::PIXEL_SPACING, found, "the source's", AGAIN);
        }
    }
}

impl Wrong {
    fn tell(&self, findings: &mut Findings) {
        let off = format!("up to {:.3} mm from the image of", self.farthest);
        let all = [
            (
                &self.segment,
                tags::REFERENCED_SEGMENT_NUMBER,
                "no segment of SegmentSequence in",
                "a segment that is described",
            ),
            (
                &self.image,
                tags::SOURCE_IMAGE_SEQUENCE,
                "no image that it was made from in",
                "a reference to an image, by which viewers place the frame",
            ),
            (
                &self.unlisted,
                tags::REFERENCED_INSTANCE_SEQUENCE,
                "ReferencedSeriesSequence lacks the image of",
                "every image that frames refer to",
            ),
            (
                &self.position,
                tags::PLANE_POSITION_SEQUENCE,
                "no place of",
                "a place of every frame",
            ),
            (
                &self.twice,
                tags::IMAGE_POSITION_PATIENT,
                "another frame of the same segment has the place of",
                "one frame of a segment at a place",
            ),
            (
                &self.index,
                tags::DIMENSION_INDEX_VALUES,
                "0, or another number of indices than dimensions, in",
                "an index from 1 for each dimension",
            ),
            (
                &self.absent,
                tags::REFERENCED_SOP_INSTANCE_UID,
                "the source has no such image as in",
                "an image of the source",
            ),
            (
                &self.off,
                tags::IMAGE_POSITION_PATIENT,
                &off,
                "the place of the image",
            ),
        ];
        for (tally, tag, what, expected) in all {
            if let Some(frames) = tally.words("frame") {
                findings.error(tag, format!("{what} {frames}"), expected, AGAIN);
            }
        }
    }
}
