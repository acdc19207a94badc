//! Checks of objects: what the writers make has no findings, and each change of it is found.

use crate::made::{Made, orientations};
use crate::seg::{labels, open, three};
use crate::series::image;
use dicom_core::header::Length;
use dicom_core::ops::{ApplyOp, AttributeAction, AttributeOp, AttributeSelector};
use dicom_core::value::{DataSetSequence, PrimitiveValue};
use dicom_core::{DataElement, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::path::{Path, PathBuf};
use vesalius_dicom::{
    Finding, ObjectCheck, PictureWriter, ReportClass, ReportWriter, RgbPicture, RtStructWriter,
    SegKind, SegWriter, Segment, Severity, check_object,
};
use vesalius_io::Series;
use vesalius_volume::LabelMap;

/// Objects of one series.
struct Objects {
    folder: tempfile::TempDir,
    series: Series,
}

impl Objects {
    fn of(made: &Made) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let series = made.series(folder.path());
        let map = labels(*image(&series).geometry());
        let at = |name: &str| folder.path().join(name);
        // Structures that have codes.
        let mut segments = three();
        segments[2] = Segment::named(3, "spleen");
        let seg = SegWriter::new(&series).unwrap().segments(segments.clone());
        let written = seg.write(&map, at("seg")).unwrap();
        let kind = |kind| seg.clone().kind(kind);
        kind(SegKind::LabelMap).write(&map, at("labelmap")).unwrap();
        let report = ReportWriter::new(&series, &written).unwrap();
        let measured = report.measure(&map, Some(&image(&series))).unwrap();
        report.write(&measured, at("sr")).unwrap();
        let space = report.class(ReportClass::Comprehensive3d);
        space.write(&measured, at("sr3d")).unwrap();
        let contours = RtStructWriter::new(&series).unwrap().segments(segments);
        contours.write(&map, at("rs")).unwrap();
        let picture = RgbPicture::new([3, 3], &[7; 27]).unwrap();
        let writer = PictureWriter::new(&series).unwrap();
        writer.write(picture, at("picture")).unwrap();
        Self { folder, series }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn check(&self, path: &Path) -> Vec<Finding> {
        let check = ObjectCheck::default().source(&self.series).unwrap();
        check.related(self.at("seg")).unwrap().check(path).unwrap()
    }

    /// What is found in a copy with a change.
    fn changed(&self, name: &str, change: impl FnOnce(&mut InMemDicomObject)) -> Vec<Finding> {
        let mut set = open(&self.at(name));
        change(&mut set);
        let path = self.at("changed");
        set.write_to_file(&path).unwrap();
        self.check(&path)
    }
}

fn set(at: impl Into<AttributeSelector>, text: &str) -> AttributeOp {
    AttributeOp::new(at, AttributeAction::SetStr(text.to_owned().into()))
}

fn number(at: impl Into<AttributeSelector>, value: u16) -> AttributeOp {
    AttributeOp::new(at, AttributeAction::Set(PrimitiveValue::from(value)))
}

fn remove(at: impl Into<AttributeSelector>) -> AttributeOp {
    AttributeOp::new(at, AttributeAction::Remove)
}

fn assert_found(findings: &[Finding], attribute: &str, word: &str) {
    let found = findings
        .iter()
        .any(|finding| finding.attribute.starts_with(attribute) && finding.found.contains(word));
    assert!(found, "{attribute}, {word}: {findings:#?}");
}

#[test]
fn objects_of_the_writers_have_no_findings() {
    for (name, made) in orientations() {
        let objects = Objects::of(&made);
        for file in ["labelmap", "sr", "sr3d", "rs", "picture"] {
            assert_eq!(objects.check(&objects.at(file)), [], "{file} of {name}");
            assert_eq!(
                check_object(objects.at(file)).unwrap(),
                [],
                "{file} of {name}"
            );
        }
        let check = ObjectCheck::default().source(&objects.series).unwrap();
        assert_eq!(check.check(objects.at("seg")).unwrap(), [], "{name}");
    }
}

#[test]
fn changes_of_a_segmentation_are_found() {
    let objects = Objects::of(&Made::default());
    let frames = tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE;
    let image = |frame| {
        (
            frames,
            frame,
            tags::DERIVATION_IMAGE_SEQUENCE,
            0,
            tags::SOURCE_IMAGE_SEQUENCE,
        )
    };
    let position = (
        frames,
        1,
        tags::PLANE_POSITION_SEQUENCE,
        0,
        tags::IMAGE_POSITION_PATIENT,
    );
    let segment = (
        frames,
        2,
        tags::SEGMENT_IDENTIFICATION_SEQUENCE,
        0,
        tags::REFERENCED_SEGMENT_NUMBER,
    );
    let index = (
        frames,
        0,
        tags::FRAME_CONTENT_SEQUENCE,
        0,
        tags::DIMENSION_INDEX_VALUES,
    );
    let scheme = (
        tags::SEGMENT_SEQUENCE,
        1,
        tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
        0,
        tags::CODING_SCHEME_DESIGNATOR,
    );
    let spacing = (
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
        0,
        tags::PIXEL_MEASURES_SEQUENCE,
        0,
        tags::PIXEL_SPACING,
    );
    for (change, attribute, word) in [
        (
            remove(tags::FRAME_OF_REFERENCE_UID),
            "FrameOfReferenceUID",
            "absent",
        ),
        (
            set(tags::FRAME_OF_REFERENCE_UID, "1.2.9"),
            "FrameOfReferenceUID",
            "not that",
        ),
        (set(tags::NUMBER_OF_FRAMES, "99"), "NumberOfFrames", "99"),
        (set(tags::NUMBER_OF_FRAMES, "99"), "PixelData", "bytes"),
        (
            set(tags::SEGMENTATION_TYPE, "FRACTIONAL"),
            "BitsAllocated",
            "1 bits",
        ),
        (
            number((tags::SEGMENT_SEQUENCE, 0, tags::SEGMENT_NUMBER), 7),
            "SegmentNumber",
            "7",
        ),
        (number(segment, 44), "ReferencedSegmentNumber", "frame 3"),
        (remove(image(0)), "SourceImageSequence", "frame 1"),
        (
            set(position, "1\\2\\3"),
            "ImagePositionPatient",
            "mm from the image of frame 2",
        ),
        (
            remove((frames, 1, tags::PLANE_POSITION_SEQUENCE)),
            "PlanePositionSequence",
            "frame 2",
        ),
        (number(index, 0), "DimensionIndexValues", "frame 1"),
        (
            remove(tags::REFERENCED_SERIES_SEQUENCE),
            "ReferencedInstanceSequence",
            "lacks",
        ),
        (
            set(scheme, "99MINE"),
            "SegmentedPropertyTypeCodeSequence",
            "private",
        ),
        (
            set(scheme, "SRT"),
            "SegmentedPropertyTypeCodeSequence",
            "retired",
        ),
        (set(spacing, "0.7\\0.9"), "PixelSpacing", "differs"),
        (number(tags::ROWS, 6), "Rows", "columns and rows"),
        (
            remove((tags::SEGMENT_SEQUENCE, 0, tags::TRACKING_UID)),
            "TrackingUID",
            "segment 1",
        ),
        (set(tags::PATIENT_ID, "P9"), "PatientID", "differs"),
        (
            set(tags::STUDY_INSTANCE_UID, "1.2.4"),
            "StudyInstanceUID",
            "differs",
        ),
        (
            set(tags::SOP_INSTANCE_UID, "1.2.3.4.1"),
            "SOPInstanceUID",
            "image of the source",
        ),
        (
            set(tags::SERIES_INSTANCE_UID, "1.2.3.4"),
            "SeriesInstanceUID",
            "source's series",
        ),
        (
            set(tags::SERIES_INSTANCE_UID, "1.02.x"),
            "SeriesInstanceUID",
            "no identifier",
        ),
        (
            set(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 999"),
            "SpecificCharacterSet",
            "ISO_IR 999",
        ),
    ] {
        let what = format!("{change:?}");
        let findings = objects.changed("seg", |set| set.apply(change).expect(&what));
        assert_found(&findings, attribute, word);
    }
    // A reference to an image that the source lacks.
    let uid = "1.2.3.4.99";
    let findings = objects.changed("seg", |set| {
        let path = (
            frames,
            0,
            tags::DERIVATION_IMAGE_SEQUENCE,
            0,
            tags::SOURCE_IMAGE_SEQUENCE,
            0,
            tags::REFERENCED_SOP_INSTANCE_UID,
        );
        let steps: Vec<dicom_core::ops::AttributeSelectorStep> = vec![
            (path.0, path.1).into(),
            (path.2, path.3).into(),
            (path.4, path.5).into(),
            path.6.into(),
        ];
        let selector = AttributeSelector::new(steps).unwrap();
        set.apply(AttributeOp::new(
            selector,
            AttributeAction::SetStr(uid.into()),
        ))
        .unwrap();
    });
    assert_found(&findings, "ReferencedSOPInstanceUID", "frame 1");
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity == Severity::Error)
    );
    let sentence = findings[0].to_string();
    assert!(
        sentence.contains("expected") && sentence.starts_with("error: "),
        "{sentence}"
    );
}

#[test]
fn values_that_are_no_segment_are_found_in_a_label_map() {
    let objects = Objects::of(&Made::default());
    let findings = objects.changed("labelmap", |set| {
        let kept = set
            .take(tags::SEGMENT_SEQUENCE)
            .unwrap()
            .into_value()
            .into_items()
            .unwrap();
        let fewer: Vec<InMemDicomObject> = kept.into_iter().take(3).collect();
        set.put(DataElement::new(
            tags::SEGMENT_SEQUENCE,
            VR::SQ,
            DataSetSequence::new(fewer, Length::UNDEFINED),
        ));
    });
    assert_found(&findings, "PixelData", "the value 3");
}

#[test]
fn changes_of_contours_are_found() {
    let objects = Objects::of(&Made::default());
    let contour = |tag| {
        let steps: Vec<dicom_core::ops::AttributeSelectorStep> = vec![
            (tags::ROI_CONTOUR_SEQUENCE, 0).into(),
            (tags::CONTOUR_SEQUENCE, 0).into(),
            Tag::into(tag),
        ];
        AttributeSelector::new(steps).unwrap()
    };
    for (change, attribute, word) in [
        (
            set(
                (tags::ROI_CONTOUR_SEQUENCE, 0, tags::REFERENCED_ROI_NUMBER),
                "9",
            ),
            "ROIContourSequence",
            "does not exist",
        ),
        (
            set((tags::STRUCTURE_SET_ROI_SEQUENCE, 0, tags::ROI_NUMBER), "2"),
            "ROINumber",
            "same number",
        ),
        (
            set(contour(tags::NUMBER_OF_CONTOUR_POINTS), "5"),
            "NumberOfContourPoints",
            "contour 1",
        ),
        (
            set(
                contour(tags::CONTOUR_DATA),
                "0\\0\\0\\1\\0\\0\\1\\1\\0\\0\\1\\0",
            ),
            "ContourData",
            "mm from the plane",
        ),
        (
            remove(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE),
            "ReferencedFrameOfReferenceUID",
            "not described",
        ),
        (
            remove(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE),
            "ContourImageSequence",
            "lacks",
        ),
    ] {
        let findings = objects.changed("rs", |set| set.apply(change).unwrap());
        assert_found(&findings, attribute, word);
    }
}

#[test]
fn changes_of_a_report_are_found() {
    let objects = Objects::of(&Made::default());
    let evidence = remove(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE);
    let findings = objects.changed("sr", |set| set.apply(evidence).unwrap());
    assert_found(
        &findings,
        "CurrentRequestedProcedureEvidenceSequence",
        "lacks",
    );
    // Of another segmentation of the same series, whose segments have other identifiers.
    let map = LabelMap::<u16>::from_fn(*image(&objects.series).geometry(), |[x, ..]| {
        u16::from(x > 3)
    });
    let seg = SegWriter::new(&objects.series).unwrap();
    let seg = seg.segments([Segment::named(1, "liver")]);
    seg.write(&map, objects.at("other")).unwrap();
    let check = ObjectCheck::default().related(objects.at("other")).unwrap();
    assert_found(
        &check.check(objects.at("sr")).unwrap(),
        "ReferencedSOPInstanceUID",
        "neither",
    );
    // The measured series is no CT.
    let text = std::fs::read(objects.at("sr")).unwrap();
    assert!(
        text.windows(6).any(|part| part == b"110852"),
        "MR signal intensity"
    );
}

#[test]
fn an_object_of_another_kind_and_a_file_that_is_none_are_errors() {
    let objects = Objects::of(&Made::default());
    let image = objects.series.files[0].clone();
    let refused = check_object(image).unwrap_err().to_string();
    assert!(refused.contains("none that is checked"), "{refused}");
    let path = objects.at("text");
    std::fs::write(&path, "no DICOM").unwrap();
    assert!(check_object(path).is_err());
}
