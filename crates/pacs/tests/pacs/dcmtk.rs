//! DCMTK as the other side.

use crate::made::*;
use crate::tools::*;
use std::path::Path;
use std::sync::Arc;
use vesalius_pacs::{Client, FolderReceiver, Level, Query, Status};

fn objects(folder: &Path, count: usize) -> Vec<std::path::PathBuf> {
    (1..=count)
        .map(|k| Object::new(&format!("1.2.3.4.{k}")).write(folder))
        .collect()
}

#[test]
fn echoscu_and_storescu_are_answered() {
    let (Some(echo), Some(store)) = (dcmtk("echoscu"), dcmtk("storescu")) else {
        return;
    };
    let node = Node::start();
    let port = node.port().to_string();
    let output = run(&echo, &["-aec", "VESALIUS", "127.0.0.1", &port]);
    assert!(output.status.success(), "{}", text(&output));
    let output = run(&echo, &["-aec", "NOBODY", "127.0.0.1", &port]);
    assert!(
        text(&output).contains("Called AE Title Not Recognized"),
        "{}",
        text(&output)
    );

    let folder = tempfile::tempdir().unwrap();
    objects(folder.path(), 3);
    let sent = folder.path().to_str().unwrap();
    // Lengths of PDUs, and what is proposed: implicit alone, big-endian first, only what is needed.
    for options in [
        &["--max-pdu", "4096"][..],
        &["--max-pdu", "131072"],
        &["-xi"],
        &["-xb"],
        &["-R"],
    ] {
        let node = Node::start();
        let port = node.port().to_string();
        let mut arguments = options.to_vec();
        arguments.extend(["-aec", "VESALIUS", "+sd", "127.0.0.1", &port, sent]);
        let output = run(&store, &arguments);
        assert!(output.status.success(), "{options:?}: {}", text(&output));
        assert_eq!(node.receiver.kept().len(), 3);
    }
}

#[test]
fn a_storescu_that_aborts_leaves_nothing_unfinished() {
    let Some(store) = dcmtk("storescu") else {
        return;
    };
    let node = Node::start();
    let folder = tempfile::tempdir().unwrap();
    let file = objects(folder.path(), 1).remove(0);
    let port = node.port().to_string();
    run(
        &store,
        &[
            "--abort",
            "-aec",
            "VESALIUS",
            "127.0.0.1",
            &port,
            file.to_str().unwrap(),
        ],
    );
    wait_for("the end", || node.server.associations() == 0);
    assert_eq!((node.receiver.kept().len(), node.unfinished()), (1, 0));
    node.client().echo(&control()).unwrap();
}

#[test]
fn findscu_movescu_and_getscu_are_told_that_this_is_not_offered() {
    let Some(find) = dcmtk("findscu") else { return };
    let node = Node::start();
    let port = node.port().to_string();
    let key = "QueryRetrieveLevel=STUDY";
    for name in ["findscu", "movescu", "getscu"] {
        let program = find.with_file_name(name);
        let output = run(
            &program,
            &["-S", "-aec", "VESALIUS", "127.0.0.1", &port, "-k", key],
        );
        assert!(
            text(&output).contains("No Acceptable Presentation Contexts")
                || !output.status.success(),
            "{name}: {}",
            text(&output)
        );
    }
    node.client().echo(&control()).unwrap();
}

#[test]
fn files_are_sent_to_storescp_in_the_transfer_syntax_that_it_takes() {
    // With its default it prefers explicit, then takes anything uncompressed; with +xi implicit alone.
    for options in [&[][..], &["+xi"], &["--max-pdu", "4096"]] {
        let Some(peer) = storescp(options) else {
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let files = objects(folder.path(), 4);
        let sent = client(peer.port, "STORE")
            .store(&files, &control())
            .unwrap();
        assert!(
            sent.iter().all(|one| one.outcome.is_stored()),
            "{options:?}: {}",
            sent[0].outcome
        );
        assert_eq!(
            std::fs::read_dir(peer.folder.path().join("in"))
                .unwrap()
                .count(),
            4
        );
    }
}

#[test]
fn objects_of_dcmqrscp_are_found_moved_and_got() {
    let here = free_port();
    let Some(peer) = dcmqrscp(here) else { return };
    let pacs = client(peer.port, "QR");
    let folder = tempfile::tempdir().unwrap();
    let sent = pacs.store(&objects(folder.path(), 5), &control()).unwrap();
    assert!(
        sent.iter().all(|one| one.outcome.is_stored()),
        "{}",
        sent[0].outcome
    );
    found_and_retrieved(&pacs, here, 5);

    // An address that is not in its table.
    let query = Query::study("1.2.3").unwrap();
    let error = pacs
        .move_to(&query, &title("UNKNOWN"), &control())
        .unwrap_err();
    assert!(error.to_string().contains("0xA801"), "{error}");
}

/// The made objects of a peer by C-FIND, C-MOVE and C-GET.
pub fn found_and_retrieved(pacs: &Client, here: u16, count: usize) {
    let query = Query::new(Level::Series)
        .matching("StudyInstanceUID", "1.2.3")
        .and_then(|query| query.matching("Modality", "CT"))
        .unwrap();
    let found = pacs.find(&query, 10, &control()).unwrap();
    assert_eq!((found.matches.len(), found.is_complete), (1, true));
    let series = found.matches[0]
        .element_by_name("SeriesInstanceUID")
        .unwrap();
    assert_eq!(series.to_str().unwrap().trim_end_matches('\0'), "1.2.3.4");
    let images = Query::new(Level::Image)
        .matching("StudyInstanceUID", "1.2.3")
        .and_then(|query| query.matching("SeriesInstanceUID", "1.2.3.4"))
        .unwrap();
    assert_eq!(
        pacs.find(&images, 100, &control()).unwrap().matches.len(),
        count
    );
    let some = pacs.find(&images, 2, &control()).unwrap();
    assert_eq!((some.matches.len(), some.is_complete), (2, false));
    let nobody = Query::new(Level::Study)
        .matching("PatientName", "NOBODY")
        .unwrap();
    assert!(
        pacs.find(&nobody, 10, &control())
            .unwrap()
            .matches
            .is_empty()
    );

    let folder = tempfile::tempdir().unwrap();
    let receiver = Arc::new(FolderReceiver::new(folder.path()).unwrap());
    let study = Query::study("1.2.3").unwrap();
    let moved = pacs
        .move_here(&study, ("127.0.0.1", here), receiver.clone(), &control())
        .unwrap();
    assert_eq!(
        (moved.status, moved.completed, moved.failed),
        (Status::SUCCESS, count as u16, 0)
    );
    assert_eq!(receiver.kept().len(), count);

    let folder = tempfile::tempdir().unwrap();
    let receiver = FolderReceiver::new(folder.path()).unwrap();
    let got = pacs.get(&study, &receiver, &control()).unwrap();
    assert_eq!(
        (got.status, got.completed, got.failed),
        (Status::SUCCESS, count as u16, 0)
    );
    assert_eq!(receiver.kept().len(), count);
}
