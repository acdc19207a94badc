//! Folders as hospitals export them: files of other series, in colour, broken, copies and reports beside the series
//! that is asked for.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use std::path::Path;
use vesalius_io::{
    Error, OnWarning, ReadOptions, SliceProblem, list_series, probe, probe_with, read_as,
    read_as_with,
};
use vesalius_volume::Warning;

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

const OTHER: Change = (0x0020_000E, b"UI", b"1.2.7");
const SEVENTH: Change = (0x0020_0011, b"IS", b"7");
const COLOUR: Change = (0x0028_0002, b"US", &[3, 0]);

fn three_slices(folder: &Path) {
    for z in 0..3 {
        let uid = format!("1.2.3.{z}");
        let changes: [Change; 1] = [(0x0008_0018, b"UI", uid.as_bytes())];
        save(
            folder,
            &format!("{z}.dcm"),
            &slice(3.0 * f64::from(z), [z as i16; 6], &changes),
        );
    }
}

fn named(series: &str) -> ReadOptions {
    ReadOptions {
        series: Some(series.to_owned()),
        ..ReadOptions::new()
    }
}

/// What was passed over: how many files, the first and why.
fn passed(warnings: &[Warning]) -> Option<(usize, String, String)> {
    warnings.iter().find_map(|told| match told {
        Warning::FilesPassedOver {
            count,
            first,
            reason,
        } => {
            let name = first.file_name().unwrap().to_string_lossy().into_owned();
            Some((*count, name, reason.clone()))
        }
        _ => None,
    })
}

#[test]
fn files_of_other_series_never_refuse_the_one_that_is_read() {
    let truncated = slice(0.0, [1; 6], &[OTHER]);
    let report = slice(
        0.0,
        [1; 6],
        &[
            OTHER,
            (0x0028_0010, b"US", b""),
            (0x0028_0011, b"US", b""),
            (0x7FE0_0010, b"OW", b""),
        ],
    );
    let slide: Change = (0x0008_0016, b"UI", b"1.2.840.10008.5.1.4.1.1.77.1.6");
    let strange: Change = (0x0028_0100, b"US", &[7, 0]);
    for (bytes, why) in [
        (slice(0.0, [1; 6], &[OTHER, COLOUR]), "colour"),
        (slice(0.0, [1; 6], &[OTHER, strange]), "BitsAllocated"),
        (slice(0.0, [1; 6], &[OTHER, slide]), "whole-slide"),
        (truncated[..truncated.len() - 4].to_vec(), "truncated"),
        (report, "report"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        three_slices(at);
        save(at, "other.dcm", &bytes);
        for options in [
            ReadOptions::new(),
            named("4"),
            named("1.2.3"),
            named("thorax"),
        ] {
            let volume = read_as_with::<u8>(at, &options).unwrap();
            assert_eq!(volume.geometry().size(), [3, 2, 3], "{why}");
            let (count, first, reason) = passed(volume.warnings()).unwrap();
            assert_eq!((count, first.as_str()), (1, "other.dcm"));
            assert!(reason.contains(why), "{reason}");
            let info = probe_with(at, &options).unwrap();
            assert_eq!(info.warnings, volume.warnings(), "{why}");
            // Nothing was decided about the image.
            let strict = ReadOptions {
                on_warning: OnWarning::Refuse,
                ..options
            };
            assert!(read_as_with::<u8>(at, &strict).is_ok(), "{why}");
        }
    }
}

#[test]
fn a_series_that_is_no_volume_is_refused_by_name_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    three_slices(at);
    save(
        at,
        "dose.dcm",
        &slice(0.0, [1; 6], &[OTHER, SEVENTH, COLOUR]),
    );
    for name in ["1.2.7", "7"] {
        let error = read_as_with::<u8>(at, &named(name)).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("dose.dcm") && text.contains("colour"),
            "{text}"
        );
    }
    let alone = tempfile::tempdir().unwrap();
    let slide: Change = (0x0008_0016, b"UI", b"1.2.840.10008.5.1.4.1.1.77.1.6");
    save(alone.path(), "slide.dcm", &slice(0.0, [1; 6], &[slide]));
    let text = probe(alone.path()).unwrap_err().to_string();
    assert!(
        text.contains("slide.dcm") && text.contains("whole-slide"),
        "{text}"
    );
    assert!(
        list_series(alone.path()).unwrap().unreadable[0]
            .1
            .contains("whole-slide")
    );
}

#[test]
fn a_broken_file_that_may_belong_is_told_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    three_slices(at);
    // It says that it is of the series: a slice is missing, wherever it lies.
    let whole = slice(9.0, [3; 6], &[]);
    save(at, "cut.dcm", &whole[..whole.len() - 4]);
    for options in [ReadOptions::new(), named("4")] {
        let error = read_as_with::<u8>(at, &options).unwrap_err();
        assert!(
            matches!(&error, Error::Unreadable { file, .. } if file.ends_with("cut.dcm")),
            "{error}"
        );
    }
    // A damaged copy of a slice that is there is not missing.
    let copy = slice(3.0, [1; 6], &[(0x0008_0018, b"UI", b"1.2.3.1")]);
    save(at, "cut.dcm", &copy[..copy.len() - 4]);
    let told = |told: &Warning| matches!(told, Warning::FilesLeftOut { count: 1, first, .. } if first.ends_with("cut.dcm"));
    let volume = read_as::<u8>(at).unwrap();
    assert!(
        volume.warnings().iter().any(told),
        "{:?}",
        volume.warnings()
    );
    // Nothing of it can be read.
    for rest in [&b""[..], b"rubbish", &whole[..140]] {
        save(at, "cut.dcm", rest);
        let volume = read_as::<u8>(at).unwrap();
        assert!(
            volume.warnings().iter().any(told),
            "{:?}",
            volume.warnings()
        );
        let strict = ReadOptions {
            on_warning: OnWarning::Refuse,
            ..ReadOptions::new()
        };
        assert!(matches!(
            read_as_with::<u8>(at, &strict),
            Err(Error::Warned { .. })
        ));
        // A series that lacks a slice: this may be it.
        let gap = tempfile::tempdir().unwrap();
        three_slices(gap.path());
        save(gap.path(), "3.dcm", &slice(12.0, [4; 6], &[]));
        save(gap.path(), "cut.dcm", rest);
        let error = read_as::<u8>(gap.path()).unwrap_err();
        assert!(
            matches!(&error, Error::Unreadable { file, .. } if file.ends_with("cut.dcm")),
            "{error}"
        );
    }
}

#[test]
fn a_scout_beside_a_volume_is_passed_over_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    three_slices(at);
    let scout: Change = (0x0008_0008, b"CS", b"ORIGINAL\\PRIMARY\\LOCALIZER");
    let sagittal: Change = (0x0020_0037, b"DS", b"0\\1\\0\\0\\0\\-1");
    save(
        at,
        "scout.dcm",
        &slice(0.0, [9; 6], &[OTHER, scout, sagittal]),
    );
    for options in [ReadOptions::new(), named("4")] {
        let volume = read_as_with::<u8>(at, &options).unwrap();
        assert_eq!(volume.geometry().size(), [3, 2, 3]);
        let (count, first, reason) = passed(volume.warnings()).unwrap();
        assert_eq!((count, first.as_str()), (1, "scout.dcm"));
        assert!(reason.contains("localizer"), "{reason}");
        // Which of the two is meant is a decision.
        let strict = ReadOptions {
            on_warning: OnWarning::Refuse,
            ..options
        };
        assert!(matches!(
            read_as_with::<u8>(at, &strict),
            Err(Error::SeveralSeries { .. })
        ));
    }
    assert_eq!(
        read_as_with::<u8>(at, &named("1.2.7")).unwrap().data(),
        [9; 6]
    );
    // Two volumes beside a scout stay ambiguous.
    let third: Change = (0x0020_000E, b"UI", b"1.2.8");
    save(at, "more.dcm", &slice(0.0, [8; 6], &[third]));
    assert!(matches!(
        read_as::<u8>(at),
        Err(Error::SeveralSeries { .. })
    ));
}

#[test]
fn an_exact_copy_is_left_out_and_told_with_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    three_slices(at);
    // The file meta information and the preamble are not the instance's.
    let mut copy = std::fs::read(at.join("1.dcm")).unwrap();
    copy[..4].copy_from_slice(b"TIFF");
    save(at, "copy of 1.dcm", &copy);
    let volume = read_as::<u8>(at).unwrap();
    assert_eq!(volume.geometry().size(), [3, 2, 3]);
    let told = |told: &Warning| match told {
        Warning::CopiesDropped {
            count,
            dropped,
            kept,
        } => {
            let names = [dropped, kept].map(|path| path.file_name().unwrap().to_str().unwrap());
            *count == 1 && names == ["copy of 1.dcm", "1.dcm"]
        }
        _ => false,
    };
    assert!(
        volume.warnings().iter().any(told),
        "{:?}",
        volume.warnings()
    );
    assert_eq!(probe(at).unwrap().warnings, volume.warnings());
    // A slice beside its own copy alone is no part of a stack.
    let pair = tempfile::tempdir().unwrap();
    save(pair.path(), "a.dcm", &copy);
    save(pair.path(), "b.dcm", &copy);
    let alone = read_as::<u8>(pair.path().join("a.dcm")).unwrap();
    let one = |told: &Warning| matches!(told, Warning::OneSliceOfSeries { .. });
    assert!(!alone.warnings().iter().any(one), "{:?}", alone.warnings());
}

#[test]
fn one_instance_with_two_contents_is_refused_with_both_names() {
    for changes in [&[(0x0018_0050, b"DS", &b"5"[..])][..], &[]] {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        three_slices(at);
        let uid: Change = (0x0008_0018, b"UI", b"1.2.3.1");
        let changes = [changes, &[uid]].concat();
        let values = if changes.len() == 1 { [7; 6] } else { [1; 6] };
        save(at, "other.dcm", &slice(3.0, values, &changes));
        save(at, "beside.dcm", &slice(0.0, [5; 6], &[OTHER, SEVENTH]));
        let error = read_as_with::<u8>(at, &named("4")).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::Slices {
                    problem: SliceProblem::SameInstance { .. },
                    ..
                }
            ),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains("other.dcm") && text.contains("1.dcm"),
            "{text}"
        );
        assert!(probe_with(at, &named("4")).is_err());
        // Another series is not concerned.
        assert_eq!(read_as_with::<u8>(at, &named("7")).unwrap().data(), [5; 6]);
    }
}

#[test]
fn the_shared_folders_are_read_and_what_stands_beside_is_told() {
    for (case, first) in [
        ("with_colour", "dose.dcm"),
        ("with_broken", "other_series.dcm"),
        ("scout_ct", "scout.dcm"),
    ] {
        let Some(path) = shared(&format!("cases/images/dicom/{case}")) else {
            return;
        };
        let volume = read_as::<i32>(&path).unwrap();
        assert_eq!(volume.geometry().size(), [16, 12, 8], "{case}");
        let (count, name, _) = passed(volume.warnings()).unwrap();
        assert_eq!((count, name.as_str()), (1, first), "{case}");
        let list = list_series(&path).unwrap();
        let uid = list
            .series
            .iter()
            .find(|one| one.size[2] == 8)
            .unwrap()
            .uid
            .clone();
        assert_eq!(read_as_with::<i32>(&path, &named(&uid)).unwrap(), volume);
    }
    for (case, copies) in [("dup", 1), ("acq_per_slice", 0)] {
        let Some(path) = shared(&format!("cases/images/dicom/{case}")) else {
            return;
        };
        let volume = read_as::<i32>(&path).unwrap();
        assert_eq!(volume.geometry().size(), [16, 12, 8], "{case}");
        let told = |told: &&Warning| {
            matches!(told, Warning::CopiesDropped { dropped, kept, .. }
            if dropped.ends_with("copy_of_003.dcm") && kept.ends_with("003.dcm"))
        };
        assert_eq!(volume.warnings().iter().filter(told).count(), copies);
    }
    let Some(twins) = shared("cases/images/dicom/twins") else {
        return;
    };
    let error = read_as_with::<i32>(&twins, &named("3"))
        .unwrap_err()
        .to_string();
    for series in list_series(&twins).unwrap().series {
        assert!(error.contains(&series.uid), "{error}");
        let volume = read_as_with::<i32>(&twins, &named(&series.uid)).unwrap();
        assert_eq!(volume.geometry().size(), [16, 12, 8]);
    }
}
