//! Storage commitment, as user and as provider.

use crate::made::*;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vesalius_pacs::{
    Client, CommitmentReport, CommitmentRequest, InstanceReference, Peer, ReceivedInstance,
    Receiver, Status, new_uid,
};

/// Commits to objects whose identifier ends in an even digit; keeps reports.
struct Archive {
    folder: tempfile::TempDir,
    answer_to: Option<Client>,
    reports: Mutex<Vec<CommitmentReport>>,
}

impl Archive {
    fn new(answer_to: Option<Client>) -> Arc<Self> {
        Arc::new(Self {
            folder: tempfile::tempdir().unwrap(),
            answer_to,
            reports: Mutex::default(),
        })
    }
}

impl Receiver for Archive {
    fn incoming(&self) -> &Path {
        self.folder.path()
    }

    fn on_store(&self, _: &Peer, _: ReceivedInstance) -> Status {
        Status::SUCCESS
    }

    fn on_commitment_request(
        &self,
        _: &Peer,
        request: &CommitmentRequest,
    ) -> Option<CommitmentReport> {
        let (committed, failed): (Vec<_>, Vec<_>) = request
            .instances
            .iter()
            .cloned()
            .partition(|one| one.instance.ends_with(['0', '2']));
        Some(CommitmentReport {
            transaction: request.transaction.clone(),
            committed,
            failed: failed
                .into_iter()
                .map(|one| (one, Status::NO_SUCH_INSTANCE))
                .collect(),
        })
    }

    fn commitment_target(&self, _: &Peer) -> Option<Client> {
        self.answer_to.clone()
    }

    fn on_commitment_report(&self, _: &Peer, report: &CommitmentReport) -> Status {
        self.reports.lock().unwrap().push(report.clone());
        Status::SUCCESS
    }
}

fn request() -> CommitmentRequest {
    let instances = ["1.2", "1.3"].map(|uid| InstanceReference {
        class: CT.into(),
        instance: uid.into(),
    });
    CommitmentRequest {
        transaction: new_uid().unwrap(),
        instances: instances.to_vec(),
    }
}

fn check(report: &CommitmentReport, request: &CommitmentRequest) {
    assert_eq!(report.transaction, request.transaction);
    assert_eq!(report.committed, request.instances[..1]);
    assert_eq!(
        report.failed,
        [(request.instances[1].clone(), Status::NO_SUCH_INSTANCE)]
    );
}

#[test]
fn a_report_comes_on_the_same_association() {
    let server = serve(Archive::new(None), |_| {});
    let request = request();
    let client = client(server.address().port(), "VESALIUS");
    let report = client
        .commit(&request, Duration::from_secs(5), &control())
        .unwrap();
    check(&report.unwrap(), &request);
}

#[test]
fn a_report_comes_on_an_association_of_its_own_in_the_other_role() {
    let own = Archive::new(None);
    let listening = serve(own.clone(), |options| options.title = title("SCANNER"));
    let back = Client::new(
        listening.address().to_string(),
        title("SCANNER"),
        title("VESALIUS"),
    );
    let server = serve(Archive::new(Some(back)), |_| {});
    let request = request();
    let client = client(server.address().port(), "VESALIUS");
    assert!(
        client
            .commit(&request, Duration::ZERO, &control())
            .unwrap()
            .is_none()
    );
    wait_for("the report", || !own.reports.lock().unwrap().is_empty());
    check(&own.reports.lock().unwrap()[0], &request);
}

#[test]
fn a_receiver_that_commits_to_nothing_says_so() {
    let node = Node::start();
    let error = node
        .client()
        .commit(&request(), Duration::ZERO, &control())
        .unwrap_err();
    assert!(error.to_string().contains("class not supported"), "{error}");
}
