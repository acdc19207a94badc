//! DICOM studies, series as channels, and files whose geometry needs a decision.

use super::common::{error, success, vesalius};
use super::dicom_writer::{directory, save, slice};
use super::{grid, info};
use serde_json::Value;
use std::path::Path;
use vesalius::io::{FourthAxis, ReadOptions, probe, read_as, read_as_with, write};
use vesalius::prelude::*;

/// A study of two series in folders of their own: number 4 `thorax` of `count` slices, and number 7
/// `abdomen`, whose grid is shifted by a voxel along x.
fn study(folder: &Path, count: i16) {
    let (deep, deeper) = (folder.join("study/a"), folder.join("study/b/c"));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::create_dir_all(&deeper).unwrap();
    for z in 0..count {
        let height = 3.0 * f64::from(z);
        save(&deep, &z.to_string(), &slice(height, [z; 6], &[]));
        let position = format!("-9.75\\-20\\{height}");
        let other: &[(u32, &[u8; 2], &[u8])] = &[
            (0x0020_000E, b"UI", b"1.2.4"),
            (0x0020_0011, b"IS", b"7"),
            (0x0008_103E, b"LO", b"abdomen"),
            (0x0020_0032, b"DS", position.as_bytes()),
        ];
        let values = [0, 1, 2, 3, 4, 5].map(|x| 10 * x + z);
        save(&deeper, &z.to_string(), &slice(height, values, other));
    }
}

#[test]
fn every_command_that_reads_one_slice_of_a_series_says_so_in_the_same_words() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    study(folder, 3);
    let file = "study/a/1";
    let words = "one slice of a DICOM series, whose other slices stand beside it; give the folder study/a for the whole volume";
    for arguments in [
        vec!["info", file],
        vec!["convert", file, "c.nii.gz"],
        vec!["view", file, "--output", "v.png"],
        vec!["resample", file, "r.nii.gz", "--spacing", "1", "--image"],
        vec!["filter", "gaussian", file, "g.nii.gz", "--sigma", "1"],
    ] {
        let output = vesalius(folder, &arguments);
        assert!(output.status.success(), "{arguments:?}");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let one_line: Vec<&str> = said.split_whitespace().collect();
        assert!(one_line.join(" ").contains(words), "{arguments:?}: {said}");
    }
    let text = error(folder, &["convert", file, "s.nii.gz", "--strict"]);
    assert!(text.contains("give the folder study/a"), "{text}");
    let output = vesalius(folder, &["convert", "study/a", "whole.nii.gz"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("one slice"));
}

#[test]
fn a_study_is_listed_and_one_series_chosen() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    study(folder, 3);
    write(
        folder.join("study/scan.nii.gz"),
        &Volume::filled(grid(), 1u8),
    )
    .unwrap();
    let found = info(folder, &["study"]);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0]["series"]["number"], "4");
    assert_eq!(found[1]["series"]["description"], "abdomen");
    assert_eq!(found[1]["series"]["files"].as_array().unwrap().len(), 3);
    assert_eq!(found[1]["size"], serde_json::json!([3, 2, 3]));
    assert_eq!(found[0]["series"]["metadata"]["PatientName"], "Doe^Jane");
    assert_eq!(found[2]["format"], "nifti1");
    let text = success(folder, &["info", "study"]);
    assert!(
        text.contains("CT `thorax`, number 4") && text.contains("1.2.4"),
        "{text}"
    );
    // The list goes to a file while the text stays.
    success(folder, &["info", "study", "--json", "list.json"]);
    let list = std::fs::read_to_string(folder.join("list.json")).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Value>>(&list).unwrap().len(), 3);

    let text = error(folder, &["convert", "study", "out.nii"]);
    for needle in [
        "several series",
        "--series",
        "thorax",
        "abdomen",
        "1.2.3",
        "study",
    ] {
        assert!(text.contains(needle), "{needle}: {text}");
    }
    let text = error(folder, &["convert", "study", "out.nii", "--series", "9"]);
    assert!(
        text.contains("no series `9`") && text.contains("abdomen"),
        "{text}"
    );
    assert!(!folder.join("out.nii").exists());
    for name in ["1.2.4", "7", "abdomen", "ABDOMEN"] {
        success(
            folder,
            &["convert", "study", "out.nii.gz", "--series", name],
        );
        let volume = read_as::<u8>(folder.join("out.nii.gz")).unwrap();
        assert_eq!(volume.data()[..7], [0, 10, 20, 30, 40, 50, 1]);
        std::fs::remove_file(folder.join("out.nii.gz")).unwrap();
    }

    let path = directory(folder, &[b"study\\a\\0", b"study\\a\\1", b"study\\a\\2"]);
    assert!(path.ends_with("DICOMDIR"));
    let found = info(folder, &["DICOMDIR"]);
    assert_eq!(found.len(), 1);
    success(folder, &["convert", "DICOMDIR", "directory.mha"]);
    assert_eq!(
        read_as::<u8>(folder.join("directory.mha")).unwrap().data()[12..],
        [2; 6]
    );
}

#[test]
fn several_series_become_channels_on_the_grid_of_the_first() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    study(folder, 2);
    let two = [
        "convert",
        "study",
        "two.nii.gz",
        "--series",
        "thorax",
        "--series",
        "abdomen",
    ];
    success(folder, &two);
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::default()
    };
    let volume = read_as_with::<f32>(folder.join("two.nii.gz"), &options).unwrap();
    assert_eq!(volume.channels(), 2);
    assert_eq!(
        volume.channel(0),
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    );
    // The second lies one voxel further along x: nothing, then its first two.
    assert_eq!(volume.channel(1)[..6], [0.0, 0.0, 10.0, 0.0, 30.0, 40.0]);
    let refused = error(folder, &["convert", "two.nii.gz", "x.nrrd"]);
    assert!(
        refused.contains("--channels") && refused.contains("two.nii.gz"),
        "{refused}"
    );
    success(folder, &["convert", "two.nii.gz", "x.nrrd", "--channels"]);
    assert_eq!(probe(folder.join("x.nrrd")).unwrap().channels, 2);
    // A series of another frame of reference cannot be combined with others.
    for z in 0..2 {
        let other: &[(u32, &[u8; 2], &[u8])] = &[
            (0x0020_000E, b"UI", b"1.2.6"),
            (0x0020_0011, b"IS", b"8"),
            (0x0020_0052, b"UI", b"9.9"),
        ];
        save(
            &folder.join("study"),
            &format!("d{z}"),
            &slice(f64::from(z), [1; 6], other),
        );
    }
    let text = error(
        folder,
        &[
            "convert", "study", "no.nii", "--series", "4", "--series", "8",
        ],
    );
    assert!(
        text.contains("frame of reference") && text.contains("register"),
        "{text}"
    );
}

#[test]
fn geometry_that_needs_a_decision_names_the_flag() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    study(folder, 4);
    std::fs::remove_file(folder.join("study/a/1")).unwrap();
    fn convert<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["convert", "study/a", "out.nii"], more].concat()
    }
    let text = error(folder, &convert(&[]));
    assert!(
        text.contains("1 slice is missing") && text.contains("--interpolate-slices"),
        "{text}"
    );
    // A series that needs a decision is listed all the same.
    let found = info(folder, &["study/a"]);
    assert!(found[0]["problem"].as_str().unwrap().contains("missing"));
    assert_eq!(
        info(folder, &["study/a", "--interpolate-slices"])[0]["size"][2],
        4
    );
    success(folder, &convert(&["--interpolate-slices"]));
    let filled = read_as::<f32>(folder.join("out.nii")).unwrap();
    assert_eq!(filled.get(0, [0, 0, 1]), 1.0);

    std::fs::create_dir(folder.join("tilted")).unwrap();
    for z in 0..3i16 {
        let position = format!("0\\{z}\\{}", 3 * z);
        let bytes = slice(0.0, [z; 6], &[(0x0020_0032, b"DS", position.as_bytes())]);
        save(&folder.join("tilted"), &z.to_string(), &bytes);
    }
    let text = error(folder, &["convert", "tilted", "t.nii"]);
    assert!(
        text.contains("tilted gantry") && text.contains("--keep-shear"),
        "{text}"
    );
    success(folder, &["convert", "tilted", "t.nii", "--keep-shear"]);
    assert_eq!(
        probe(folder.join("t.nii"))
            .unwrap()
            .geometry
            .affine()
            .rows()[1][2],
        -1.0
    );

    let header = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 2\nencoding: raw\n\n1234";
    std::fs::write(folder.join("bare.nrrd"), header).unwrap();
    let text = error(folder, &["convert", "bare.nrrd", "b.nii"]);
    assert!(
        text.contains("bare.nrrd") && text.contains("--assume-spacing"),
        "{text}"
    );
    success(
        folder,
        &["convert", "bare.nrrd", "b.nii", "--assume-spacing", "1,2,3"],
    );
    assert_eq!(
        probe(folder.join("b.nii")).unwrap().geometry.spacing(),
        [1.0, 2.0, 3.0]
    );
    assert_eq!(
        info(folder, &["bare.nrrd", "--assume-spacing", "1,2,3"])[0]["spacing"][2],
        3.0
    );
    let text = error(
        folder,
        &["convert", "bare.nrrd", "b.nii", "--assume-spacing", "1,2"],
    );
    assert!(text.contains("three positive numbers"), "{text}");
}

#[test]
fn uptake_values_are_read_by_request_and_refused_where_they_cannot_be_known() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let pet: &[(u32, &[u8; 2], &[u8])] = &[
        (0x0008_0060, b"CS", b"PT"),
        (0x0028_0051, b"CS", b"DECY\\ATTN"),
        (0x0028_1053, b"DS", b"2"),
        (0x0028_1052, b"DS", b"0"),
        (0x0054_1001, b"CS", b"GML"),
        (0x0054_1006, b"CS", b"BW"),
        (0x0054_1102, b"CS", b"START"),
    ];
    for (name, changes) in [("pet", pet), ("ct", &[])] {
        std::fs::create_dir(folder.join(name)).unwrap();
        for z in 0..3_i16 {
            let bytes = slice(3.0 * f64::from(z), [z; 6], changes);
            save(&folder.join(name), &z.to_string(), &bytes);
        }
    }
    let suv = ["--suv", "body-weight"];
    success(folder, &[&["convert", "pet", "suv.nii"], &suv[..]].concat());
    let read = read_as::<f32>(folder.join("suv.nii")).unwrap();
    assert_eq!(read.get(0, [0, 0, 2]), 4.0);
    let text = error(folder, &[&["convert", "ct", "ct.nii"], &suv[..]].concat());
    assert!(
        text.contains("Modality (0008,0060) is `CT`") && text.contains("leave `--suv` out"),
        "{text}"
    );
    assert!(!folder.join("ct.nii").exists());
}

#[test]
fn a_sidecar_is_written_beside_the_image() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    study(folder, 3);
    let convert = ["convert", "study/a", "a.nii.gz", "--sidecar"];
    std::fs::write(folder.join("a.json"), "mine").unwrap();
    let text = error(folder, &convert);
    assert!(
        text.contains("a.json is there already") && text.contains("--overwrite"),
        "{text}"
    );
    assert!(!folder.join("a.nii.gz").exists());
    success(folder, &[&convert[..], &["--overwrite"]].concat());
    let text = std::fs::read_to_string(folder.join("a.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["Modality"], "CT");
    assert!(!text.contains("Jane"));
    assert!(!folder.join("a.bval").exists());
    let text = error(folder, &["convert", "a.nii.gz", "b.nii.gz", "--sidecar"]);
    assert!(
        text.contains("a.nii.gz") && text.contains("DICOM"),
        "{text}"
    );
    assert!(!folder.join("b.nii.gz").exists());
}

#[test]
fn an_image_becomes_a_series_of_the_patient_it_was_made_from() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let source = vesalius::dicom::example_series(folder, "MR", [6, 5, 4]).unwrap();
    let source = source.file_name().unwrap().to_str().unwrap();
    success(folder, &["convert", source, "mr.nii.gz"]);
    let convert = ["convert", "mr.nii.gz", "out", "--source", source];
    success(
        folder,
        &[&convert[..], &["--description", "again"]].concat(),
    );
    let (before, after) = (&info(folder, &[source])[0], &info(folder, &["out"])[0]);
    assert_eq!(before["size"], after["size"]);
    let read = |name: &str| read_as::<f64>(folder.join(name)).unwrap();
    assert_eq!(read("out").data(), read(source).data());
    assert!(read("out").geometry().is_same(read(source).geometry()));
    let series = &vesalius::io::list_series(folder.join("out"))
        .unwrap()
        .series[0];
    assert_eq!(series.description, "again");
    // What is there stays.
    let text = error(folder, &convert);
    assert!(text.contains("out exists"), "{text}");

    let mut broken = read_as::<f32>(folder.join("mr.nii.gz")).unwrap();
    broken.data_mut()[3] = f32::NAN;
    write(folder.join("nan.nii"), &broken).unwrap();
    let convert = ["convert", "nan.nii", "nan", "--source", source];
    let text = error(folder, &convert);
    assert!(
        text.contains("1 of 120 voxels") && text.contains("`--not-finite`"),
        "{text}"
    );
    assert!(!folder.join("nan").exists());
    success(folder, &[&convert[..], &["--not-finite", "-5"]].concat());
    assert_eq!(read("nan").get(0, [3, 0, 0]), -5.0);
    let text = error(
        folder,
        &[
            "convert",
            "mr.nii.gz",
            "x",
            "--source",
            source,
            "--overwrite",
        ],
    );
    assert!(text.contains("--overwrite"), "{text}");
}
