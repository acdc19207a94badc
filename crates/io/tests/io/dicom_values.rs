//! What stored values mean where a DICOM header is unusual: MONOCHROME1, scalings without a number.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use vesalius_io::{
    DicomOptions, ReadOptions, list_series, probe, probe_with, read_as, read_as_with,
};
use vesalius_volume::Warning;

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

fn inverted() -> ReadOptions {
    ReadOptions {
        dicom: DicomOptions {
            invert: true,
            ..DicomOptions::default()
        },
        ..ReadOptions::new()
    }
}

#[test]
fn monochrome1_is_told_and_inverted_within_its_stored_range_where_asked() {
    let low_bright: Change = (0x0028_0004, b"CS", b"MONOCHROME1");
    let unsigned: Change = (0x0028_0103, b"US", &[0, 0]);
    let twelve: [Change; 2] = [
        (0x0028_0101, b"US", &[12, 0]),
        (0x0028_0102, b"US", &[11, 0]),
    ];
    let scaled: [Change; 2] = [(0x0028_1053, b"DS", b"2"), (0x0028_1052, b"DS", b"-1024")];
    // What SimpleITK gives for 1701 and 1273 in these.
    let cases: [(Vec<Change>, [i32; 2]); 4] = [
        (vec![unsigned], [63834, 64262]),
        ([&[unsigned][..], &twelve].concat(), [2394, 2822]),
        ([&[unsigned][..], &twelve, &scaled].concat(), [3764, 4620]),
        (vec![], [-1702, -1274]),
    ];
    for (mut changes, expected) in cases {
        changes.push(low_bright);
        let folder = tempfile::tempdir().unwrap();
        let path = save(
            folder.path(),
            "a.dcm",
            &slice(0.0, [1701, 1273, 0, 0, 0, 0], &changes),
        );
        let volume = read_as_with::<i32>(&path, &inverted()).unwrap();
        assert_eq!(volume.data()[..2], expected, "{changes:?}");
        let is =
            |inverted: bool| move |told: &Warning| *told == Warning::LowValuesBright { inverted };
        assert!(
            volume.warnings().iter().any(is(true)),
            "{:?}",
            volume.warnings()
        );
        assert!(
            probe_with(&path, &inverted())
                .unwrap()
                .warnings
                .iter()
                .any(is(true))
        );
        let stored = read_as::<i32>(&path).unwrap();
        assert!(stored.warnings().iter().any(is(false)));
        assert!(probe(&path).unwrap().warnings.iter().any(is(false)));
        assert!(
            list_series(&path).unwrap().series[0]
                .warnings
                .iter()
                .any(is(false))
        );
        assert_ne!(stored.data()[..2], expected);
    }
    // An image in which high values are bright stays as it is.
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "a.dcm", &slice(0.0, [5; 6], &[]));
    assert_eq!(
        read_as_with::<i32>(&path, &inverted()).unwrap().data(),
        [5; 6]
    );
}

#[test]
fn scalings_that_are_empty_or_zero_are_told() {
    for (tag, value, attribute) in [
        (0x0028_1053, &b"0"[..], "RescaleSlope"),
        (0x0028_1053, b" ", "RescaleSlope"),
        (0x0028_1053, b"x", "RescaleSlope"),
        (0x0028_1052, b"  ", "RescaleIntercept"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = save(
            folder.path(),
            "a.dcm",
            &slice(0.0, [5; 6], &[(tag, b"DS", value)]),
        );
        let volume = read_as::<i16>(&path).unwrap();
        assert_eq!(volume.data(), [5; 6]);
        let told = |warning: &Warning| matches!(warning, Warning::ScalingReplaced { attribute: a, .. } if a == attribute);
        assert!(
            volume.warnings().iter().any(told),
            "{attribute} {value:?}: {:?}",
            volume.warnings()
        );
    }
}

#[test]
fn the_shared_series_with_unusual_values_are_told() {
    let Some(mono1) = shared("cases/images/dicom/mono1") else {
        return;
    };
    let stored = read_as::<i32>(&mono1).unwrap();
    let turned = read_as_with::<i32>(&mono1, &inverted()).unwrap();
    assert!(
        stored
            .data()
            .iter()
            .zip(turned.data())
            .all(|(a, b)| a + b == 65535)
    );
    for (case, found, intercept) in [("slope0", "0.0", 0.0), ("empty_slope", "empty", -1024.0)] {
        let Some(path) = shared(&format!("cases/images/dicom/{case}")) else {
            return;
        };
        let info = probe(&path).unwrap();
        assert_eq!(
            (info.scaling.slope, info.scaling.intercept),
            (1.0, intercept)
        );
        let told = |warning: &Warning| match warning {
            Warning::ScalingReplaced {
                attribute,
                found: held,
                taken,
                frames,
            } => attribute == "RescaleSlope" && held == found && *taken == 1.0 && *frames == 8,
            _ => false,
        };
        assert!(
            info.warnings.iter().any(told),
            "{case}: {:?}",
            info.warnings
        );
    }
}
