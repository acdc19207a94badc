//! Structured reports: what is measured, tied to the segmentation; what is not known is left out.

use crate::made::Made;
use crate::seg::{items, labels, open, text, three};
use crate::series::image;
use dicom_object::InMemDicomObject;
use vesalius_dicom::{Error, Intensity, Measurements, ReportWriter, SegWriter};
use vesalius_volume::Warning;

const INTENSITY: Intensity = Intensity {
    mean: 1.5,
    deviation: Some(0.5),
    median: 1.0,
    minimum: -2.0,
    maximum: 9.0,
    not_finite: 0,
};

/// The items of one kind in the tree, by the code of their name.
fn named<'s>(set: &'s InMemDicomObject, code: &str, found: &mut Vec<&'s InMemDicomObject>) {
    let Some(content) = set.get(dicom_core::Tag(0x0040, 0xA730)) else {
        return;
    };
    for item in content.items().unwrap() {
        // An image that a place was chosen on has no name.
        let name = item.get(dicom_core::Tag(0x0040, 0xA043));
        if name.is_some_and(|name| text(&name.items().unwrap()[0], 0x0008, 0x0100) == code) {
            found.push(item);
        }
        named(item, code, found);
    }
}

pub fn all<'s>(set: &'s InMemDicomObject, code: &str) -> Vec<&'s InMemDicomObject> {
    let mut found = Vec::new();
    named(set, code, &mut found);
    found
}

#[test]
fn numbers_have_units_by_modality_and_what_is_not_finite_is_left_out() {
    for (modality, name, unit) in [
        ("CT", "112031", "[hnsf'U]"),
        ("MR", "110852", "1"),
        ("PT", "", ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let series = Made {
            modality,
            ..Made::default()
        }
        .series(folder.path());
        let map = labels(*image(&series).geometry());
        let seg = SegWriter::new(&series)
            .unwrap()
            .segments(three())
            .write(&map, folder.path().join("seg"))
            .unwrap();
        let writer = ReportWriter::new(&series, &seg).unwrap();
        let nan = Intensity {
            deviation: Some(f64::NAN),
            ..INTENSITY
        };
        let measured = [
            Measurements {
                segment: 1,
                volume: Some(12.25),
                intensity: Some(INTENSITY),
                ..Measurements::default()
            },
            Measurements {
                segment: 2,
                volume: Some(f64::NAN),
                intensity: Some(nan),
                ..Measurements::default()
            },
        ];
        let written = writer.write(&measured, folder.path().join("sr")).unwrap();
        let set = open(written.path.as_ref().unwrap());
        let volumes = all(&set, "118565006");
        assert_eq!(volumes.len(), 1, "NaN is left out, not written as 0");
        assert_eq!(
            text(&items(volumes[0], 0x0040, 0xA300)[0], 0x0040, 0xA30A),
            "12.25"
        );
        assert!(written.warnings.iter().any(|w| matches!(w, Warning::MeasurementLeftOut { what, .. } if what.contains("volume of segment 2"))));
        if name.is_empty() {
            // A PET image that does not say its unit.
            assert!(
                written
                    .warnings
                    .iter()
                    .any(|w| w.to_string().contains("unit"))
            );
            continue;
        }
        let values = all(&set, name);
        assert_eq!(values.len(), 5 + 4);
        let measured = &items(values[0], 0x0040, 0xA300)[0];
        assert_eq!(
            text(&items(measured, 0x0040, 0x08EA)[0], 0x0008, 0x0100),
            unit
        );
        // Each group has its segment, by the identifiers that the segmentation has.
        let tracking: Vec<String> = all(&set, "112040")
            .iter()
            .map(|item| text(item, 0x0040, 0xA124))
            .collect();
        let wanted: Vec<String> = seg
            .segments
            .iter()
            .take(2)
            .map(|(_, s)| s.tracking.clone().unwrap().1)
            .collect();
        assert_eq!(tracking, wanted);
        let referenced = &items(all(&set, "121191")[1], 0x0008, 0x1199)[0];
        assert_eq!(text(referenced, 0x0008, 0x1155), seg.instance_uid);
    }
}

#[test]
fn a_report_without_a_segment_or_over_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let map = labels(*image(&series).geometry());
    let seg = SegWriter::new(&series)
        .unwrap()
        .segments(three())
        .write(&map, folder.path().join("seg"))
        .unwrap();
    let writer = ReportWriter::new(&series, &seg).unwrap();
    let file = folder.path().join("sr");
    let of = |segment| Measurements {
        volume: Some(1.0),
        ..Measurements::of(segment)
    };
    let nothing = [Measurements::of(1), Measurements::of(2)];
    assert!(matches!(
        writer.write(&nothing, &file),
        Err(Error::Segments(_))
    ));
    assert!(matches!(
        writer.write(&[of(9)], &file),
        Err(Error::Segments(_))
    ));
    assert!(matches!(writer.write(&[], &file), Err(Error::Segments(_))));
    assert!(!file.exists());
    writer.write(&[of(1)], &file).unwrap();
    assert!(matches!(
        writer.write(&[of(1)], &file),
        Err(Error::Exists { .. })
    ));
}
