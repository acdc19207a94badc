//! Standardised uptake values of PET series, computed by hand.

use crate::dicom_writer::{element, save, sequence, slice};
use std::path::Path;
use vesalius_io::{
    DicomOptions, Error, ReadOptions, Suv, VoxelType, list_series, probe_with, read_as_with,
    read_series, read_sidecar, read_with,
};
use vesalius_volume::Warning;

type Change<'a> = (u32, &'a [u8; 2], &'a str);

const TRACERS: u32 = 0x0054_0016;

/// 370 MBq with a half life of an hour, injected at 9:00.
const TRACER: [Change; 3] = [
    (0x0018_1072, b"TM", "090000"),
    (0x0018_1074, b"DS", "370000000"),
    (0x0018_1075, b"DS", "3600"),
];

fn tracer(changes: &[Change]) -> Vec<u8> {
    let mut all: Vec<Change> = TRACER.to_vec();
    for change in changes {
        all.retain(|(tag, ..)| *tag != change.0);
        all.push(*change);
    }
    all.sort_by_key(|(tag, ..)| *tag);
    let of_all = all.iter().filter(|(.., value)| !value.is_empty());
    of_all
        .flat_map(|(tag, kind, value)| element(*tag, kind, value.as_bytes()))
        .collect()
}

/// A man of 74 kg and 1.85 m; stored 2500, slope 2: 5000 Bq/ml at 10:00, when 185 MBq are left.
const PET: [Change; 17] = [
    (0x0008_0021, b"DA", "20260131"),
    (0x0008_0022, b"DA", "20260131"),
    (0x0008_0031, b"TM", "100000"),
    (0x0008_0032, b"TM", "100000"),
    (0x0008_0060, b"CS", "PT"),
    (0x0010_0040, b"CS", "M"),
    (0x0010_1020, b"DS", "1.85"),
    (0x0010_1030, b"DS", "74"),
    (0x0028_0051, b"CS", "NORM\\DECY\\ATTN\\DECAY"),
    (0x0028_1052, b"DS", "0"),
    (0x0028_1053, b"DS", "2"),
    (0x0054_1001, b"CS", "BQML"),
    (0x0054_1006, b"CS", ""),
    (0x0054_1102, b"CS", "START"),
    (0x0009_0010, b"LO", ""),
    (0x0018_1242, b"IS", ""),
    (0x0054_1300, b"DS", ""),
];

fn pet(folder: &Path, name: &str, z: f64, changes: &[Change], tracers: &[Vec<Change>]) {
    let mut all: Vec<Change> = PET.to_vec();
    for change in changes {
        all.retain(|(tag, ..)| *tag != change.0);
        all.push(*change);
    }
    let items: Vec<Vec<u8>> = tracers.iter().map(|changes| tracer(changes)).collect();
    let mut sequence = sequence(TRACERS, &items);
    // The element's header is made by the writer.
    let items = sequence.split_off(12);
    let mut given: Vec<(u32, &[u8; 2], &[u8])> = all
        .iter()
        .map(|(tag, kind, value)| (*tag, *kind, value.as_bytes()))
        .collect();
    given.push((TRACERS, b"SQ", &items));
    save(folder, name, &slice(z, [2500; 6], &given));
}

fn asked(suv: Suv) -> ReadOptions {
    ReadOptions {
        dicom: DicomOptions {
            suv: Some(suv),
            ..DicomOptions::default()
        },
        ..ReadOptions::new()
    }
}

fn read(changes: &[Change], tracers: &[Vec<Change>], suv: Suv) -> Result<f64, Error> {
    let folder = tempfile::tempdir().unwrap();
    pet(folder.path(), "a", 0.0, changes, tracers);
    let volume = read_as_with::<f64>(folder.path(), &asked(suv))?;
    Ok(volume.get(0, [1, 1, 0]))
}

fn near(found: Result<f64, Error>, wanted: f64) {
    let found = found.unwrap();
    assert!(
        (found / wanted - 1.0).abs() < 1e-9,
        "{found} is not {wanted}"
    );
}

#[test]
fn every_size_of_the_body_gives_its_value() {
    // 5000 Bq/ml · 74,000 g / 185 MBq.
    let by_weight = 2.0;
    for (suv, sex, size) in [
        (Suv::BodyWeight, "M", 74.0),
        // (74 / 185)² is 0.16.
        (Suv::LeanBodyMass, "M", 1.10 * 74.0 - 120.0 * 0.16),
        (Suv::LeanBodyMass, "F", 1.07 * 74.0 - 148.0 * 0.16),
        (Suv::LeanBodyMassJames128, "M", 1.10 * 74.0 - 128.0 * 0.16),
        (Suv::LeanBodyMassJames128, "F", 1.07 * 74.0 - 148.0 * 0.16),
        (Suv::LeanBodyMassJanmahasatian, "M", 60.437_327_364_510_91),
        (Suv::LeanBodyMassJanmahasatian, "F", 48.804_484_097_988_7),
        (Suv::IdealBodyWeight, "M", 48.0 + 1.06 * 33.0),
        (Suv::IdealBodyWeight, "F", 45.5 + 0.91 * 33.0),
        // 19,701 cm², which are as many g.
        (Suv::BodySurfaceArea, "M", 19.701_047_024_932_91),
    ] {
        let found = read(&[(0x0010_0040, b"CS", sex)], &[vec![]], suv);
        near(found, by_weight * size / 74.0);
    }
}

#[test]
fn volume_header_and_series_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    pet(folder.path(), "a", 0.0, &[], &[vec![]]);
    // Another slope in the second slice.
    pet(
        folder.path(),
        "b",
        3.0,
        &[(0x0028_1053, b"DS", "4")],
        &[vec![]],
    );
    let options = asked(Suv::BodyWeight);
    let volume = read_with(folder.path(), &options).unwrap();
    assert_eq!([0, 1].map(|z| volume.get(0, [0, 0, z])), [2.0, 4.0]);
    assert!(volume.warnings().is_empty(), "{:?}", volume.warnings());
    let info = probe_with(folder.path(), &options).unwrap();
    assert_eq!(info.voxel_type, VoxelType::F32);
    assert_eq!(info.metadata["Units"], "GML");
    assert_eq!(info.metadata["SUVType"], "BW");
    let sidecar = |options: &ReadOptions| read_sidecar(folder.path(), options).unwrap().json;
    assert_eq!(sidecar(&options)["Units"], "GML");
    let stored = sidecar(&ReadOptions::new());
    assert_eq!(stored["Units"], "BQML");
    assert_eq!(stored["InjectedRadioactivity"], 370);
    let series = &list_series(folder.path()).unwrap().series[0];
    assert_eq!(series.metadata["Units"], "BQML");
    assert!(read_series::<f32>(series, &options).unwrap() == volume);
    // Without the option numbers stay as they were.
    assert_eq!(
        read_with(folder.path(), &ReadOptions::new())
            .unwrap()
            .get(0, [0, 0, 0]),
        5000.0
    );
}

#[test]
fn the_injection_counts_with_its_date_over_midnight_and_not_at_all_for_admin() {
    let by_date = vec![(0x0018_1078, b"DT", "20260131080000.000")];
    // Two half lives: 92.5 MBq are left.
    near(read(&[], &[by_date], Suv::BodyWeight), 4.0);
    let night: [Change; 2] = [
        (0x0008_0031, b"TM", "003000"),
        (0x0008_0032, b"TM", "003000"),
    ];
    let before = vec![(0x0018_1072, b"TM", "233000")];
    near(read(&night, &[before], Suv::BodyWeight), 2.0);
    near(
        read(&[(0x0054_1102, b"CS", "ADMIN")], &[vec![]], Suv::BodyWeight),
        1.0,
    );
    // A series that was acquired later than its time is corrected to its time.
    near(
        read(
            &[(0x0008_0032, b"TM", "103000")],
            &[vec![]],
            Suv::BodyWeight,
        ),
        2.0,
    );
}

#[test]
fn counts_have_the_factors_of_philips_and_stored_uptake_values_stay() {
    let counts: Change = (0x0054_1001, b"CS", "CNTS");
    let creator: Change = (0x7053_0010, b"LO", "Philips PET Private Group");
    let suv = [counts, creator, (0x7053_1000, b"DS", "0.0005")];
    near(read(&suv, &[vec![]], Suv::BodyWeight), 2.5);
    near(read(&suv, &[vec![]], Suv::LeanBodyMass), 2.5 * 62.2 / 74.0);
    let activity = [counts, creator, (0x7053_1009, b"DS", "3")];
    near(read(&activity, &[vec![]], Suv::BodyWeight), 6.0);
    let both = [suv[0], suv[1], suv[2], activity[2]];
    near(read(&both, &[vec![]], Suv::BodyWeight), 2.5);
    // g/ml: by body weight, unless the file says another kind.
    let stored: Change = (0x0054_1001, b"CS", "GML");
    near(read(&[stored], &[], Suv::BodyWeight), 5000.0);
    near(
        read(&[stored], &[], Suv::LeanBodyMass),
        5000.0 * 62.2 / 74.0,
    );
    let lean: Change = (0x0054_1006, b"CS", "LBM");
    near(read(&[stored, lean], &[], Suv::LeanBodyMass), 5000.0);
    near(
        read(&[stored, lean], &[], Suv::BodyWeight),
        5000.0 * 74.0 / 62.2,
    );
    let surface: Change = (0x0054_1001, b"CS", "CM2ML");
    near(read(&[surface], &[], Suv::BodySurfaceArea), 5000.0);
}

/// Reconstructed again at noon; acquired at 10:05 for two minutes.
const AGAIN: [Change; 2] = [
    (0x0008_0031, b"TM", "120000"),
    (0x0008_0032, b"TM", "100500"),
];

#[test]
fn a_series_reconstructed_later_has_the_time_of_its_scan_from_elsewhere_or_is_refused() {
    let error = read(&AGAIN, &[vec![]], Suv::BodyWeight).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Suv { .. }), "{text}");
    assert!(
        text.contains("(0008,0031)") && text.contains("(0054,1300)"),
        "{text}"
    );
    let folder = tempfile::tempdir().unwrap();
    let ge = [
        AGAIN[0],
        AGAIN[1],
        (0x0009_0010, b"LO", "GEMS_PETD_01"),
        (0x0009_100D, b"DT", "20260131100000.00"),
    ];
    pet(folder.path(), "a", 0.0, &ge, &[vec![]]);
    let volume = read_as_with::<f64>(folder.path(), &asked(Suv::BodyWeight)).unwrap();
    assert_eq!(volume.get(0, [0, 0, 0]), 2.0);
    let told = volume.warnings().iter().find_map(|warning| match warning {
        Warning::DecayTimeDerived { seconds, origin } => Some((*seconds, origin.clone())),
        _ => None,
    });
    let (seconds, origin) = told.unwrap();
    assert!(
        seconds == 7200.0 && origin.contains("(0009,100D)"),
        "{origin}"
    );
}

#[test]
fn frames_that_agree_on_the_time_of_the_scan_are_believed() {
    // The mean of the activity of two minutes lies 59.8 s after their beginning: 5 min after 10:00.
    let frame: [Change; 4] = [
        AGAIN[0],
        AGAIN[1],
        (0x0018_1242, b"IS", "120000"),
        (0x0054_1300, b"DS", "359884.476"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let later: [Change; 4] = [
        AGAIN[0],
        (0x0008_0032, b"TM", "101000"),
        frame[2],
        (0x0054_1300, b"DS", "659884.476"),
    ];
    pet(folder.path(), "a", 0.0, &frame, &[vec![]]);
    pet(folder.path(), "b", 3.0, &later, &[vec![]]);
    let volume = read_as_with::<f64>(folder.path(), &asked(Suv::BodyWeight)).unwrap();
    let found = volume.get(0, [0, 0, 0]);
    assert!((found - 2.0).abs() < 1e-3, "{found}");
    assert!(matches!(
        volume.warnings(),
        [Warning::DecayTimeDerived { .. }]
    ));
    let strict = ReadOptions {
        on_warning: vesalius_io::OnWarning::Refuse,
        ..asked(Suv::BodyWeight)
    };
    assert!(probe_with(folder.path(), &strict).is_err());
    // A third one disagrees.
    let other: [Change; 4] = [AGAIN[0], (0x0008_0032, b"TM", "101500"), frame[2], frame[3]];
    pet(folder.path(), "c", 6.0, &other, &[vec![]]);
    let error = read_as_with::<f64>(folder.path(), &asked(Suv::BodyWeight)).unwrap_err();
    assert!(matches!(error, Error::Suv { .. }), "{error}");
}

#[test]
fn what_is_not_known_is_refused_by_its_tag() {
    let base = || vec![vec![]];
    let lean = Suv::LeanBodyMass;
    let weight = Suv::BodyWeight;
    // The tag that the error names, changes of the file, tracers, what is asked for.
    type Case<'a> = (&'a str, Vec<Change<'a>>, Vec<Vec<Change<'a>>>, Suv);
    let cases: Vec<Case> = vec![
        (
            "(0008,0060)",
            vec![(0x0008_0060, b"CS", "CT")],
            base(),
            weight,
        ),
        (
            "(0010,1030)",
            vec![(0x0010_1030, b"DS", "")],
            base(),
            weight,
        ),
        (
            "(0010,1030)",
            vec![(0x0010_1030, b"DS", "0")],
            base(),
            weight,
        ),
        (
            "(0010,1030)",
            vec![(0x0010_1030, b"DS", "74000")],
            base(),
            weight,
        ),
        ("(0010,1020)", vec![(0x0010_1020, b"DS", "")], base(), lean),
        (
            "(0010,1020)",
            vec![(0x0010_1020, b"DS", "185")],
            base(),
            lean,
        ),
        ("(0010,0040)", vec![(0x0010_0040, b"CS", "O")], base(), lean),
        (
            "(0010,1030)",
            vec![(0x0010_1030, b"DS", "600"), (0x0010_1020, b"DS", "1.5")],
            base(),
            lean,
        ),
        ("(0054,0016)", vec![], vec![], weight),
        ("(0054,0016)", vec![], vec![vec![], vec![]], weight),
        (
            "(0018,1074)",
            vec![],
            vec![vec![(0x0018_1074, b"DS", "")]],
            weight,
        ),
        (
            "(0018,1074)",
            vec![],
            vec![vec![(0x0018_1074, b"DS", "370")]],
            weight,
        ),
        (
            "(0018,1075)",
            vec![],
            vec![vec![(0x0018_1075, b"DS", "0")]],
            weight,
        ),
        (
            "(0018,1072)",
            vec![],
            vec![vec![(0x0018_1072, b"TM", "")]],
            weight,
        ),
        (
            "(0018,1078)",
            vec![],
            vec![vec![(0x0018_1078, b"DT", "20250131090000")]],
            weight,
        ),
        (
            "(0018,1078)",
            vec![],
            vec![vec![(0x0018_1078, b"DT", "20260131100001")]],
            weight,
        ),
        (
            "(0028,0051)",
            vec![(0x0028_0051, b"CS", "NORM\\DECAY")],
            base(),
            weight,
        ),
        (
            "(0028,0051)",
            vec![(0x0028_0051, b"CS", "NORM\\ATTN")],
            base(),
            weight,
        ),
        (
            "(0028,0051)",
            vec![(0x0028_0051, b"CS", "")],
            base(),
            weight,
        ),
        (
            "(0054,1102)",
            vec![(0x0054_1102, b"CS", "NONE")],
            base(),
            weight,
        ),
        (
            "(0054,1102)",
            vec![(0x0054_1102, b"CS", "")],
            base(),
            weight,
        ),
        (
            "(0054,1001)",
            vec![(0x0054_1001, b"CS", "")],
            base(),
            weight,
        ),
        (
            "(0054,1001)",
            vec![(0x0054_1001, b"CS", "PROPCNTS")],
            base(),
            weight,
        ),
        (
            "(7053,1000)",
            vec![(0x0054_1001, b"CS", "CNTS")],
            base(),
            weight,
        ),
        (
            "(0054,1006)",
            vec![(0x0054_1001, b"CS", "GML"), (0x0054_1006, b"CS", "X")],
            base(),
            weight,
        ),
        (
            "(0008,0031)",
            vec![(0x0008_0031, b"TM", "")],
            base(),
            weight,
        ),
        (
            "(0008,0022)",
            vec![(0x0008_0022, b"DA", "")],
            base(),
            weight,
        ),
    ];
    for (tag, changes, tracers, suv) in cases {
        let error = read(&changes, &tracers, suv).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Suv { .. }), "{text}");
        assert!(
            text.contains(tag) && text.contains("DicomOptions::suv"),
            "{tag}: {text}"
        );
    }
    // Files that contradict each other.
    let folder = tempfile::tempdir().unwrap();
    pet(folder.path(), "a", 0.0, &[], &[vec![]]);
    pet(
        folder.path(),
        "b",
        3.0,
        &[(0x0010_1030, b"DS", "75")],
        &[vec![]],
    );
    let error = probe_with(folder.path(), &asked(weight))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("weight") && error.contains("differs"),
        "{error}"
    );
}
