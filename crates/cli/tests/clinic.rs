//! `vesalius clinic`: labels as DICOM objects, read back by the same command.

mod common;

use common::{error, success, vesalius};
use std::path::Path;
use vesalius::io::{LabelName, WriteOptions, read, read_labels, write_labels, write_labels_with};
use vesalius::prelude::*;

/// A series `source`, and labels `labels.nrrd` on its grid with the names liver and spleen.
fn made(folder: &Path) -> LabelMap<u16> {
    let source = vesalius::dicom::example_series(folder, "CT", [9, 8, 5]).unwrap();
    let grid = *read(source).unwrap().geometry();
    let labels = LabelMap::from_fn(grid, |[x, y, z]| match (x, y, z) {
        (2..=4, 2..=5, 1..=3) => 1u16,
        (6..=7, 1..=2, 2) => 3,
        _ => 0,
    });
    let names = vec![LabelName::new(1, "liver"), LabelName::new(3, "spleen")];
    let options = WriteOptions {
        labels: names,
        ..WriteOptions::default()
    };
    write_labels_with(folder.join("labels.nrrd"), &labels, &options).unwrap();
    labels
}

fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = vesalius(folder, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}");
    text
}

const SEG: [&str; 7] = [
    "clinic",
    "seg",
    "labels.nrrd",
    "--source",
    "source",
    "--output",
    "seg.dcm",
];

#[test]
fn a_segmentation_has_the_labels_names_and_codes() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let labels = made(folder);
    let text = said(folder, &SEG);
    assert!(
        text.contains("segment 1: liver (SCT 10200004, Liver)"),
        "{text}"
    );
    assert!(text.contains("segment 2: spleen"), "{text}");
    success(
        folder,
        &[
            "resample",
            "seg.dcm",
            "back.nrrd",
            "--like",
            "source",
            "--labels",
        ],
    );
    let back: LabelMap = read_labels(folder.join("back.nrrd")).unwrap();
    let numbered: Vec<u16> = labels
        .data()
        .iter()
        .map(|&l| [0, 1, 9, 2][l as usize])
        .collect();
    assert_eq!(back.data(), numbered);

    let before = std::fs::read(folder.join("seg.dcm")).unwrap();
    let text = error(folder, &SEG);
    assert!(text.contains("`--overwrite`"), "{text}");
    assert_eq!(std::fs::read(folder.join("seg.dcm")).unwrap(), before);
    // An object that is there goes only for a complete one.
    let missing = [&SEG[..], &["--overwrite", "--segments", "none.json"]].concat();
    error(folder, &missing);
    assert_eq!(std::fs::read(folder.join("seg.dcm")).unwrap(), before);
    success(
        folder,
        &[&SEG[..], &["--overwrite", "--all-frames"]].concat(),
    );
    assert!(std::fs::read(folder.join("seg.dcm")).unwrap().len() > before.len());
}

#[test]
fn contours_give_the_labels_back() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let labels = made(folder);
    let rtstruct = [
        "clinic",
        "rtstruct",
        "labels.nrrd",
        "--source",
        "source",
        "--output",
        "rs.dcm",
    ];
    let text = said(folder, &rtstruct);
    assert!(text.contains("structure 1: liver, 3 contours"), "{text}");
    success(
        folder,
        &["convert", "rs.dcm", "back.nrrd", "--like", "source"],
    );
    let back: LabelMap = read_labels(folder.join("back.nrrd")).unwrap();
    let numbered: Vec<u16> = labels
        .data()
        .iter()
        .map(|&l| [0, 1, 9, 2][l as usize])
        .collect();
    assert_eq!(back.data(), numbered);
}

#[test]
fn what_cannot_belong_to_the_source_is_refused_with_a_remedy() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let labels = made(folder);
    // Without a name.
    write_labels(folder.join("plain.nii.gz"), &labels).unwrap();
    let plain = [
        "clinic",
        "seg",
        "plain.nii.gz",
        "--source",
        "source",
        "--output",
        "p.dcm",
    ];
    let text = error(folder, &plain);
    assert!(text.contains("`--segments JSON`"), "{text}");
    // On another grid.
    success(
        folder,
        &[
            "resample",
            "labels.nrrd",
            "fine.nrrd",
            "--spacing",
            "0.5",
            "--labels",
        ],
    );
    let fine = [
        "clinic",
        "seg",
        "fine.nrrd",
        "--source",
        "source",
        "--output",
        "f.dcm",
    ];
    let names = &vesalius::io::probe(folder.join("fine.nrrd"))
        .unwrap()
        .labels;
    assert_eq!(names[0].name, "liver", "resampling keeps names");
    let text = error(folder, &fine);
    assert!(
        text.contains("mm") && text.contains("`--nearest`"),
        "{text}"
    );
    success(folder, &[&fine[..], &["--nearest"]].concat());
    // No DICOM, and nothing there.
    let image = [
        "clinic",
        "seg",
        "labels.nrrd",
        "--source",
        "labels.nrrd",
        "--output",
        "i.dcm",
    ];
    assert!(error(folder, &image).contains("labels.nrrd"));
    for name in ["p.dcm", "i.dcm"] {
        assert!(!folder.join(name).exists(), "{name}");
    }
}

#[test]
fn files_lose_their_names_and_results_get_them_back() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    made(folder);
    let text = said(
        folder,
        &["clinic", "deidentify", "source", "nameless", "--key", "k"],
    );
    assert!(text.contains("k: a new key"), "{text}");
    let original = vesalius::io::list_series(folder.join("source")).unwrap();
    let nameless = vesalius::io::list_series(folder.join("nameless")).unwrap();
    assert_ne!(original.series[0].uid, nameless.series[0].uid);
    assert_eq!(original.series[0].geometry, nameless.series[0].geometry);
    let seg = [
        "clinic",
        "seg",
        "labels.nrrd",
        "--source",
        "nameless",
        "--output",
        "results/seg.dcm",
    ];
    success(folder, &seg);
    let back = [
        "clinic",
        "reidentify",
        "results",
        "named",
        "--originals",
        "source",
        "--key",
        "k",
    ];
    success(folder, &back);
    let named = vesalius::io::list_series(folder.join("named")).unwrap();
    assert_eq!(named.series[0].study_uid, original.series[0].study_uid);
    // A wrong key, and what is there.
    let text = error(
        folder,
        &["clinic", "deidentify", "source", "nameless", "--key", "k"],
    );
    assert!(text.contains("nameless"), "{text}");
    std::fs::write(folder.join("short"), "12").unwrap();
    let text = error(
        folder,
        &["clinic", "deidentify", "source", "other", "--key", "short"],
    );
    assert!(
        text.contains("short") && !folder.join("other").exists(),
        "{text}"
    );
}
