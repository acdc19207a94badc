//! Whole fetches from a server with the faults that networks have, and from archives of strangers.

mod archives;
mod server;

use archives::{dataset, gzip, raw_tar, tar, zip};
use server::{Fault, Server};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vesalius_control::Control;
use vesalius_fetch::{Checksum, Error, FetchOptions, Fetched, Source, fetch};

const NAME: &str = "Task77_Organ.tar";

fn options(folder: &TempDir) -> FetchOptions {
    let mut options = FetchOptions::new(folder.path().join("data"));
    options.first_wait = Duration::from_millis(1);
    options
}

fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::Sha256(Sha256::digest(bytes).into())
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// That a folder has the files of [`dataset`] and nothing else, and nothing is left beside it.
fn assert_whole(fetched: &Fetched, bytes: u64) {
    assert_eq!(
        (fetched.cases, fetched.files, fetched.bytes),
        (Some(2), 6, bytes)
    );
    for (name, content) in dataset("x")
        .iter()
        .filter(|(name, _)| !name.contains("/._"))
    {
        let path = fetched.folder.join(name.strip_prefix("x/").unwrap());
        assert!(std::fs::read(path).unwrap() == *content, "{name}");
    }
    assert_eq!(
        names(&fetched.folder.join("imagesTr")),
        ["a.nii.gz", "b.nii.gz"]
    );
    assert_eq!(names(fetched.folder.parent().unwrap()), ["Task77_Organ"]);
}

#[test]
fn archives_of_each_kind_are_fetched_checked_and_unpacked() {
    let files = dataset("Task77_Organ");
    let kinds = [
        ("Task77_Organ.tar", tar(&files)),
        ("Task77_Organ.tar.gz", gzip(&tar(&files))),
        ("Task77_Organ.tgz", gzip(&tar(&files))),
        ("Task77_Organ.zip", zip(&files)),
    ];
    for (name, bytes) in kinds {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start().file(name, &bytes, None);
        let source = Source::url(&server.url(name))
            .unwrap()
            .with_checksum(sha256(&bytes));
        let fetched = fetch(&source, &options(&folder)).unwrap();
        assert_whole(&fetched, bytes.len() as u64);
        assert!(!fetched.was_there);
        // A second call fetches nothing.
        let again = fetch(&source, &options(&folder)).unwrap();
        assert!(again.was_there && again.cases == Some(2));
        assert_eq!(server.requests().len(), 1, "{name}");
    }
}

#[test]
fn an_archive_without_a_top_folder_gets_one_and_may_stay() {
    let files: Vec<_> = dataset("x")
        .into_iter()
        .map(|(name, bytes)| (name[2..].to_owned(), bytes))
        .collect();
    let bytes = zip(&files);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Task77_Organ.zip");
    std::fs::write(&path, &bytes).unwrap();
    let source = Source::url(&format!("file://{}", path.display())).unwrap();
    let mut options = options(&folder);
    options.keep_archive = true;
    let fetched = fetch(&source, &options).unwrap();
    assert_eq!(fetched.cases, Some(2));
    assert!(std::fs::read(fetched.archive.unwrap()).unwrap() == bytes);
    assert_eq!(names(&options.output), ["Task77_Organ", "Task77_Organ.zip"]);
}

#[test]
fn a_file_that_is_no_archive_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().file("scan.nii.gz", b"a scan", None);
    let fetched = fetch(
        &Source::url(&server.url("scan.nii.gz")).unwrap(),
        &options(&folder),
    )
    .unwrap();
    assert_eq!(std::fs::read(&fetched.folder).unwrap(), b"a scan");
    assert_eq!(names(&folder.path().join("data")), ["scan.nii.gz"]);
}

#[test]
fn lost_connections_are_continued_where_they_ended() {
    let bytes = tar(&dataset("Task77_Organ"));
    for (version, ranged) in [
        (Some("\"v1\""), true),
        (Some("Tue, 01 Dec 2026 10:00:00 GMT"), true),
        (None, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start()
            .file(NAME, &bytes, version)
            .fault(0, Fault::CutAfter(400_000))
            .fault(1, Fault::Status(503))
            .fault(2, Fault::CutAfter(500_000));
        let source = Source::url(&server.url(NAME)).unwrap();
        let fetched = fetch(&source, &options(&folder)).unwrap();
        assert_whole(&fetched, bytes.len() as u64);
        // Without a version of the file and without a checksum two halves may be of two files.
        let requests = server.requests();
        assert_eq!(requests.len(), 4);
        assert_eq!(requests[3].is_some(), ranged, "{requests:?}");
    }
}

#[test]
fn an_interrupted_call_is_continued_by_the_next() {
    let bytes = tar(&dataset("Task77_Organ"));
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start()
        .file(NAME, &bytes, Some("\"v1\""))
        .fault(0, Fault::CutAfter(700_000));
    let source = Source::url(&server.url(NAME))
        .unwrap()
        .with_checksum(sha256(&bytes));
    let mut first = options(&folder);
    first.first_wait = Duration::from_secs(100);
    let control = first.control.clone();
    control.clone().on_progress(move |progress| {
        if progress.done >= 700_000 {
            control.cancel();
        }
    });
    let begun = Instant::now();
    assert!(matches!(fetch(&source, &first), Err(Error::Cancelled)));
    assert!(begun.elapsed() < Duration::from_secs(50));
    assert_eq!(names(&first.output).len(), 2, "the part and what it is of");
    assert_whole(
        &fetch(&source, &options(&folder)).unwrap(),
        bytes.len() as u64,
    );
    assert_eq!(server.requests()[1].as_deref(), Some("bytes=700000-"));
}

#[test]
fn a_file_that_changed_meanwhile_is_fetched_from_its_begin() {
    let (old, new) = (tar(&dataset("Old")), tar(&dataset("Task77_Organ")));
    for version in [Some("\"new\""), None] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start()
            .file(NAME, &old, Some("\"old\""))
            .always(Fault::CutAfter(500_000));
        let source = Source::url(&server.url(NAME)).unwrap();
        // Each try goes on by half a megabyte, so that the tries end when the file does.
        let mut options = options(&folder);
        let control = Control::new();
        let stop = control.clone();
        control.on_progress(move |progress| {
            if progress.done >= 500_000 {
                stop.cancel();
            }
        });
        options.control = control;
        assert!(fetch(&source, &options).is_err());
        let server_of_new = Server::start();
        drop(server);
        server_of_new.put(NAME, &new, version);
        // The same address is wanted, so the record is told that the part came from there.
        let record = options.output.join(format!(".{NAME}.part.json"));
        let text = std::fs::read_to_string(&record).unwrap();
        let text = text.replace(source.address(), &server_of_new.url(NAME));
        std::fs::write(&record, text).unwrap();
        options.control = Control::new();
        let source = Source::url(&server_of_new.url(NAME)).unwrap();
        assert_whole(&fetch(&source, &options).unwrap(), new.len() as u64);
    }
}

#[test]
fn a_part_that_was_damaged_on_disk_is_fetched_anew() {
    let bytes = tar(&dataset("Task77_Organ"));
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().file(NAME, &bytes, Some("\"v1\""));
    let source = Source::url(&server.url(NAME))
        .unwrap()
        .with_checksum(sha256(&bytes));
    let options = options(&folder);
    std::fs::create_dir(&options.output).unwrap();
    std::fs::write(
        options.output.join(format!(".{NAME}.part")),
        vec![0; 10_000],
    )
    .unwrap();
    let record = format!(
        r#"{{"url": "{}", "version": "\"v1\"", "total": {}}}"#,
        source.address(),
        bytes.len()
    );
    std::fs::write(options.output.join(format!(".{NAME}.part.json")), record).unwrap();
    assert_whole(&fetch(&source, &options).unwrap(), bytes.len() as u64);
    assert_eq!(server.requests(), [Some("bytes=10000-".to_owned()), None]);
}

#[test]
fn answers_that_are_wrong_are_refused() {
    let bytes = tar(&dataset("Task77_Organ"));
    let cases = [
        (Fault::Status(404), "there is no such file", 1),
        (Fault::Status(403), "not public", 1),
        (Fault::Status(500), "answered 500", 5),
        (Fault::Encoded, "compresses", 1),
        (Fault::LongerThanTold(10), "one size and then another", 6),
        (Fault::Redirect("/elsewhere.tar"), "", 1),
    ];
    for (fault, says, requests) in cases {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start()
            .file(NAME, &bytes, Some("\"v1\""))
            .always(fault);
        let error = fetch(&Source::url(&server.url(NAME)).unwrap(), &options(&folder)).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(says) && !text.contains('\n'),
            "{fault:?}: {text}"
        );
        assert!(server.requests().len() >= requests, "{fault:?}");
        assert!(!folder.path().join("data/Task77_Organ").exists());
    }
}

#[test]
fn ranges_that_are_wrong_or_ignored() {
    let bytes = tar(&dataset("Task77_Organ"));
    for (fault, works) in [(Fault::IgnoreRange, true), (Fault::OtherRange, false)] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start()
            .file(NAME, &bytes, Some("\"v1\""))
            .fault(0, Fault::CutAfter(100_000))
            .fault(1, fault);
        let found = fetch(&Source::url(&server.url(NAME)).unwrap(), &options(&folder));
        match found {
            Ok(fetched) => assert_whole(&fetched, bytes.len() as u64),
            Err(error) => assert!(
                !works && error.to_string().contains("bytes 100000-"),
                "{error}"
            ),
        }
    }
}

#[test]
fn other_bytes_than_those_meant_are_not_kept() {
    let bytes = tar(&dataset("Task77_Organ"));
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().file(NAME, &bytes, None);
    let source = Source::url(&server.url(NAME))
        .unwrap()
        .with_checksum(sha256(b"others"));
    let error = fetch(&source, &options(&folder)).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
    let part = folder.path().join(format!("data/.{NAME}.part"));
    assert_eq!(std::fs::metadata(part).unwrap().len(), 0);
}

#[test]
fn no_more_is_written_than_allowed() {
    let bytes = tar(&dataset("Task77_Organ"));
    for fault in [None, Some(Fault::NoLength)] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::start().file(NAME, &bytes, None);
        if let Some(fault) = fault {
            server = server.always(fault);
        }
        let source = Source::url(&server.url(NAME)).unwrap();
        let mut options = options(&folder);
        options.limit = Some(600_000);
        let error = fetch(&source, &options).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        let part = options.output.join(format!(".{NAME}.part"));
        assert!(std::fs::metadata(part).unwrap().len() <= 600_000);
        // Without the limit, a body without a length is taken too.
        options.limit = None;
        assert_whole(&fetch(&source, &options).unwrap(), bytes.len() as u64);
    }
}

#[test]
fn a_bomb_is_refused_before_it_is_written() {
    let zeros = vec![("Bomb/zeros.nii".to_owned(), vec![0; 20_000_000])];
    for (name, bytes) in [
        ("Bomb.tar.gz", gzip(&tar(&zeros))),
        ("Bomb.zip", zip(&zeros)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start().file(name, &bytes, None);
        let mut options = options(&folder);
        options.limit = Some(1_000_000);
        let error = fetch(&Source::url(&server.url(name)).unwrap(), &options)
            .unwrap_err()
            .to_string();
        assert!(error.contains("larger than 1.0 MB"), "{error}");
        assert!(
            names(&options.output)
                .iter()
                .all(|name| name.contains(".part"))
        );
    }
}

#[test]
fn entries_that_leave_the_folder_are_refused() {
    use tar::EntryType as Kind;
    let bad = [
        raw_tar("../evil", Kind::Regular, None),
        raw_tar("a/../../evil", Kind::Regular, None),
        raw_tar("/tmp/evil", Kind::Regular, None),
        raw_tar("link", Kind::Symlink, Some("/etc/passwd")),
        raw_tar("link", Kind::Link, Some("../evil")),
        raw_tar("pipe", Kind::Fifo, None),
        raw_tar("device", Kind::Char, None),
    ];
    for bytes in bad {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        std::fs::write(&path, &bytes).unwrap();
        let source = Source::url(&format!("file://{}", path.display())).unwrap();
        let error = fetch(&source, &options(&folder)).unwrap_err();
        assert!(matches!(error, Error::Archive { .. }), "{error}");
        assert_eq!(names(folder.path()), ["a.tar", "data"]);
        assert!(
            names(&folder.path().join("data"))
                .iter()
                .all(|name| name.contains(".part"))
        );
    }
}

#[test]
fn damaged_and_incomplete_archives_leave_nothing_under_the_name() {
    let files = dataset("Task77_Organ");
    let whole = tar(&files);
    let without: Vec<_> = files
        .iter()
        .filter(|(name, _)| !name.ends_with("labelsTr/b.nii.gz"))
        .cloned()
        .collect();
    let twice: Vec<_> = files.iter().chain(&files[..1]).cloned().collect();
    let cases = [
        ("a.tar", whole[..whole.len() / 2].to_vec(), "entry"),
        ("a.tar", vec![7; 5_000], "entry"),
        ("a.tar.gz", gzip(&whole)[..200_000].to_vec(), ""),
        ("a.zip", zip(&files)[..200_000].to_vec(), "directory"),
        (
            "a.tar",
            tar(&without),
            "1 file that the archive does not have: labelsTr/b.nii.gz",
        ),
        ("a.tar", tar(&twice), "twice"),
    ];
    for (name, bytes, says) in cases {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start().file(name, &bytes, None);
        let error = fetch(&Source::url(&server.url(name)).unwrap(), &options(&folder)).unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert!(!folder.path().join("data/a").exists());
    }
}

#[test]
fn a_folder_that_is_not_whole_is_replaced_only_when_asked() {
    let bytes = tar(&dataset("Task77_Organ"));
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start().file(NAME, &bytes, None);
    let source = Source::url(&server.url(NAME)).unwrap();
    let mut options = options(&folder);
    let fetched = fetch(&source, &options).unwrap();
    std::fs::remove_file(fetched.folder.join("imagesTr/a.nii.gz")).unwrap();
    let error = fetch(&source, &options).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    options.replace = true;
    assert_whole(&fetch(&source, &options).unwrap(), bytes.len() as u64);
}

#[test]
fn one_process_fetches_at_a_time() {
    let bytes = tar(&dataset("Task77_Organ"));
    let folder = tempfile::tempdir().unwrap();
    let silent = Fault::SilentAfter(100_000, Duration::from_secs(2));
    let server = Server::start()
        .file(NAME, &bytes, Some("\"v1\""))
        .fault(0, silent);
    let source = Source::url(&server.url(NAME)).unwrap();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| fetch(&source, &options(&folder)));
        while server.requests().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let second = fetch(&source, &options(&folder));
        assert!(matches!(second, Err(Error::Busy { .. })), "{second:?}");
        assert_whole(&first.join().unwrap().unwrap(), bytes.len() as u64);
    });
}

#[test]
fn without_a_network_the_error_is_one_line_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    // A port on which nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let source = Source::url(&format!("http://127.0.0.1:{port}/a.tar")).unwrap();
    let error = fetch(&source, &options(&folder)).unwrap_err().to_string();
    assert!(error.contains("mirror") && !error.contains('\n'), "{error}");
}
