//! `vesalius pacs`, with a server of the library as the archive.

mod common;

use common::{error, success};
use std::path::Path;
use std::sync::Arc;
use vesalius::pacs::{AeTitle, FolderReceiver, Server, ServerOptions};

/// An archive that takes objects into `archive`, under the title PACS; and its address.
fn archive(folder: &Path) -> (Server, String) {
    let receiver = Arc::new(FolderReceiver::new(folder.join("archive")).unwrap());
    let options = ServerOptions::new(AeTitle::new("PACS").unwrap());
    let server = Server::start("127.0.0.1:0", options, receiver).unwrap();
    let address = format!("PACS@{}", server.address());
    (server, address)
}

#[test]
fn an_archive_that_answers_is_told_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = archive(folder.path());
    let text = success(folder.path(), &["pacs", "echo", &address]);
    assert!(text.starts_with("it answers, in "), "{text}");
    let wrong = address.replace("PACS@", "OTHER@");
    let text = error(folder.path(), &["pacs", "echo", &wrong]);
    assert!(text.contains("called AE title `OTHER`"), "{text}");
}

#[test]
fn a_series_is_sent_and_files_that_are_none_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = archive(folder.path());
    let series = vesalius::dicom::example_series(folder.path(), "CT", [6, 5, 4]).unwrap();
    std::fs::write(folder.path().join("text.txt"), "none").unwrap();
    let series = series.to_str().unwrap();
    let text = success(folder.path(), &["pacs", "send", &address, series]);
    assert!(text.contains("4 of 4 files were stored"), "{text}");
    let text = error(
        folder.path(),
        &["pacs", "send", &address, series, "text.txt"],
    );
    assert!(
        text.contains("text.txt") && text.contains("a file was not stored"),
        "{text}"
    );
}

#[test]
fn what_an_archive_does_not_offer_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = archive(folder.path());
    let text = error(
        folder.path(),
        &["pacs", "find", &address, "--match", "PatientID=1"],
    );
    assert!(text.contains("C-FIND"), "{text}");
    let get = ["pacs", "get", &address, "--study", "1.2", "--output", "out"];
    assert!(error(folder.path(), &get).contains("C-GET"));
    assert!(!folder.path().join("out").exists(), "nothing came");
    let typed = ["pacs", "find", &address, "--match", "PatientNmae=1"];
    assert!(error(folder.path(), &typed).contains("PatientNmae"));
    assert!(error(folder.path(), &["pacs", "echo", "PACS"]).contains("TITLE@HOST:PORT"));
    let moved = [
        "pacs",
        "move",
        "http://127.0.0.1:1/rs",
        "--study",
        "1.2",
        "--to",
        "A",
    ];
    assert!(error(folder.path(), &moved).contains("pacs get"));
}
