//! Contours: structures, the images they lie on, and their points.

use super::Subject;
use super::finding::{Findings, Tally};
use crate::raw;
use crate::space::{Plane, dot};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::collections::{BTreeMap, BTreeSet};

const AGAIN: &str = "write the contours again from their labels and their source";
/// How far a point may lie from the plane of its image, mm.
const NEAR: f64 = 0.01;

#[derive(Default)]
struct Wrong {
    points: Tally,
    unlisted: Tally,
    absent: Tally,
    off: Tally,
    farthest: f64,
}

pub(super) fn check(subject: &Subject, findings: &mut Findings) {
    let set = &subject.content.set;
    let number = |item: &InMemDicomObject, tag| raw::text(item, tag).unwrap_or_default();
    let all: Vec<String> = raw::items(set, tags::STRUCTURE_SET_ROI_SEQUENCE)
        .iter()
        .map(|item| number(item, tags::ROI_NUMBER))
        .collect();
    let structures: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    if structures.len() < all.len() {
        let found = "two structures have the same number";
        findings.error(
            tags::ROI_NUMBER,
            found,
            "a number of its own for each",
            AGAIN,
        );
    }
    for sequence in [
        tags::ROI_CONTOUR_SEQUENCE,
        tags::RTROI_OBSERVATIONS_SEQUENCE,
    ] {
        let items = raw::items(set, sequence).iter();
        let numbers: Vec<String> = items
            .map(|i| number(i, tags::REFERENCED_ROI_NUMBER))
            .collect();
        if numbers
            .iter()
            .any(|number| !structures.contains(number.as_str()))
        {
            let found = "an item refers to a structure that does not exist";
            findings.error(sequence, found, "numbers of StructureSetROISequence", AGAIN);
        }
    }
    frames(set, findings);
    let listed = listed(set);
    let mut wrong = Wrong::default();
    let rois = raw::items(set, tags::ROI_CONTOUR_SEQUENCE).iter();
    let contours = rois.flat_map(|roi| raw::items(roi, tags::CONTOUR_SEQUENCE));
    let planes = planes(subject);
    for (number, contour) in contours.enumerate() {
        let data = raw::text(contour, tags::CONTOUR_DATA).unwrap_or_default();
        let values: Vec<f64> = data
            .split('\\')
            .filter_map(|v| v.trim().parse().ok())
            .collect();
        let count = raw::numbers::<1>(contour, tags::NUMBER_OF_CONTOUR_POINTS).map(|[n]| n);
        let whole = values.len() == data.split('\\').count() && values.len().is_multiple_of(3);
        let is_right = whole && count == Some(values.len() as f64 / 3.0);
        wrong.points.count(number, !is_right);
        for image in raw::items(contour, tags::CONTOUR_IMAGE_SEQUENCE) {
            let uid = raw::text(image, tags::REFERENCED_SOP_INSTANCE_UID).unwrap_or_default();
            wrong.unlisted.count(number, !listed.contains(&uid));
            if planes.is_empty() {
                continue;
            }
            let frame = raw::numbers::<1>(image, tags::REFERENCED_FRAME_NUMBER);
            let frame = frame.map_or(1.0, |[n]| n).max(0.0) as usize;
            let plane = planes.get(&(uid, frame));
            wrong.absent.count(number, plane.is_none());
            let away = plane
                .copied()
                .flatten()
                .map_or(0.0, |plane| away(&plane, &values));
            wrong.off.count(number, away > NEAR);
            wrong.farthest = wrong.farthest.max(away);
        }
    }
    wrong.tell(findings);
}

/// The planes of the sources' frames by file and number.
fn planes(subject: &Subject) -> BTreeMap<(String, usize), Option<Plane>> {
    let sources = subject.sources.iter();
    let frames = sources.flat_map(|source| {
        source.frames.iter().map(move |frame| {
            let uid = source.instances[frame.instance].uid.clone();
            ((uid, frame.number), frame.plane)
        })
    });
    frames.collect()
}

/// The largest distance of points from a plane, mm.
fn away(plane: &Plane, values: &[f64]) -> f64 {
    let normal = plane.normal();
    let height = plane.height(normal);
    let points = values.chunks_exact(3);
    let away = points.map(|p| (dot([p[0], p[1], p[2]], normal) - height).abs());
    away.fold(0.0, f64::max)
}

/// Structures are in a frame of reference that is described.
fn frames(set: &InMemDicomObject, findings: &mut Findings) {
    let known: BTreeSet<String> = raw::items(set, tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE)
        .iter()
        .filter_map(|item| raw::text(item, tags::FRAME_OF_REFERENCE_UID))
        .collect();
    let structures = raw::items(set, tags::STRUCTURE_SET_ROI_SEQUENCE).iter();
    let own = structures.map(|item| raw::text(item, tags::REFERENCED_FRAME_OF_REFERENCE_UID));
    if own
        .into_iter()
        .any(|uid| uid.is_none_or(|uid| !known.contains(&uid)))
    {
        let found = "a structure is in a frame of reference that is not described";
        let expected = "one of ReferencedFrameOfReferenceSequence";
        findings.error(
            tags::REFERENCED_FRAME_OF_REFERENCE_UID,
            found,
            expected,
            AGAIN,
        );
    }
}

/// The images of ReferencedFrameOfReferenceSequence.
fn listed(set: &InMemDicomObject) -> BTreeSet<String> {
    let frames = raw::items(set, tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE).iter();
    let studies = frames.flat_map(|item| raw::items(item, tags::RT_REFERENCED_STUDY_SEQUENCE));
    let series = studies.flat_map(|item| raw::items(item, tags::RT_REFERENCED_SERIES_SEQUENCE));
    let images = series.flat_map(|item| raw::items(item, tags::CONTOUR_IMAGE_SEQUENCE));
    images
        .filter_map(|item| raw::text(item, tags::REFERENCED_SOP_INSTANCE_UID))
        .collect()
}

impl Wrong {
    fn tell(&self, findings: &mut Findings) {
        let off = format!(
            "up to {:.3} mm from the plane of its image lies",
            self.farthest
        );
        let all = [
            (
                &self.points,
                tags::NUMBER_OF_CONTOUR_POINTS,
                "it does not fit the numbers of",
                "three numbers for each point",
            ),
            (
                &self.unlisted,
                tags::CONTOUR_IMAGE_SEQUENCE,
                "ReferencedFrameOfReferenceSequence lacks the image of",
                "every image that contours refer to",
            ),
            (
                &self.absent,
                tags::REFERENCED_SOP_INSTANCE_UID,
                "the source has no such image as in",
                "an image of the source",
            ),
            (
                &self.off,
                tags::CONTOUR_DATA,
                &off,
                "points on the plane of the image",
            ),
        ];
        for (tally, tag, what, expected) in all {
            if let Some(contours) = tally.words("contour") {
                findings.error(tag, format!("{what} {contours}"), expected, AGAIN);
            }
        }
    }
}
