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

const SR: [&str; 7] = [
    "clinic", "sr", "seg.dcm", "--source", "source", "--output", "sr.dcm",
];

#[test]
fn a_report_measures_the_segmentation_and_both_pass_the_check() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    made(folder);
    success(folder, &SEG);
    assert!(said(folder, &SR).contains("report of series 2.25."));
    let check = [
        "clinic",
        "check",
        "seg.dcm",
        "sr.dcm",
        "--source",
        "source",
        "--related",
        "seg.dcm",
    ];
    let output = vesalius(folder, &check);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    assert_eq!(text, "seg.dcm: nothing found\nsr.dcm: nothing found\n");

    // Labels that are no object are not measured.
    let of_labels = [
        "clinic",
        "sr",
        "labels.nrrd",
        "--source",
        "source",
        "--output",
        "other.dcm",
    ];
    let text = error(folder, &of_labels);
    assert!(text.contains("labels.nrrd"), "{text}");
    assert!(text.contains("`vesalius clinic seg`"), "{text}");
    // A report that replaces another names it.
    let again = [
        "clinic",
        "sr",
        "seg.dcm",
        "--source",
        "source",
        "--output",
        "again.dcm",
        "--predecessor",
        "sr.dcm",
    ];
    success(folder, &again);
    let uid = vesalius::dicom::Predecessor::open(folder.join("sr.dcm")).unwrap();
    let bytes = std::fs::read(folder.join("again.dcm")).unwrap();
    let uid = uid.instance_uid().as_bytes();
    assert!(bytes.windows(uid.len()).any(|part| part == uid));
    assert!(!folder.join("other.dcm").exists());
}

#[test]
fn a_check_names_what_does_not_fit_and_fails() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    made(folder);
    success(folder, &SEG);
    std::fs::create_dir(folder.join("elsewhere")).unwrap();
    vesalius::dicom::example_series(folder.join("elsewhere"), "CT", [9, 8, 5]).unwrap();
    let check = ["clinic", "check", "seg.dcm", "--source", "elsewhere/source"];
    let output = vesalius(folder, &check);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("seg.dcm: error: "), "{text}");
    assert!(text.contains("expected"), "{text}");
    let text = error(folder, &["clinic", "check", "labels.nrrd"]);
    assert!(text.contains("labels.nrrd"), "{text}");
}

#[test]
fn a_picture_has_the_patient_and_reads_as_colours() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    made(folder);
    let picture = [
        "clinic",
        "picture",
        "labels.nrrd",
        "--source",
        "source",
        "--output",
        "picture.dcm",
    ];
    assert!(said(folder, &picture).contains("picture of series 2.25."));
    success(
        folder,
        &["clinic", "check", "picture.dcm", "--source", "source"],
    );
    let text = error(folder, &picture);
    assert!(text.contains("`--overwrite`"), "{text}");
    success(folder, &[&picture[..], &["--overwrite"]].concat());
}

#[test]
fn contours_with_fewer_points_say_how_far_they_agree() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    made(folder);
    let contours = |more: &[&str]| {
        let plain = [
            "clinic",
            "rtstruct",
            "labels.nrrd",
            "--source",
            "source",
            "--output",
            "c.dcm",
            "--overwrite",
        ];
        [&plain[..], more]
            .concat()
            .iter()
            .map(|s| (*s).to_owned())
            .collect::<Vec<_>>()
    };
    let run = |more: &[&str]| {
        let arguments = contours(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        said(folder, &arguments)
    };
    assert!(!run(&[]).contains("Dice"));
    assert!(run(&["--simplify", "0.3"]).contains("Dice"));
    let arguments = contours(&["--simplify", "-1"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let text = error(folder, &arguments);
    assert!(text.contains("-1"), "{text}");
}

#[test]
fn a_source_of_our_own_making_is_taken_only_when_told() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    made(folder);
    success(
        folder,
        &["resample", "source", "fine.nii", "--spacing", "0.5"],
    );
    success(
        folder,
        &["convert", "fine.nii", "derived", "--source", "source"],
    );
    let labels = [
        "resample",
        "labels.nrrd",
        "fine.nrrd",
        "--like",
        "fine.nii",
        "--labels",
    ];
    success(folder, &labels);
    let seg = [
        "clinic",
        "seg",
        "fine.nrrd",
        "--source",
        "derived",
        "--output",
        "fine.dcm",
    ];
    let text = error(folder, &seg);
    assert!(text.contains("`--own-results`"), "{text}");
    success(folder, &[&seg[..], &["--own-results"]].concat());
}
