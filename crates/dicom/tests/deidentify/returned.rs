//! Results that go back to their patient.

use crate::made::*;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_dicom::{
    Dates, Deidentifier, DeidentifyKey, Error, Reidentifier, SegWriter, Segment, example_series,
};
use vesalius_io::{ReadOptions, list_series, read_series};
use vesalius_volume::LabelMap;

/// Originals, de-identified ones and a SEG made of these.
fn study(folder: &Path, by: &Deidentifier) -> (PathBuf, PathBuf) {
    let originals = example_series(folder, "CT", [6, 5, 4]).unwrap();
    let plain = folder.join("plain");
    by.folder(&originals, &plain, &Control::new()).unwrap();
    let series = &list_series(&plain).unwrap().series[0];
    let image = read_series::<f32>(series, &ReadOptions::default()).unwrap();
    let labels = LabelMap::<u16>::from_fn(*image.geometry(), |[x, _, z]| u16::from(x > 2 && z > 0));
    let result = folder.join("result.dcm");
    let segments = vec![Segment::named(1, "liver")];
    SegWriter::new(series)
        .unwrap()
        .segments(segments)
        .write(&labels, &result)
        .unwrap();
    (originals, result)
}

#[test]
fn a_segmentation_belongs_to_its_patient_and_images_again() {
    let folder = tempfile::tempdir().unwrap();
    let by = Deidentifier::new(key());
    let (originals, result) = study(folder.path(), &by);
    let control = Control::new();
    let back = folder.path().join("back.dcm");
    let before = std::fs::read(&result).unwrap();
    assert!(!holds(&before, b"Made^Up"));
    let reidentifier = Reidentifier::new(key(), &originals, &control).unwrap();
    let report = reidentifier.file(&result, &back).unwrap();
    assert!(report.identifiers > 4);
    let bytes = std::fs::read(&back).unwrap();
    assert_eq!(value(&bytes, 0x0010_0010, "PN").unwrap(), "Made^Up");
    assert_eq!(value(&bytes, 0x0010_0020, "LO").unwrap(), "made");
    assert_eq!(value(&bytes, 0x0012_0062, "CS"), None);
    // Its own identifier stays; what it refers to are the originals.
    assert_eq!(
        value(&bytes, 0x0008_0018, "UI"),
        value(&before, 0x0008_0018, "UI")
    );
    let source = std::fs::read(originals.join("003.dcm")).unwrap();
    for (tag, vr) in [(0x0020_000D, "UI"), (0x0020_0052, "UI")] {
        assert_eq!(value(&bytes, tag, vr), value(&source, tag, vr));
    }
    let instance = value(&source, 0x0008_0018, "UI").unwrap();
    assert!(holds(&bytes, instance.as_bytes()) && !holds(&before, instance.as_bytes()));
    assert_eq!(list_series(&back).unwrap().series.len(), 1);
}

#[test]
fn a_folder_of_results_leaves_de_identified_originals_out() {
    let folder = tempfile::tempdir().unwrap();
    let (originals, result) = study(folder.path(), &Deidentifier::new(key()));
    let results = folder.path().join("plain");
    std::fs::copy(&result, results.join("result.dcm")).unwrap();
    std::fs::write(results.join("notes.txt"), "x").unwrap();
    let control = Control::new();
    let reidentifier = Reidentifier::new(key(), &originals, &control).unwrap();
    let report = reidentifier
        .folder(&results, folder.path().join("back"), &control)
        .unwrap();
    assert_eq!(
        (report.files, report.sources, report.left_out.len()),
        (1, 4, 1)
    );
    let one = crate::removed::walk(&results)
        .into_iter()
        .find(|path| path.ends_with("00001.dcm"));
    let refused = reidentifier
        .file(one.unwrap(), folder.path().join("x.dcm"))
        .unwrap_err();
    assert!(refused.to_string().contains("a de-identified original"));
}

#[test]
fn shifted_dates_of_the_originals_are_theirs_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let original = Made::new(EXPLICIT).save(&at("originals"), "a.dcm");
    let by = Deidentifier::new(key()).dates(Dates::Shift);
    by.file(&original, at("plain.dcm")).unwrap();
    // A result with the dates of its source and an identifier of its own.
    let mut bytes = std::fs::read(at("plain.dcm")).unwrap();
    let instance = value(&bytes, 0x0008_0018, "UI").unwrap();
    let own = format!("2.25.{}", "7".repeat(instance.len() - 5));
    let places: Vec<usize> = (0..bytes.len() - instance.len())
        .filter(|&i| bytes[i..].starts_with(instance.as_bytes()))
        .collect();
    for i in places {
        bytes[i..i + own.len()].copy_from_slice(own.as_bytes());
    }
    std::fs::write(at("result.dcm"), bytes).unwrap();
    let control = Control::new();
    let reidentifier = Reidentifier::new(key(), at("originals"), &control).unwrap();
    let report = reidentifier.file(at("result.dcm"), at("back.dcm")).unwrap();
    assert!(report.dates >= 3);
    let back = std::fs::read(at("back.dcm")).unwrap();
    for (tag, vr, text) in [
        (0x0008_0020, "DA", "20240229"),
        (0x0008_0022, "DA", "20240229"),
        (0x0008_002A, "DT", "20240229101112.5"),
        (0x0010_0030, "DA", "19711103"),
        (0x0008_0050, "SH", "ACC998877"),
    ] {
        assert_eq!(value(&back, tag, vr).unwrap(), text);
    }
}

#[test]
fn another_key_or_other_originals_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let control = Control::new();
    let other = DeidentifyKey::from_bytes([8; 32]);
    for by in [
        Deidentifier::new(key()),
        Deidentifier::new(key()).retain_uids(),
    ] {
        let at = tempfile::tempdir_in(folder.path()).unwrap();
        let (originals, result) = study(at.path(), &by);
        let wrong = Reidentifier::new(other.clone(), &originals, &control).unwrap();
        let error = wrong.file(&result, at.path().join("back.dcm")).unwrap_err();
        assert!(matches!(error, Error::Source { .. }) && error.to_string().contains("key"));
        let right = Reidentifier::new(key(), &originals, &control).unwrap();
        right.file(&result, at.path().join("back.dcm")).unwrap();
        let strangers = tempfile::tempdir_in(folder.path()).unwrap();
        let strangers = example_series(strangers.path(), "CT", [6, 5, 2]).unwrap();
        let wrong = Reidentifier::new(key(), strangers, &control).unwrap();
        assert!(wrong.file(&result, at.path().join("more.dcm")).is_err());
    }
    assert!(Reidentifier::new(key(), tempfile::tempdir().unwrap().path(), &control).is_err());
}
