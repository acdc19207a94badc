//! Orthanc as the other side.

use crate::dcmtk::found_and_retrieved;
use crate::made::*;
use crate::tools::orthanc;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vesalius_pacs::{
    CommitmentReport, CommitmentRequest, InstanceReference, Peer, ReceivedInstance, Receiver,
    Status, new_uid,
};

/// Keeps reports.
struct Reports {
    folder: tempfile::TempDir,
    reports: Mutex<Vec<CommitmentReport>>,
}

impl Receiver for Reports {
    fn incoming(&self) -> &Path {
        self.folder.path()
    }

    fn on_store(&self, _: &Peer, _: ReceivedInstance) -> Status {
        Status::SUCCESS
    }

    fn on_commitment_report(&self, _: &Peer, report: &CommitmentReport) -> Status {
        self.reports.lock().unwrap().push(report.clone());
        Status::SUCCESS
    }
}

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
    let receiver = Arc::new(Reports {
        folder: tempfile::tempdir().unwrap(),
        reports: Mutex::default(),
    });
    let options = vesalius_pacs::ServerOptions::new(title("SCANNER"));
    let _server =
        vesalius_pacs::Server::start(("127.0.0.1", here), options, receiver.clone()).unwrap();
    let reference = |instance: &str| InstanceReference {
        class: CT.into(),
        instance: instance.into(),
    };
    let request = CommitmentRequest {
        transaction: new_uid().unwrap(),
        instances: vec![reference("1.2.3.4.1"), reference("1.2.3.4.99")],
    };
    assert!(
        pacs.commit(&request, Duration::ZERO, &control())
            .unwrap()
            .is_none()
    );
    wait_for("the report", || {
        !receiver.reports.lock().unwrap().is_empty()
    });
    let report = receiver.reports.lock().unwrap()[0].clone();
    assert_eq!(report.transaction, request.transaction);
    assert_eq!(report.committed, [reference("1.2.3.4.1")]);
    assert_eq!(
        report.failed,
        [(reference("1.2.3.4.99"), Status::NO_SUCH_INSTANCE)]
    );
}
