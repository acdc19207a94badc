//! `vesalius info` and `vesalius convert` on every format, on DICOM studies, and on files that need
//! a decision: one sentence that names the file and the way out.

mod common;
#[path = "../../io/tests/io/dicom_writer.rs"]
mod dicom_writer;

use common::{error, success};
use dicom_writer::{directory, save, slice};
use serde_json::Value;
use std::path::Path;
use vesalius::io::{
    FourthAxis, LabelName, ReadOptions, WriteOptions, probe, read_as, read_as_with, write,
    write_label_names, write_labels_with,
};
use vesalius::prelude::*;

const NAMES: [&str; 8] = [
    "a.nii", "a.nii.gz", "a.hdr", "a.img.gz", "a.mha", "a.mhd", "a.nrrd", "a.nhdr",
];

fn grid() -> Geometry {
    let turned = [[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]];
    Geometry::from_parts([4, 3, 2], [0.5, 0.75, 2.5], [-10.0, 4.0, 7.0], turned).unwrap()
}

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

fn info(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let text = success(folder, &[&["info"], arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_format_is_described_and_becomes_every_other() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let volume = Volume::from_fn(grid(), |[x, y, z]| (x * 100 + y * 10 + z) as i16 - 200);
    std::fs::create_dir(folder.join("in")).unwrap();
    for from in NAMES {
        let input = format!("in/{from}");
        write(folder.join(&input), &volume).unwrap();
        let found = &info(folder, &[&input])[0];
        assert_eq!(found["size"], serde_json::json!([4, 3, 2]), "{from}");
        assert_eq!(found["type"], "i16");
        assert_eq!(found["channels"], 1);
        assert_eq!(found["world"], "RAS");
        for (name, expected) in [("spacing", [0.5, 0.75, 2.5]), ("origin", [-10.0, 4.0, 7.0])] {
            for (value, expected) in found[name].as_array().unwrap().iter().zip(expected) {
                assert!(
                    (value.as_f64().unwrap() - expected).abs() < 1e-6,
                    "{from} {found}"
                );
            }
        }
        assert!((found["direction"][0][1].as_f64().unwrap() + 0.6).abs() < 1e-6);
        let text = success(folder, &["info", &input]);
        assert!(
            text.contains("4 × 3 × 2") && text.contains("(RAS)"),
            "{text}"
        );
        for to in NAMES {
            success(folder, &["convert", &input, to]);
            let back = read_as::<i16>(folder.join(to)).unwrap();
            assert_eq!(back.data(), volume.data(), "{from} to {to}");
            assert!(back.geometry().is_same(volume.geometry()), "{from} to {to}");
            std::fs::remove_file(folder.join(to)).unwrap();
        }
        std::fs::remove_dir_all(folder.join("in")).unwrap();
        std::fs::create_dir(folder.join("in")).unwrap();
    }
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
    // A series in a world of its own cannot be put beside another.
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
        text.contains("1 slice(s) are missing") && text.contains("--interpolate-slices"),
        "{text}"
    );
    // A series that wants a decision is listed all the same.
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
fn type_and_compression_are_chosen_or_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    write(folder.join("real.nii"), &Volume::filled(grid(), 2.25f32)).unwrap();
    let text = error(folder, &["convert", "real.nii", "out.nii", "--type", "i16"]);
    assert!(
        text.contains("2.25") && text.contains("out.nii") && text.contains("--round"),
        "{text}"
    );
    assert!(!folder.join("out.nii").exists());
    success(
        folder,
        &["convert", "real.nii", "out.nii", "--type", "i16", "--round"],
    );
    assert_eq!(read_as::<i16>(folder.join("out.nii")).unwrap().data()[0], 2);
    assert_eq!(
        probe(folder.join("out.nii")).unwrap().voxel_type.name(),
        "i16"
    );
    let text = error(folder, &["convert", "real.nii", "out.nii", "--type", "int"]);
    assert!(text.contains("u8, i8") && text.contains("f64"), "{text}");

    let large = Geometry::axis_aligned([64; 3], [1.0; 3]).unwrap();
    write(
        folder.join("large.nii"),
        &Volume::from_fn(large, |[x, y, _]| (x * y) as i16),
    )
    .unwrap();
    let length = |name: &str| std::fs::metadata(folder.join(name)).unwrap().len();
    success(folder, &["convert", "large.nii", "small.mha"]);
    success(
        folder,
        &["convert", "large.nii", "plain.mha", "--uncompressed"],
    );
    assert!(length("small.mha") * 4 < length("plain.mha"));
    success(
        folder,
        &[
            "convert",
            "large.nii",
            "stored.nii.gz",
            "--compression",
            "0",
        ],
    );
    assert!(length("stored.nii.gz") > 2 * 64 * 64 * 64);
    assert!(
        error(
            folder,
            &["convert", "large.nii", "x.nii.gz", "--compression", "13"]
        )
        .contains("0..=12")
    );
    let text = error(
        folder,
        &["convert", "large.nii", "x.nii", "--max-memory", "100000"],
    );
    assert!(
        text.contains("large.nii needs 524288 bytes") && text.contains("--max-memory"),
        "{text}"
    );
}

#[test]
fn labels_keep_names_and_colours() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let names = vec![LabelName {
        value: 3,
        name: "kidney".to_owned(),
        color: [255, 0, 51],
        layer: 0,
    }];
    let labels = LabelMap::from_fn(grid(), |[x, ..]| x as u16);
    let options = WriteOptions {
        labels: names.clone(),
        ..WriteOptions::default()
    };
    write_labels_with(folder.join("a.seg.nrrd"), &labels, &options).unwrap();
    assert!(success(folder, &["info", "a.seg.nrrd"]).contains("3 kidney"));
    success(folder, &["convert", "a.seg.nrrd", "b.nii.gz", "--labels"]);
    let text = std::fs::read_to_string(folder.join("b.label")).unwrap();
    assert!(
        text.contains("\"kidney\"") && text.contains("255"),
        "{text}"
    );
    write_label_names(folder.join("names.txt"), &names).unwrap();
    let back = [
        "convert",
        "b.nii.gz",
        "c.seg.nrrd",
        "--labels",
        "--label-names",
        "names.txt",
    ];
    success(folder, &back);
    let found = probe(folder.join("c.seg.nrrd")).unwrap();
    assert_eq!(found.labels.last(), names.last());
    assert_eq!(found.voxel_type.name(), "u8");
    // Whole numbers only.
    write(folder.join("half.nii"), &Volume::filled(grid(), 0.5f32)).unwrap();
    let text = error(folder, &["convert", "half.nii", "d.nii", "--labels"]);
    assert!(
        text.contains("half.nii") && text.contains("whole number"),
        "{text}"
    );
    std::fs::write(folder.join("names.txt"), "1 2 3\n").unwrap();
    let text = error(folder, &back);
    assert!(
        text.contains("names.txt") && text.contains("line 1"),
        "{text}"
    );
}

#[test]
fn bad_input_is_one_sentence_with_the_file_and_the_way_out() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let image = Volume::from_fn(grid(), |[x, y, z]| (x * y * z) as i16);
    write(folder.join("a.nii"), &image).unwrap();
    let bytes = std::fs::read(folder.join("a.nii")).unwrap();
    std::fs::write(folder.join("cut.nii"), &bytes[..360]).unwrap();
    std::fs::write(folder.join("page.nii"), "<html>not found</html>").unwrap();
    std::fs::create_dir(folder.join("empty")).unwrap();
    for (arguments, needles) in [
        (
            &["info", "gone.nii"][..],
            &["gone.nii", "check the name"][..],
        ),
        (&["info", "empty"], &["empty", "no image file"]),
        (&["info", "cut.nii"], &["cut.nii", "truncated", "360"]),
        (&["info", "page.nii"], &["page.nii", "text that begins"]),
        (
            &["convert", "gone.nii", "b.nii"],
            &["gone.nii", "check the name"],
        ),
        (&["convert", "empty", "b.nii"], &["empty", "no DICOM file"]),
        (
            &["convert", "cut.nii", "b.nii"],
            &["cut.nii", "truncated", "download"],
        ),
        (&["convert", "a.nii", "b.jpg"], &["b.jpg", ".nii.gz"]),
        (
            &["convert", "a.nii", "no/b.nii"],
            &["no/b.nii", "folder must exist"],
        ),
        (&["convert", "a.nii", "empty/"], &["empty"]),
    ] {
        let text = error(folder, arguments);
        let lines = text.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(lines.count(), 1, "{arguments:?}: {text}");
        for needle in needles {
            assert!(text.contains(needle), "{arguments:?}: {needle}: {text}");
        }
    }
    assert!(!folder.join("b.nii").exists());
    // A folder with a broken file among others lists all and fails at the end.
    let output = common::vesalius(folder, &["info", "."]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("a.nii") && text.contains("4 × 3 × 2"),
        "{text}"
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("2 of 3"), "{text}");
}

#[test]
fn json_never_takes_an_image_or_a_folder_for_its_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let grid = vesalius::volume::Geometry::axis_aligned([4; 3], [1.0; 3]).unwrap();
    let image = vesalius::volume::Volume::filled(grid, 1u8);
    std::fs::create_dir(folder.join("scans")).unwrap();
    vesalius::io::write(folder.join("scans/a.nii"), &image).unwrap();
    let before = std::fs::read(folder.join("scans/a.nii")).unwrap();
    for path in ["scans", "scans/a.nii"] {
        let json = success(folder, &["info", "--json", path]);
        let found: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(found[0]["size"], serde_json::json!([4, 4, 4]));
    }
    for path in ["scans", "scans/a.nii"] {
        let text = error(folder, &["info", "scans", "--json", path]);
        assert!(text.contains("would be overwritten"), "{text}");
    }
    assert_eq!(std::fs::read(folder.join("scans/a.nii")).unwrap(), before);
    assert!(error(folder, &["info", "--json", "new.json"]).contains("name an image"));
    success(folder, &["info", "scans", "--json", "new.json"]);
    assert!(folder.join("new.json").is_file());
}
