//! Every option that an error advises makes the refused call pass, in every command that reads images.

mod common;
#[path = "../../io/tests/io/dicom_writer.rs"]
mod dicom_writer;

use common::{error, success};
use dicom_writer::{save, slice};
use std::path::Path;
use vesalius::io::{probe, write, write_labels};
use vesalius::prelude::*;

/// Commands that read one image, each with what it needs besides the image and the result.
const READERS: [(&[&str], &[&str], &str); 5] = [
    (&["convert"], &["--overwrite"], "out.nii.gz"),
    (
        &["filter", "clip"],
        &["--low", "0", "--high", "9", "--overwrite"],
        "out.nii.gz",
    ),
    (
        &["resample"],
        &["--size", "4,4,4", "--image", "--overwrite"],
        "out.nii.gz",
    ),
    (&["view"], &["--output", "out.png", "--overwrite"], ""),
    (
        &["transform", "chain.yaml"],
        &["--output", "out", "--overwrite"],
        "",
    ),
];

/// Runs a reader on a file, with further options: its error, which must advise `option`, then its success.
fn refused_then_read(folder: &Path, reader: usize, file: &str, option: &str, given: &[&str]) {
    let (command, needs, output) = READERS[reader];
    let mut arguments: Vec<&str> = command.to_vec();
    arguments.push(file);
    if !output.is_empty() {
        arguments.push(output);
    }
    arguments.extend(needs);
    let text = error(folder, &arguments);
    assert!(text.contains(option), "{arguments:?}: {text}");
    arguments.extend(given);
    success(folder, &arguments);
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("chain.yaml"), "- z_score: {}\n").unwrap();
    folder
}

/// A NIfTI file with neither sform nor qform.
fn bare(path: &Path) {
    let geometry = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
    write_labels(
        path,
        &LabelMap::from_fn(geometry, |[x, y, _]| u16::from(x > y)),
    )
    .unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[252..256].fill(0);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_without_a_position_is_read_with_a_spacing() {
    let folder = folder();
    bare(&folder.path().join("bare.nii"));
    let spacing = ["--assume-spacing", "1,2,3"];
    for reader in 0..READERS.len() {
        refused_then_read(
            folder.path(),
            reader,
            "bare.nii",
            "--assume-spacing",
            &spacing,
        );
    }
    let text = error(folder.path(), &["info", "bare.nii"]);
    assert!(text.contains("bare.nii"), "{text}");
    let pair = [
        "evaluate",
        "--prediction",
        "bare.nii",
        "--reference",
        "bare.nii",
    ];
    assert!(error(folder.path(), &pair).contains("--assume-spacing"));
    success(folder.path(), &[&pair[..], &spacing].concat());
    success(
        folder.path(),
        &[
            &["filter", "dilate", "bare.nii", "d.nii", "--radius", "1"][..],
            &spacing,
        ]
        .concat(),
    );
    let found = probe(folder.path().join("d.nii"))
        .unwrap()
        .geometry
        .spacing();
    assert_eq!(found, [1.0, 2.0, 3.0]);
}

#[test]
fn a_fourth_axis_is_read_as_channels() {
    let folder = folder();
    let geometry = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
    let two = Volume::new(geometry, 2, (0..128).map(|i| i as f32).collect()).unwrap();
    write(folder.path().join("two.nii"), &two).unwrap();
    for reader in 0..3 {
        refused_then_read(
            folder.path(),
            reader,
            "two.nii",
            "--channels",
            &["--channels"],
        );
    }
    // Labels have no channels, so nothing is advised that would not help.
    let text = error(
        folder.path(),
        &["filter", "dilate", "two.nii", "d.nii", "--radius", "1"],
    );
    assert!(
        !text.contains("--channels") && text.contains("two.nii"),
        "{text}"
    );
}

#[test]
fn a_large_image_is_read_with_a_higher_limit() {
    let folder = folder();
    let geometry = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
    write(
        folder.path().join("a.nii"),
        &Volume::filled(geometry, 1.0f32),
    )
    .unwrap();
    for (command, needs, output) in READERS {
        let mut arguments: Vec<&str> = [command, &["a.nii"]].concat();
        if !output.is_empty() {
            arguments.push(output);
        }
        arguments.extend(needs);
        let text = error(
            folder.path(),
            &[&arguments[..], &["--max-memory", "100B"]].concat(),
        );
        assert!(text.contains("--max-memory 1GiB"), "{arguments:?}: {text}");
        success(
            folder.path(),
            &[&arguments[..], &["--max-memory", "1GiB"]].concat(),
        );
    }
}

#[test]
fn a_series_is_named_and_gaps_are_interpolated() {
    let folder = folder();
    let series = |name: &str, heights: &[f64], number: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        for (z, &height) in heights.iter().enumerate() {
            let uid = [b"1.2.", number].concat();
            let changes: &[(u32, &[u8; 2], &[u8])] =
                &[(0x0020_000E, b"UI", &uid), (0x0020_0011, b"IS", number)];
            let file = format!("{}_{z}", String::from_utf8_lossy(number));
            save(&path, &file, &slice(height, [z as i16; 6], changes));
        }
    };
    series("two", &[0.0, 3.0, 6.0], b"4");
    series("two", &[0.0, 3.0, 6.0], b"7");
    series("gap", &[0.0, 3.0, 6.0, 12.0], b"4");
    for reader in 0..READERS.len() {
        refused_then_read(folder.path(), reader, "two", "--series", &["--series", "7"]);
        let interpolate = ["--interpolate-slices"];
        refused_then_read(
            folder.path(),
            reader,
            "gap",
            "--interpolate-slices",
            &interpolate,
        );
    }
}

#[test]
fn values_that_are_not_whole_are_rounded_when_asked() {
    let folder = folder();
    let geometry = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
    write(
        folder.path().join("a.nii"),
        &Volume::filled(geometry, 0.5f32),
    )
    .unwrap();
    let convert = ["convert", "a.nii", "b.nii", "--type", "u8"];
    assert!(error(folder.path(), &convert).contains("`--round`"));
    success(folder.path(), &[&convert[..], &["--round"]].concat());
}

#[test]
fn a_case_of_a_dataset_is_put_right_by_the_command_that_the_error_prints() {
    let folder = folder();
    common::dataset(folder.path(), 4);
    let image = folder.path().join("images/spheres_001.nii.gz");
    let volume = vesalius::io::read(&image).unwrap();
    let plain = folder.path().join("plain.nii");
    write(&plain, &volume).unwrap();
    let mut bytes = std::fs::read(&plain).unwrap();
    bytes[252..256].fill(0);
    // The content decides what a file is, not its name.
    std::fs::write(&image, bytes).unwrap();
    let train = ["train", "config.yaml", "--output", "model", "--steps", "1"];
    for command in [
        &train[..],
        &["auto", "analyze", "--data", ".", "--output", "analysis"],
    ] {
        let text = error(folder.path(), command);
        let advice = text
            .split('`')
            .find(|part| part.starts_with("vesalius convert "))
            .unwrap_or_else(|| panic!("{command:?} advises no command: {text}"));
        let advice = advice.replace("X,Y,Z", "1,1,1");
        let words: Vec<&str> = advice.split_whitespace().skip(1).collect();
        success(folder.path(), &words);
        let copy = folder.path().join("images/spheres_001_readable.nii.gz");
        assert_eq!(vesalius::io::read(&copy).unwrap().data(), volume.data());
        std::fs::remove_file(&copy).unwrap();
    }
}
