//! RTSTRUCT: contours to labels.

use crate::dicom_writer::{element, save, sequence};
use std::path::PathBuf;
use vesalius_io::{
    Error, OutsideContours, StructureOptions, StructureSet, convert_structures, list_series,
    read_structures,
};
use vesalius_volume::{Geometry, LabelMap, Warning};

/// Name, then contours by kind, points LPS.
type Drawn<'a> = (&'a str, Vec<(&'a str, String)>);

fn square(low: f64, high: f64, z: f64) -> String {
    format!("{low}\\{low}\\{z}\\{high}\\{low}\\{z}\\{high}\\{high}\\{z}\\{low}\\{high}\\{z}")
}

fn file(structures: &[Drawn], frame: &str) -> Vec<u8> {
    let items = |make: &dyn Fn(usize, &Drawn) -> Vec<u8>| -> Vec<Vec<u8>> {
        structures
            .iter()
            .enumerate()
            .map(|(i, s)| make(i, s))
            .collect()
    };
    let names = items(&|i, (name, _)| {
        [
            element(0x3006_0022, b"IS", format!("{}", 10 - i).as_bytes()),
            element(0x3006_0026, b"LO", name.as_bytes()),
        ]
        .concat()
    });
    let contours = items(&|i, (_, contours)| {
        let each = contours.iter().map(|(kind, points)| {
            let count = (points.matches('\\').count() + 1) / 3;
            [
                element(0x3006_0042, b"CS", kind.as_bytes()),
                element(0x3006_0046, b"IS", count.to_string().as_bytes()),
                element(0x3006_0050, b"DS", points.as_bytes()),
            ]
            .concat()
        });
        [
            element(0x3006_002A, b"IS", b"255\\0\\10"),
            sequence(0x3006_0040, &each.collect::<Vec<_>>()),
            element(0x3006_0084, b"IS", format!("{}", 10 - i).as_bytes()),
        ]
        .concat()
    });
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0"));
    bytes.extend(element(0x0008_0060, b"CS", b"RTSTRUCT"));
    bytes.extend(element(0x0020_0052, b"UI", frame.as_bytes()));
    bytes.extend(element(0x3006_0002, b"SH", b"plan"));
    bytes.extend(sequence(0x3006_0020, &names));
    bytes.extend(sequence(0x3006_0039, &contours));
    bytes
}

fn saved(structures: &[Drawn]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "rs.dcm", &file(structures, "1.2.9"));
    (folder, path)
}

fn set(structures: &[Drawn]) -> StructureSet {
    read_structures(saved(structures).1).unwrap()
}

/// 20 × 20 × 4 voxels of 1 × 1 × 2 mm, LPS indices equal to millimetres.
fn grid() -> Geometry {
    let affine = vesalius_volume::Affine::from_linear(
        [[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 2.0]],
        [0.0; 3],
    );
    Geometry::new([20, 20, 4], affine.unwrap()).unwrap()
}

fn in_slices(labels: &LabelMap<u16>) -> Vec<usize> {
    let slices = labels.data().chunks_exact(400);
    slices
        .map(|slice| slice.iter().filter(|v| **v > 0).count())
        .collect()
}

#[test]
fn contours_become_labels_with_names_and_colours() {
    let closed = "CLOSED_PLANAR";
    let set = set(&[
        (
            "Liver",
            vec![
                (closed, square(2.5, 8.5, 2.0)),
                (closed, square(2.5, 8.5, 4.0)),
            ],
        ),
        (
            "Kidney",
            vec![
                (closed, square(9.5, 19.5, 2.0)),
                ("CLOSEDPLANAR_XOR", square(11.5, 15.5, 2.0)),
            ],
        ),
        ("Empty", vec![]),
    ]);
    assert_eq!(
        (set.label.as_str(), set.frame_of_reference.as_str()),
        ("plan", "1.2.9")
    );
    let (labels, names) = set
        .label_map(&grid(), &StructureOptions::default())
        .unwrap();
    assert_eq!(
        labels.counts().into_iter().collect::<Vec<_>>(),
        [(0, 1444), (1, 72), (2, 84)]
    );
    assert_eq!(
        names
            .iter()
            .map(|n| (n.value, n.name.as_str()))
            .collect::<Vec<_>>(),
        [(1, "Liver"), (2, "Kidney")]
    );
    assert_eq!(names[0].color, [255, 0, 10]);
    assert_eq!(labels.warnings(), []);
    let kidney = StructureOptions {
        names: vec!["kidney".into()],
        ..Default::default()
    };
    let (labels, _) = set.label_map(&grid(), &kidney).unwrap();
    assert_eq!(in_slices(&labels), [0, 84, 0, 0]);
}

#[test]
fn a_contour_between_slices_goes_to_the_nearest_and_slices_between_contours_stay_empty() {
    let closed = "CLOSED_PLANAR";
    let drawn = |heights: &[f64]| {
        let contours = heights
            .iter()
            .map(|z| (closed, square(2.5, 8.5, *z)))
            .collect();
        set(&[("a", contours)])
            .label_map(&grid(), &StructureOptions::default())
            .unwrap()
            .0
    };
    assert_eq!(in_slices(&drawn(&[4.9])), [0, 0, 36, 0]);
    assert_eq!(in_slices(&drawn(&[0.0, 6.0])), [36, 0, 0, 36]);
    // Planes every millimetre on slices of two: only the nearest of a slice counts, or they would cancel.
    let dense = drawn(&[0.0, 1.2, 2.0, 2.8]);
    assert_eq!(in_slices(&dense), [36, 36, 0, 0]);
    assert!(
        matches!(
            dense.warnings(),
            [Warning::ContoursLeftOut { count: 2, .. }]
        ),
        "{:?}",
        dense.warnings()
    );
}

#[test]
fn what_encloses_no_area_is_left_out_and_told() {
    let set = set(&[(
        "a",
        vec![
            ("CLOSED_PLANAR", square(2.5, 8.5, 2.0)),
            ("CLOSED_PLANAR", square(2.5, 8.5, 2.0)),
            ("POINT", "1\\1\\2".into()),
            ("OPEN_PLANAR", square(2.5, 8.5, 2.0)),
            ("CLOSED_PLANAR", "1\\1\\2\\3\\3\\2".into()),
        ],
    )]);
    let (labels, _) = set
        .label_map(&grid(), &StructureOptions::default())
        .unwrap();
    assert_eq!(in_slices(&labels), [0, 36, 0, 0]);
    assert_eq!(labels.warnings().len(), 4);
    let text: Vec<String> = labels.warnings().iter().map(ToString::to_string).collect();
    assert!(text.iter().any(|t| t.contains("exact copy")), "{text:?}");
}

#[test]
fn what_cannot_be_placed_is_refused_by_name() {
    let refused = |structures: &[Drawn], options: &StructureOptions, needle: &str| {
        let error = set(structures)
            .label_map(&grid(), options)
            .unwrap_err()
            .to_string();
        assert!(error.contains(needle), "{error}");
    };
    let closed = "CLOSED_PLANAR";
    let one = |points: String| vec![("a", vec![(closed, points)])];
    let usual = StructureOptions::default();
    refused(
        &one(square(1.0, 5.0, 9.0)),
        &usual,
        "OutsideContours::LeaveOut",
    );
    refused(
        &one("1\\1\\0\\5\\1\\3\\5\\5\\6".into()),
        &usual,
        "not in the plane",
    );
    let overlapping = [
        ("a", vec![(closed, square(1.0, 5.0, 2.0))]),
        ("b", vec![(closed, square(3.0, 9.0, 2.0))]),
    ];
    refused(&overlapping, &usual, "structures `a` and `b`");
    let named = StructureOptions {
        names: vec!["spleen".into()],
        ..Default::default()
    };
    refused(&overlapping, &named, "one of a, b");
    let left_out = StructureOptions {
        outside: OutsideContours::LeaveOut,
        ..Default::default()
    };
    let (labels, _) = set(&one(square(1.0, 5.0, 9.0)))
        .label_map(&grid(), &left_out)
        .unwrap();
    assert_eq!(labels.warnings().len(), 1);
}

#[test]
fn contours_that_lie_are_refused_by_name() {
    let closed = "CLOSED_PLANAR";
    for (points, needle) in [
        ("1\\1\\nan\\3\\3\\2\\3\\1\\2", "finite coordinates"),
        ("1\\1\\x\\3\\3\\2\\3\\1\\2", "finite coordinates"),
        ("1\\1\\2\\3\\3\\2\\3\\1", "three numbers a point"),
        ("1e300\\1\\2\\3\\3\\2\\3\\1\\2", "finite coordinates"),
    ] {
        let (_folder, path) = saved(&[("a", vec![(closed, points.into())])]);
        let error = read_structures(path).unwrap_err().to_string();
        assert!(
            error.contains(needle) && error.contains("ContourData of `a`"),
            "{error}"
        );
    }
    // Contours of a structure that has no name, and a file without any.
    let mut bytes = file(&[("a", vec![(closed, square(1.0, 2.0, 0.0))])], "1.2.9");
    let reference = element(0x3006_0084, b"IS", b"10");
    let at = bytes
        .windows(reference.len())
        .position(|w| w == reference)
        .unwrap();
    bytes[at + 9] = b'7';
    let folder = tempfile::tempdir().unwrap();
    let error = read_structures(save(folder.path(), "a.dcm", &bytes)).unwrap_err();
    assert!(error.to_string().contains("ReferencedROINumber"), "{error}");
    let slice = crate::dicom_writer::slice(0.0, [0; 6], &[]);
    let error = read_structures(save(folder.path(), "b.dcm", &slice)).unwrap_err();
    assert!(
        error.to_string().contains("StructureSetROISequence"),
        "{error}"
    );
}

#[test]
fn ten_million_points_are_refused_before_they_are_read() {
    let points = "1.5\\2.5\\3\\".repeat(10_000_000);
    let mut body = element(0x3006_0042, b"CS", b"CLOSED_PLANAR");
    body.extend([0x06, 0x30, 0x50, 0x00]);
    body.extend(b"UN\0\0");
    body.extend((points.len() as u32).to_le_bytes());
    body.extend(points.as_bytes());
    let contours = sequence(0x3006_0040, &[body]);
    let roi = [contours, element(0x3006_0084, b"IS", b"1 ")].concat();
    let name = [
        element(0x3006_0022, b"IS", b"1"),
        element(0x3006_0026, b"LO", b"a"),
    ]
    .concat();
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0"));
    bytes.extend(sequence(0x3006_0020, &[name]));
    bytes.extend(sequence(0x3006_0039, &[roi]));
    let folder = tempfile::tempdir().unwrap();
    let error = read_structures(save(folder.path(), "a.dcm", &bytes)).unwrap_err();
    assert!(
        matches!(error, Error::Header { .. }) && error.to_string().contains("points"),
        "{error}"
    );
}

#[test]
fn contours_are_filled_from_file_to_file_on_the_series_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let slices = folder.path().join("study");
    std::fs::create_dir(&slices).unwrap();
    for (uid, spacing) in [("1.2.3", 3.0), ("1.2.4", 1.0)] {
        for z in 0..3 {
            let changes = [(0x0020_000E, b"UI", uid.as_bytes())];
            let bytes = crate::dicom_writer::slice(f64::from(z) * spacing, [0; 6], &changes);
            save(&slices, &format!("{uid}_{z}.dcm"), &bytes);
        }
    }
    let points = "-10.1\\-20.1\\3\\-9.6\\-20.1\\3\\-9.6\\-19.4\\3\\-10.1\\-19.4\\3";
    let mut bytes = file(&[("a b", vec![("CLOSED_PLANAR", points.into())])], "1.2.9");
    let series = sequence(0x3006_0014, &[element(0x0020_000E, b"UI", b"1.2.3")]);
    let studies = sequence(0x3006_0012, &[series]);
    let frames = sequence(0x3006_0010, &[studies]);
    let at = bytes
        .windows(4)
        .position(|w| w == [0x06, 0x30, 0x20, 0x00])
        .unwrap();
    bytes.splice(at..at, frames);
    let rs = save(folder.path(), "rs.dcm", &bytes);
    assert!(matches!(
        vesalius_io::read(&rs),
        Err(Error::Contours { .. })
    ));
    let output = folder.path().join("labels.nrrd");
    let (names, warnings) = convert_structures(&rs, &slices, &output, &Default::default()).unwrap();
    assert_eq!((names.len(), warnings.len()), (1, 0));
    let labels = vesalius_io::read_labels(&output).unwrap();
    assert_eq!(
        (labels.geometry().spacing()[2], labels.counts()[&1]),
        (3.0, 4)
    );
    assert_eq!(vesalius_io::probe(&output).unwrap().labels[0].name, "a b");
}

#[test]
fn the_series_must_be_in_the_frame_of_reference_of_the_contours() {
    let folder = tempfile::tempdir().unwrap();
    for z in 0..3 {
        let bytes = crate::dicom_writer::slice(f64::from(z) * 3.0, [0; 6], &[]);
        save(folder.path(), &format!("{z}.dcm"), &bytes);
    }
    let series = &list_series(folder.path()).unwrap().series[0];
    // The slices begin at -10, -20: voxels of 0.25 × 0.5 mm.
    let points = "-10.1\\-20.1\\3\\-9.6\\-20.1\\3\\-9.6\\-19.4\\3\\-10.1\\-19.4\\3";
    let drawn: [Drawn; 1] = [("a", vec![("CLOSED_PLANAR", points.into())])];
    let (labels, _) = set(&drawn)
        .label_map_on(series, &StructureOptions::default())
        .unwrap();
    assert_eq!(labels.counts()[&1], 4);
    assert_eq!(labels.get([0, 0, 1]), 1);
    let path = save(folder.path(), "other.rs", &file(&drawn, "1.2.10"));
    let error = read_structures(path)
        .unwrap()
        .label_map_on(series, &StructureOptions::default());
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("FrameOfReferenceUID")
    );
}
