//! Orthanc as the other side.

use crate::dcmtk::found_and_retrieved;
use crate::made::*;
use crate::tools::orthanc;
use std::time::Duration;
use vesalius_pacs::{CommitmentRequest, InstanceReference, Status, new_uid};

#[test]
fn objects_of_orthanc_are_found_moved_got_and_committed() {
    let here = free_port();
    let Some((peer, _)) = orthanc(here) else {
        return;
    };
    let pacs = client(peer.port, "ORTHANC");
    pacs.echo(&control()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (1..=5)
        .map(|k| Object::new(&format!("1.2.3.4.{k}")).write(folder.path()))
        .collect();
    let sent = pacs.store(&files, &control()).unwrap();
    assert!(
        sent.iter().all(|one| one.outcome.is_stored()),
        "{}",
        sent[0].outcome
    );
    found_and_retrieved(&pacs, here, 5);
    assert_eq!(
        pacs.series_count("1.2.3", "1.2.3.4", &control()).unwrap(),
        Some(5)
    );
    assert_eq!(
        pacs.series_count("1.2.3", "1.2.3.5", &control()).unwrap(),
        None
    );

    // The report comes on an association of its own, in the other role.
    let reference = |instance: &str| InstanceReference {
        class: CT.into(),
        instance: instance.into(),
    };
    let request = CommitmentRequest {
        transaction: new_uid().unwrap(),
        instances: vec![reference("1.2.3.4.1"), reference("1.2.3.4.99")],
    };
    let wait = Duration::from_secs(20);
    let report = pacs
        .commit_here(&request, ("127.0.0.1", here), wait, &control())
        .unwrap()
        .unwrap();
    assert_eq!(report.transaction, request.transaction);
    assert_eq!(report.committed, [reference("1.2.3.4.1")]);
    assert_eq!(
        report.failed,
        [(reference("1.2.3.4.99"), Status::NO_SUCH_INSTANCE)]
    );
}
