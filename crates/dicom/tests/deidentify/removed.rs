//! What is removed and what stays.

use crate::made::*;
use vesalius_control::Control;
use vesalius_dicom::{Dates, Deidentifier};

fn basic() -> Deidentifier {
    Deidentifier::new(key())
}

fn treated(by: &Deidentifier, made: &Made) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let input = made.save(folder.path(), "a.dcm");
    let output = folder.path().join("b.dcm");
    by.file(input, &output).unwrap();
    content(&output)
}

#[test]
fn nothing_of_the_patient_stays_in_any_transfer_syntax_and_pixels_are_the_same() {
    for syntax in [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG] {
        let made = Made::new(syntax);
        let bytes = treated(&basic(), &made);
        for secret in SECRETS {
            assert!(!holds(&bytes, secret.as_bytes()), "{secret} in {syntax}");
        }
        assert!(holds(&bytes, &made.pixels), "{syntax}");
        for kept in [
            "MONOCHROME2",
            "HELICAL MODE",
            "Maker",
            "YES",
            "113100",
            syntax,
        ] {
            assert!(holds(&bytes, kept.as_bytes()), "{kept} in {syntax}");
        }
    }
}

#[test]
fn every_set_of_options_leaves_neither_name_nor_number() {
    let all = basic()
        .retain_uids()
        .dates(Dates::Keep)
        .clean_descriptors()
        .retain_safe_private()
        .retain_patient_characteristics()
        .retain_device_identity()
        .retain_institution_identity();
    let bytes = treated(&all, &Made::new(EXPLICIT));
    let names = SECRETS.iter().take(7).chain(SECRETS.iter().skip(18));
    // Dates, identifiers, the hospital and the device are kept as asked.
    for secret in names.chain(["19711103"].iter()) {
        assert!(!holds(&bytes, secret.as_bytes()), "{secret}");
    }
    for kept in [
        "20240229",
        "1.2.826.0.1.99.1",
        "Hopital Paris",
        "SER-5566",
        "052Y",
        "0.25",
    ] {
        assert!(holds(&bytes, kept.as_bytes()), "{kept}");
    }
    for code in [
        "113105", "113106", "113108", "113109", "113110", "113111", "113112",
    ] {
        assert!(holds(&bytes, code.as_bytes()), "{code}");
    }
    assert_eq!(value(&bytes, 0x0008_103E, "LO").unwrap(), "CT thorax 2.5mm");
    assert_eq!(value(&bytes, 0x0028_0303, "CS").unwrap(), "UNMODIFIED");
}

#[test]
fn each_option_changes_what_it_names() {
    let made = Made::new(EXPLICIT);
    let plain = treated(&basic(), &made);
    let get = |bytes: &[u8], tag, vr| value(bytes, tag, vr);
    assert_eq!(get(&plain, 0x0008_0020, "DA").unwrap(), "");
    assert_eq!(get(&plain, 0x0008_0023, "DA").unwrap(), "19000101");
    assert_eq!(get(&plain, 0x0008_002A, "DT").unwrap(), "19000101000000");
    assert_eq!(get(&plain, 0x0010_0040, "CS").unwrap(), "");
    assert_eq!(get(&plain, 0x0010_1010, "AS"), None);
    assert_eq!(get(&plain, 0x0008_103E, "LO"), None);
    assert_eq!(get(&plain, 0x0028_0303, "CS").unwrap(), "REMOVED");
    assert!(!holds(&plain, b"0.25") && !holds(&plain, b"Philips"));
    let shifted = treated(&basic().dates(Dates::Shift), &made);
    let date = get(&shifted, 0x0008_0020, "DA").unwrap();
    assert!(date.len() == 8 && date.as_str() < "20240229" && date.as_str() > "20140101");
    assert_eq!(
        get(&shifted, 0x0008_002A, "DT").unwrap(),
        format!("{date}101112.5")
    );
    assert_eq!(get(&shifted, 0x0008_0030, "TM").unwrap(), "101112");
    assert_eq!(get(&shifted, 0x0010_0030, "DA").unwrap(), "");
    assert_eq!(get(&shifted, 0x0028_0303, "CS").unwrap(), "MODIFIED");
    let patient = treated(&basic().retain_patient_characteristics(), &made);
    assert_eq!(get(&patient, 0x0010_1010, "AS").unwrap(), "052Y");
    assert_eq!(get(&patient, 0x0010_0040, "CS").unwrap(), "M");
    let private = treated(&basic().retain_safe_private(), &made);
    assert!(holds(&private, b"0.25") && !holds(&private, b"ACME"));
    let device = treated(&basic().retain_device_identity(), &made);
    assert_eq!(get(&device, 0x0018_1000, "LO").unwrap(), "SER-5566");
    let institution = treated(&basic().retain_institution_identity(), &made);
    assert!(holds(&institution, b"Hopital Paris"));
}

#[test]
fn the_patients_name_in_a_text_that_no_rule_names_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let input = Made::new(EXPLICIT).save(folder.path(), "a.dcm");
    let report = basic().file(input, folder.path().join("b.dcm")).unwrap();
    assert_eq!(report.identity_found, 1);
    let name = report
        .attributes
        .iter()
        .find(|a| a.keyword == "PatientName")
        .unwrap();
    assert_eq!((name.tag.as_str(), name.replaced), ("(0010,0010)", 1));
    assert_eq!(report.private_removed, 6);
    // Counts and names of attributes only.
    let told = format!("{report}{report:?}");
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret}");
    }
}

#[test]
fn what_retained_attributes_hold_must_be_of_their_type() {
    let made = Made::new(EXPLICIT)
        .with(0x0008_0020, "DA", "Quasimod")
        .with(0x0010_1010, "AS", "Quas")
        .with(0x0008_0012, "DA", "Quasimod");
    for dates in [Dates::Keep, Dates::Shift] {
        let by = basic().dates(dates).retain_patient_characteristics();
        assert!(!holds(&treated(&by, &made), b"Quas"));
    }
}

#[test]
fn a_text_in_a_place_of_unknown_type_is_removed() {
    let made = Made::new(EXPLICIT)
        .with(0x0018_FF77, "LO", "private secret")
        .with(0x0008_1115, "UN", "private secret")
        .with(0x0018_1161, "UN", "private secret")
        .with(0x0010_0010, "UN", "Quasimodo^Esmeralda");
    let bytes = treated(&basic(), &made);
    for secret in SECRETS {
        // A standard text of unknown type is what the standard's dictionary says.
        if secret != "private secret" {
            assert!(!holds(&bytes, secret.as_bytes()), "{secret}");
        }
    }
    assert_eq!(value(&bytes, 0x0018_FF77, "LO"), None);
    assert_eq!(value(&bytes, 0x0018_1161, "LO").unwrap(), "private secret");
}

#[test]
fn a_study_stays_together_and_names_of_files_are_new() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("Quasimodo");
    for i in 0..3 {
        let instance = format!("1.2.826.0.1.99.3.{i}");
        let series = if i < 2 {
            "1.2.826.0.1.99.2"
        } else {
            "1.2.826.0.1.99.22"
        };
        Made::new(EXPLICIT)
            .with(0x0008_0018, "UI", &instance)
            .with(0x0020_000E, "UI", series)
            .save(&input.join("Quasimodo_1971"), &format!("Quasimodo{i}.dcm"));
    }
    std::fs::write(input.join("letter.txt"), "Dear Dr. Frollo").unwrap();
    let output = folder.path().join("out");
    let report = basic().folder(&input, &output, &Control::new()).unwrap();
    assert_eq!(
        (report.files, report.patients, report.studies, report.series),
        (3, 1, 1, 2)
    );
    assert_eq!(report.left_out.len(), 1);
    let list = vesalius_io::list_series(&output).unwrap();
    assert_eq!(list.series.len(), 2);
    let paths: Vec<String> = walk(&output);
    assert_eq!(paths.len(), 3);
    let mut studies = std::collections::BTreeSet::new();
    for path in &paths {
        let name = path.strip_prefix(output.to_str().unwrap()).unwrap();
        assert!(!name.contains("Quasimodo") && name.ends_with(".dcm"));
        let bytes = content(path.as_ref());
        studies.insert(value(&bytes, 0x0020_000D, "UI").unwrap());
        for secret in SECRETS {
            assert!(!holds(&bytes, secret.as_bytes()), "{secret}");
        }
    }
    assert_eq!(studies.len(), 1);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "no hidden folder stays");
}

pub fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(walk(&path)),
            false => found.push(path.to_str().unwrap().to_owned()),
        }
    }
    found.sort();
    found
}

#[test]
fn references_to_a_file_of_the_study_are_its_new_identifier() {
    let bytes = treated(&basic(), &Made::new(EXPLICIT));
    let instance = value(&bytes, 0x0008_0018, "UI").unwrap();
    assert!(instance.starts_with("2.25."));
    assert_eq!(value(&bytes, 0x0008_1155, "UI").unwrap(), instance);
    // The file meta information is new as well.
    assert_eq!(value(&bytes, 0x0002_0003, "UI").unwrap(), instance);
}

#[test]
fn sequences_of_unknown_type_are_treated_item_by_item() {
    let hidden = Made::new(IMPLICIT);
    let content = hidden.item(&[
        (0x0008_1155, "UI", b"1.2.826.0.1.99.3".to_vec()),
        (0x0010_0010, "PN", b"Quasimodo^Esmeralda".to_vec()),
    ]);
    let mut made = Made::new(EXPLICIT);
    made.elements.retain(|element| element.0 != 0x0008_1140);
    made.elements.push((0x0008_1140, "UN", content));
    let bytes = treated(&basic(), &made);
    for secret in SECRETS {
        assert!(!holds(&bytes, secret.as_bytes()), "{secret}");
    }
    let instance = value(&bytes, 0x0008_0018, "UI");
    assert_eq!(value(&bytes, 0x0008_1155, "UI"), instance);
    // One that is not readable is removed.
    let damaged = made.with(0x0008_1140, "UN", "Quasimodo^Esmeralda");
    let bytes = treated(&basic(), &damaged);
    assert!(!holds(&bytes, b"Quasimodo") && !holds(&bytes, b"\x08\0\x40\x11UN"));
}
