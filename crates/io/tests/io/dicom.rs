//! DICOM from end to end: series are listed, chosen and refused by name, and a file that lies is
//! that file's error, never a panic or a large allocation.

use crate::dicom_writer::{directory, save, slice};
use vesalius_io::{
    DicomOptions, Error, OnWarning, ReadOptions, SliceProblem, UnevenSlices, describe, list_series,
    probe, read, read_as, read_as_with, read_bytes,
};
use vesalius_volume::Warning;

#[test]
fn slices_are_sorted_by_position_and_scaled_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // File names against the order of positions, and a slope of its own for one slice.
    save(
        at,
        "a",
        &slice(6.0, [3; 6], &[(0x0028_1053, b"DS", b"0.5")]),
    );
    save(
        at,
        "b",
        &slice(0.0, [1, 2, 3, 4, 5, -6], &[(0x0028_1052, b"DS", b"-1000")]),
    );
    save(at, "c", &slice(3.0, [2; 6], &[]));
    save(at, "notes.txt", b"not an image");
    let volume = read(at).unwrap();
    assert_eq!(volume.geometry().size(), [3, 2, 3]);
    assert_eq!(
        volume.data()[..7],
        [-999.0, -998.0, -997.0, -996.0, -995.0, -1006.0, 2.0]
    );
    assert_eq!(volume.data()[12..], [1.5; 6]);
    let rows = volume.geometry().affine().rows();
    assert_eq!(rows[0], [-0.25, 0.0, 0.0, 10.0]);
    assert_eq!(rows[1], [0.0, -0.5, 0.0, 20.0]);
    assert_eq!(rows[2], [0.0, 0.0, 3.0, 0.0]);
    assert_eq!(probe(at).unwrap().metadata["PatientName"], "Doe^Jane");
    let half = read_as::<i16>(at).unwrap_err();
    assert!(
        matches!(&half, Error::Value { value, .. } if value == "1.5"),
        "{half}"
    );
}

#[test]
fn one_slice_of_a_series_is_told_and_a_lone_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let of = |warnings: &[Warning]| {
        let mut told = warnings.iter();
        told.find_map(|warning| match warning {
            Warning::OneSliceOfSeries { folder } => Some(folder.clone()),
            _ => None,
        })
    };
    let told = |path: &std::path::Path| of(read(path).unwrap().warnings());
    save(at, "a", &slice(0.0, [1; 6], &[]));
    let other: &[(u32, &[u8; 2], &[u8])] = &[(0x0020_000E, b"UI", b"1.2.4")];
    save(at, "b", &slice(3.0, [1; 6], other));
    save(at, "notes.txt", b"not an image");
    assert_eq!(told(&at.join("a")), None);
    save(at, "c", &slice(6.0, [2; 6], &[]));
    for alone in ["a", "c"] {
        let file = at.join(alone);
        assert_eq!(told(&file).as_deref(), Some(at));
        assert!(of(&probe(&file).unwrap().warnings).is_some());
        assert!(of(&describe(&file).unwrap()[0].warnings).is_some());
    }
    assert_eq!(told(&at.join("b")), None);
    let strict = ReadOptions {
        on_warning: OnWarning::Refuse,
        ..ReadOptions::default()
    };
    let refused = read_as_with::<f32>(at.join("a"), &strict).unwrap_err();
    assert!(matches!(refused, Error::Warned { .. }), "{refused}");
    // The bytes of one slice have no folder.
    let bytes = std::fs::read(at.join("a")).unwrap();
    let held = read_bytes(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(of(held.warnings()), None);
}

#[test]
fn several_series_are_listed_and_one_must_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("study/deep");
    std::fs::create_dir_all(&deep).unwrap();
    for z in 0..3 {
        save(
            folder.path(),
            &format!("a{z}"),
            &slice(f64::from(z), [1; 6], &[]),
        );
        let other: [(u32, &[u8; 2], &[u8]); 3] = [
            (0x0020_000E, b"UI", b"1.2.4"),
            (0x0020_0011, b"IS", b"7"),
            (0x0008_103E, b"LO", b"abdomen"),
        ];
        save(
            &deep,
            &format!("b{z}"),
            &slice(f64::from(z), [2; 6], &other),
        );
    }
    assert_eq!(list_series(folder.path()).unwrap().series.len(), 2);
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("1.2.3")
            && error.contains("abdomen")
            && error.contains("ReadOptions::series")
    );
    for name in ["1.2.4", "7", "Abdomen"] {
        let options = ReadOptions {
            series: Some(name.to_owned()),
            ..ReadOptions::default()
        };
        let volume = read_as_with::<u8>(folder.path(), &options).unwrap();
        assert_eq!(volume.data()[0], 2);
    }
    let options = ReadOptions {
        series: Some("9".to_owned()),
        ..ReadOptions::default()
    };
    let none = read_as_with::<u8>(folder.path(), &options).unwrap_err();
    assert!(matches!(none, Error::NoSuchSeries { .. }), "{none}");
    let described = describe(folder.path()).unwrap();
    let json = serde_json::to_value(&described).unwrap();
    assert_eq!(json[1]["series"]["description"], "abdomen");
    assert_eq!(json[0]["world"], "RAS");
    assert_eq!(described[0].path, folder.path());
    assert_eq!(described[1].path, deep);
}

#[test]
fn echoes_at_one_place_are_volumes_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for z in 0..2u8 {
        for echo in [b"5", b"9"] {
            let bytes = slice(z.into(), [echo[0].into(); 6], &[(0x0018_0081, b"DS", echo)]);
            save(folder.path(), &format!("{z}-{}", echo[0]), &bytes);
        }
    }
    let list = list_series(folder.path()).unwrap();
    assert_eq!(list.series.len(), 2);
    assert_eq!(list.series[1].part.as_deref(), Some("echo 2"));
    for name in ["4/echo 2", "4/EchoTime 9", "4/2"] {
        let options = ReadOptions {
            series: Some(name.to_owned()),
            ..ReadOptions::default()
        };
        let volume = read_as_with::<u8>(folder.path(), &options).unwrap();
        assert!(volume.data().iter().all(|&v| v == b'9'), "{name}");
    }
}

#[test]
fn gaps_are_errors_until_interpolation_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (z, value) in [(0.0, 0), (3.0, 10), (9.0, 40)] {
        save(folder.path(), &format!("{z}"), &slice(z, [value; 6], &[]));
    }
    let error = read(folder.path()).unwrap_err();
    let missing = |p: &SliceProblem| matches!(p, SliceProblem::Missing { count: 1, .. });
    assert!(
        matches!(&error, Error::Slices { problem, .. } if missing(problem)),
        "{error}"
    );
    let options = ReadOptions {
        dicom: DicomOptions {
            uneven_slices: UnevenSlices::Interpolate,
            ..DicomOptions::default()
        },
        ..ReadOptions::default()
    };
    let volume = read_as_with::<f32>(folder.path(), &options).unwrap();
    assert_eq!(volume.geometry().size(), [3, 2, 4]);
    let first: Vec<f32> = (0..4).map(|z| volume.get(0, [0, 0, z])).collect();
    assert_eq!(first, [0.0, 10.0, 25.0, 40.0]);
}

#[test]
fn files_that_lie_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let refused = |bytes: &[u8]| {
        let path = save(at, "x.dcm", bytes);
        let error = read(path).unwrap_err().to_string();
        assert!(error.contains("x.dcm"), "{error}");
        error
    };
    let whole = slice(0.0, [1; 6], &[]);
    for keep in [100, 131, 140, 160, 300, whole.len() - 1] {
        refused(&whole[..keep]);
    }
    // An element that claims four gigabytes.
    let mut huge = whole.clone();
    huge.extend([
        0xE1, 0x7F, 0x10, 0, b'O', b'W', 0, 0, 0xFE, 0xFF, 0xFF, 0xFF,
    ]);
    assert!(refused(&huge).contains("truncated"));
    // Sequences in sequences without end.
    let mut deep = whole.clone();
    for _ in 0..100_000 {
        deep.extend([
            0xE1, 0x7F, 0x10, 0, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        ]);
        deep.extend([0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    }
    assert!(refused(&deep).contains("nested"));
    let with = |tag: u32, kind: &[u8; 2], value: &[u8]| {
        refused(&slice(0.0, [1; 6], &[(tag, kind, value)]))
    };
    assert!(with(0x0020_0032, b"DS", b"").contains("ImagePositionPatient"));
    assert!(with(0x0020_0037, b"DS", b"").contains("ImageOrientationPatient"));
    assert!(with(0x0028_0030, b"DS", b"").contains("PixelSpacing"));
    assert!(with(0x0020_0037, b"DS", b"0\\0\\0\\0\\0\\0").contains("usable"));
    assert!(with(0x0020_0032, b"DS", b"nan\\inf\\1").contains("ImagePositionPatient"));
    assert!(with(0x0028_0008, b"IS", b"999999999").contains("NumberOfFrames"));
    assert!(with(0x0028_0008, b"IS", b"1000000").contains("x.dcm"));
    assert!(with(0x0028_0010, b"US", &[255, 255]).contains("pixel data"));
    assert!(with(0x0028_0010, b"US", &[0, 0]).contains("Rows"));
    assert!(with(0x0028_0100, b"US", &[7, 0]).contains("BitsAllocated"));
    assert!(with(0x0028_0101, b"US", &[99, 0]).contains("BitsStored"));
    assert!(with(0x0028_0002, b"US", &[3, 0]).contains("colour"));
    // A damaged file among whole ones could be a missing slice.
    save(at, "a", &slice(3.0, [1; 6], &[]));
    let error = read(at).unwrap_err();
    assert!(error.to_string().contains("x.dcm"), "{error}");
}

#[test]
fn a_dicomdir_may_not_point_outside() {
    let folder = tempfile::tempdir().unwrap();
    let directory = |name: &[u8]| directory(folder.path(), &[name]);
    std::fs::create_dir(folder.path().join("IMAGES")).unwrap();
    save(
        &folder.path().join("IMAGES"),
        "I1",
        &slice(0.0, [8; 6], &[]),
    );
    let path = directory(b"IMAGES\\I1");
    assert_eq!(read_as::<u8>(path).unwrap().data()[0], 8);
    for name in [&b"..\\secret"[..], b"/etc/passwd"] {
        let error = read(directory(name)).unwrap_err().to_string();
        assert!(error.contains("ReferencedFileID"), "{error}");
    }
}
