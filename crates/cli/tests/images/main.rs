//! `vesalius info` and `vesalius convert` on every format, and on bad files: one sentence that names the file and the
//! remedy. Studies and geometries that need a decision are in `studies.rs`.

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../io/tests/io/dicom_writer.rs"]
mod dicom_writer;
mod studies;

use common::{error, success};
use serde_json::Value;
use std::path::Path;
use vesalius::io::{
    LabelName, WriteOptions, probe, read_as, write, write_label_names, write_labels_with,
};
use vesalius::prelude::*;

const NAMES: [&str; 8] = [
    "a.nii", "a.nii.gz", "a.hdr", "a.img.gz", "a.mha", "a.mhd", "a.nrrd", "a.nhdr",
];

fn grid() -> Geometry {
    let turned = [[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]];
    Geometry::from_parts([4, 3, 2], [0.5, 0.75, 2.5], [-10.0, 4.0, 7.0], turned).unwrap()
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
        &["convert", "large.nii", "x.nii", "--max-memory", "20000B"],
    );
    assert!(
        text.contains("large.nii needs 524288 bytes") && text.contains("--max-memory"),
        "{text}"
    );
    // With memory for four slices it goes some slices at a time.
    success(
        folder,
        &["convert", "large.nii", "x.nii", "--max-memory", "100000B"],
    );
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert!(bytes("x.nii") == bytes("large.nii"));
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
        (
            &["info", "page.nii"],
            &["page.nii", "a web page", "download the file again"],
        ),
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
            &["convert", "a.nii", "cut.nii/b.nii"],
            &["cut.nii", "folder"],
        ),
        (&["convert", "a.nii", "a.nii"], &["a.nii", "--overwrite"]),
        (
            &["convert", "a.nii", "cut.nii"],
            &["cut.nii", "--overwrite"],
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
