//! DICOMweb, with Orthanc as the server, and with a server that breaks the rules.

use crate::made::*;
use crate::tools::orthanc;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use vesalius_pacs::{Error, FolderReceiver, Level, Query, StoreOutcome, WebClient};

#[test]
fn objects_are_sent_to_found_at_and_got_from_orthanc() {
    let Some((_peer, web)) = orthanc(free_port()) else {
        return;
    };
    let pacs = WebClient::new(&format!("http://127.0.0.1:{web}/dicom-web")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let objects: Vec<_> = (1..=5)
        .map(|k| Object::new(&format!("1.2.3.4.{k}")))
        .collect();
    let mut files: Vec<_> = objects
        .iter()
        .map(|object| object.write(folder.path()))
        .collect();
    let text = folder.path().join("text");
    std::fs::write(&text, "none").unwrap();
    files.push(text);
    let sent = pacs.store(&files, &control()).unwrap();
    let stored = sent.iter().filter(|one| one.outcome.is_stored()).count();
    assert_eq!((stored, sent.len()), (5, 6), "{:?}", sent[1]);

    let study = Query::study("1.2.3")
        .unwrap()
        .asking("PatientName")
        .unwrap();
    let found = pacs.find(&study, 10, &control()).unwrap();
    assert_eq!(found.matches.len(), 1);
    let images = Query::new(Level::Image)
        .matching("StudyInstanceUID", "1.2.3")
        .unwrap();
    let some = pacs.find(&images, 2, &control()).unwrap();
    assert_eq!((some.matches.len(), some.is_complete), (2, false));
    assert_eq!(pacs.find(&images, 5, &control()).unwrap().matches.len(), 5);
    let nobody = Query::new(Level::Study)
        .matching("PatientID", "nobody")
        .unwrap();
    assert!(
        pacs.find(&nobody, 10, &control())
            .unwrap()
            .matches
            .is_empty()
    );

    for (query, count) in [(study, 5), (Query::series("1.2.3", "1.2.3.4").unwrap(), 5)] {
        let into = tempfile::tempdir().unwrap();
        let receiver = FolderReceiver::new(into.path()).unwrap();
        let got = pacs.get(&query, &receiver, &control()).unwrap();
        assert_eq!((got.completed, got.failed), (count, 0));
        let bytes = std::fs::read(into.path().join("1.2.3/1.2.3.4/1.2.3.4.2.dcm")).unwrap();
        assert!(
            bytes.ends_with(&objects[1].data_set()),
            "the data set is as it was sent"
        );
    }
    let receiver = Arc::new(FolderReceiver::new(folder.path().join("none")).unwrap());
    let missing = pacs
        .get(&Query::study("1.9").unwrap(), &*receiver, &control())
        .unwrap_err();
    assert!(
        matches!(missing, Error::Http { status: 404, .. }),
        "{missing}"
    );
}

/// Answers each connection with these bytes.
fn answering(answer: &'static [u8]) -> WebClient {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 65536];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer);
        }
    });
    WebClient::new(&format!("http://{address}/rs")).unwrap()
}

#[test]
fn servers_that_break_off_or_answer_nonsense_are_errors_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = FolderReceiver::new(folder.path()).unwrap();
    let study = Query::study("1.2.3").unwrap();
    let answers: [&[u8]; 5] = [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=x\r\nContent-Length: 24\r\n\r\n--x\r\n\r\nnot a DICOM file\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ];
    for answer in answers {
        let pacs = answering(answer);
        assert!(pacs.get(&study, &receiver, &control()).is_err());
        assert!(pacs.find(&study, 10, &control()).is_err());
    }
    let entries: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(entries.is_empty(), "{entries:?}");
    // A whole body with a part that is no object.
    let pacs = answering(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=x\r\nContent-Length: 23\r\n\r\n--x\r\n\r\nnot DICOM\r\n--x--");
    let got = pacs.get(&study, &receiver, &control()).unwrap();
    assert_eq!((got.completed, got.failed), (0, 1));

    let file = Object::new("1.2.3.4.1").write(folder.path());
    let busy = answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let sent = busy.store(&[&file], &control()).unwrap();
    assert!(
        matches!(sent[0].outcome, StoreOutcome::Lost(_)) && sent[0].outcome.may_succeed_later(),
        "{}",
        sent[0].outcome
    );
    let denied = answering(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let sent = denied.store(&[&file], &control()).unwrap();
    assert!(!sent[0].outcome.may_succeed_later(), "{}", sent[0].outcome);
}
