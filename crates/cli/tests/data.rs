//! `vesalius data`: what it lists, and fetches of an archive on this disk, killed at any moment.

mod common;

use common::{error, killed, success};
use std::io::Write;
use std::path::Path;

/// `archives/Task77_Organ.zip` with one case; returns its address.
fn archive(folder: &Path, bytes: usize) -> String {
    std::fs::create_dir_all(folder.join("archives")).unwrap();
    let path = folder.join("archives/Task77_Organ.zip");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let list = br#"{"modality": {"0": "CT"}, "labels": {"0": "background", "1": "organ"},
        "training": [{"image": "imagesTr/a.nii", "label": "labelsTr/a.nii"}]}"#;
    let image: Vec<u8> = (0..bytes).map(|i| (i * 7 % 251) as u8).collect();
    for (name, bytes) in [
        ("dataset.json", &list[..]),
        ("imagesTr/a.nii", &image),
        ("labelsTr/a.nii", b"x"),
    ] {
        let options = zip::write::SimpleFileOptions::default();
        let options = options.compression_method(zip::CompressionMethod::Stored);
        archive
            .start_file(format!("Task77_Organ/{name}"), options)
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
    format!("file://{}", path.display())
}

#[test]
fn the_list_names_ten_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let text = success(folder.path(), &["data", "list"]);
    assert!(
        text.contains("Task04_Hippocampus") && text.contains("28 MB") && text.contains("28.9 GB")
    );
    let json = success(folder.path(), &["data", "list", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 10);
    assert_eq!(json[8]["checksum"], "MD5 410d4a301da4e5b2f6f86ec3ddba524e");
}

#[test]
fn an_archive_is_fetched_once_and_again_when_asked() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let url = archive(folder, 100);
    let fetch = ["data", "fetch", &url, "--output", "sets/new"];
    assert_eq!(
        success(folder, &fetch),
        "sets/new/Task77_Organ: 1 labelled case\n"
    );
    assert!(success(folder, &fetch).contains("was there already"));
    std::fs::remove_file(folder.join("sets/new/Task77_Organ/labelsTr/a.nii")).unwrap();
    let text = error(folder, &fetch);
    assert!(
        text.contains("labelsTr/a.nii") && text.contains("--overwrite"),
        "{text}"
    );
    let json = success(
        folder,
        &[&fetch[..], &["--overwrite", "--keep-archive", "--json"]].concat(),
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["cases"], &json["files"]), (&1.into(), &3.into()));
    assert!(folder.join("sets/new/Task77_Organ.zip").is_file());
}

#[test]
fn what_cannot_be_fetched_says_why() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let url = archive(folder, 100);
    let cases: &[(&[&str], &[&str])] = &[
        (&["knee"], &["no dataset is called `knee`", "Task10_Colon"]),
        (&["ftp://example.org/a.tar"], &["https://"]),
        (&["file:///no/such/archive.tar"], &["/no/such/archive.tar"]),
        (&[&url, "--sha256", "12"], &["64 hexadecimal digits"]),
        (
            &[&url, "--sha256", &"0".repeat(64)],
            &["expected SHA-256 000", "--from"],
        ),
        (
            &[&url, "--max-size", "50B"],
            &["above the limit", "--max-size"],
        ),
        (
            &["spleen", "--from", "file:///no/such"],
            &["/no/such/Task09_Spleen.tar"],
        ),
        (&["spleen", "--from", "mirror"], &["https://"]),
    ];
    for (given, says) in cases {
        let text = error(
            folder,
            &[&["data", "fetch", "--output", "sets"], *given].concat(),
        );
        for part in *says {
            assert!(text.contains(part), "{given:?}: {text}");
        }
        assert!(!folder.join("sets/Task77_Organ").exists());
    }
}

#[test]
fn a_fetch_that_is_killed_leaves_nothing_under_the_name_and_is_continued() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let url = archive(folder, 40_000_000);
    let fetch = ["data", "fetch", &url, "--output", "sets"];
    let mut ended = false;
    for milliseconds in [10, 20, 30, 45, 60, 80, 100] {
        ended |= killed(folder, &fetch, milliseconds);
        let place = folder.join("sets/Task77_Organ");
        if place.exists() {
            let image = std::fs::metadata(place.join("imagesTr/a.nii")).unwrap();
            assert_eq!(image.len(), 40_000_000, "killed after {milliseconds} ms");
        } else {
            assert!(!ended);
        }
    }
    success(folder, &fetch);
    let left = std::fs::read_dir(folder.join("sets")).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["Task77_Organ"]);
}
