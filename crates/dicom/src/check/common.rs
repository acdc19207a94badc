//! What all objects have alike: identifiers, the patient and study of their source, and secondary captures.

use super::Subject;
use super::finding::Findings;
use crate::raw;
use dicom_core::Tag;
use dicom_core::VR;
use dicom_core::header::Header;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

const AGAIN: &str = "write the object again with a writer of this library";

pub(super) fn check(subject: &Subject, findings: &mut Findings) {
    let set = &subject.content.set;
    meta(subject, findings);
    identifiers(set, findings);
    let own = |tag| raw::text(set, tag);
    let instance = own(tags::SOP_INSTANCE_UID).unwrap_or_default();
    for tag in [
        tags::SERIES_INSTANCE_UID,
        tags::STUDY_INSTANCE_UID,
        tags::FRAME_OF_REFERENCE_UID,
    ] {
        if own(tag).is_some_and(|uid| uid == instance) {
            let found = "it is that of the instance, too";
            findings.error(tag, found, "an identifier of its own", AGAIN);
        }
    }
    for source in subject.sources {
        let images = source.instances.iter();
        if images.map(|image| &image.uid).any(|uid| *uid == instance) {
            let found = "it is that of an image of the source";
            findings.error(tags::SOP_INSTANCE_UID, found, "a new identifier", AGAIN);
        }
        for tag in [
            tags::PATIENT_ID,
            tags::PATIENT_NAME,
            tags::STUDY_INSTANCE_UID,
        ] {
            if raw::bytes(set, tag).as_deref().map(trimmed)
                != raw::bytes(source.head(), tag).as_deref().map(trimmed)
            {
                let remedy = "choose the series that it was made from, or write it again";
                findings.error(tag, "it differs from the source's", "the source's", remedy);
            }
        }
        if own(tags::SERIES_INSTANCE_UID) == raw::text(source.head(), tags::SERIES_INSTANCE_UID) {
            let found = "it is that of the source's series";
            findings.error(
                tags::SERIES_INSTANCE_UID,
                found,
                "a series of its own",
                AGAIN,
            );
        }
        let frame = own(tags::FRAME_OF_REFERENCE_UID);
        if frame.is_some() && frame != raw::text(source.head(), tags::FRAME_OF_REFERENCE_UID) {
            let found = "it is not that of the source";
            let remedy = "choose the series that it was made from, or write it again";
            findings.error(tags::FRAME_OF_REFERENCE_UID, found, "the source's", remedy);
        }
    }
    for other in subject.related {
        if raw::text(other, tags::SOP_INSTANCE_UID).as_deref() == Some(&instance) {
            let found = "another object has it, too";
            findings.error(tags::SOP_INSTANCE_UID, found, "a new identifier", AGAIN);
        }
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| !matches!(b, b' ' | 0));
    &bytes[..end.map_or(0, |end| end + 1)]
}

/// The file meta information says the same as the data set.
fn meta(subject: &Subject, findings: &mut Findings) {
    let [class, instance, _] = &subject.content.meta;
    for (tag, of_meta) in [
        (tags::SOP_CLASS_UID, class),
        (tags::SOP_INSTANCE_UID, instance),
    ] {
        let own = raw::text(&subject.content.set, tag).unwrap_or_default();
        if own != *of_meta {
            let found = "the file meta information has another";
            findings.error(tag, found, "the same in both", AGAIN);
        }
    }
}

/// Identifiers have at most 64 digits and dots, and no part begins with 0 (PS3.5 9.1).
fn identifiers(set: &InMemDicomObject, findings: &mut Findings) {
    for element in set {
        if let Some(items) = element.items() {
            items.iter().for_each(|item| identifiers(item, findings));
        } else if element.vr() == VR::UI {
            let text = raw::text(set, element.tag()).unwrap_or_default();
            if text.split('\\').any(|uid| !uid.is_empty() && !is_uid(uid)) {
                findings.error(
                    element.tag(),
                    "it is no identifier",
                    "at most 64 digits and dots, no part with a leading 0",
                    AGAIN,
                );
            }
        }
    }
}

fn is_uid(uid: &str) -> bool {
    let part = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits && (part == "0" || !part.starts_with('0'))
    };
    uid.len() <= 64 && uid.split('.').all(part)
}

/// The class and instance pairs of a sequence of references, wherever it is nested in a sequence of series.
pub(super) fn instances(series: &[InMemDicomObject], sequence: Tag) -> Vec<String> {
    let items = series.iter().flat_map(|item| raw::items(item, sequence));
    items
        .filter_map(|item| raw::text(item, tags::REFERENCED_SOP_INSTANCE_UID))
        .collect()
}

/// The length that pixels must have, bytes.
pub(super) fn pixel_length(set: &InMemDicomObject) -> Option<u64> {
    let word = |tag| raw::words(set, tag).first().copied().map(u64::from);
    let frames = raw::numbers::<1>(set, tags::NUMBER_OF_FRAMES).map_or(1.0, |[n]| n);
    let bits = [
        word(tags::ROWS)?,
        word(tags::COLUMNS)?,
        word(tags::SAMPLES_PER_PIXEL)?,
        word(tags::BITS_ALLOCATED)?,
        frames.max(0.0) as u64,
    ];
    let bits = bits.into_iter().try_fold(1u64, u64::checked_mul)?;
    Some(bits.div_ceil(8).next_multiple_of(2))
}

/// Whether pixels that are not compressed have the length that the header says.
pub(super) fn pixels(subject: &Subject, findings: &mut Findings) {
    let length = subject.content.length.map(|length| length.get());
    match (length, pixel_length(&subject.content.set)) {
        (None, _) => findings.error(tags::PIXEL_DATA, "there is none", "pixels", AGAIN),
        (Some(Some(found)), Some(wanted)) if u64::from(found) != wanted => findings.error(
            tags::PIXEL_DATA,
            format!("it has {found} bytes"),
            &format!("{wanted} bytes, as Rows, Columns, NumberOfFrames and BitsAllocated say"),
            "write the object again: frames of 1 bit follow each other without padding",
        ),
        _ => {}
    }
}

/// A secondary capture.
pub(super) fn picture(subject: &Subject, findings: &mut Findings) {
    pixels(subject, findings);
    if raw::text(&subject.content.set, tags::BURNED_IN_ANNOTATION).is_none() {
        findings.warning(
            tags::BURNED_IN_ANNOTATION,
            "it is absent",
            "YES or NO",
            "say whether text is drawn into the picture; what removes names depends on it",
        );
    }
}
