//! A request of storage commitment whose report comes on an association that the peer opens.

use super::Client;
use crate::{
    CommitmentReport, CommitmentRequest, Error, Peer, ReceivedInstance, Receiver, Result, Server,
    ServerOptions, Status, StorageClasses,
};
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver as Reports, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use vesalius_control::Control;

/// How long a report on the association of the request is waited for, before that is released.
const SAME: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(100);

impl Client {
    /// As [`Client::commit`], for peers that report on an association of their own: listens at `address` under this side's
    /// title until the report comes or `wait` is over. The peer must have the title with this address in its table.
    ///
    /// # Errors
    /// As [`Client::commit`], and where the address cannot be listened at.
    pub fn commit_here(
        &self,
        request: &CommitmentRequest,
        address: impl ToSocketAddrs,
        wait: Duration,
        control: &Control,
    ) -> Result<Option<CommitmentReport>> {
        let end = Instant::now() + wait;
        let (sender, reports) = channel();
        let receiver = Arc::new(Listening {
            // Nothing is stored: no class of objects is accepted.
            folder: std::env::temp_dir(),
            transaction: request.transaction.clone(),
            reports: Mutex::new(sender),
        });
        let options = ServerOptions {
            timeouts: self.timeouts,
            limits: self.limits,
            classes: StorageClasses::Only(Vec::new()),
            ..ServerOptions::new(self.calling.clone())
        };
        let server = Server::start(address, options, receiver)?;
        let result = match self.commit(request, wait.min(SAME), control) {
            Ok(None) => report(&reports, end, control),
            other => other,
        };
        server.stop();
        result
    }
}

fn report(
    reports: &Reports<CommitmentReport>,
    end: Instant,
    control: &Control,
) -> Result<Option<CommitmentReport>> {
    loop {
        control.check()?;
        match reports.recv_timeout(LOOK) {
            Ok(report) => return Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) if Instant::now() < end => {}
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            // The server has the other end until it is stopped.
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::Closed("a report was awaited"));
            }
        }
    }
}

/// Takes the report of one request.
struct Listening {
    folder: PathBuf,
    transaction: String,
    reports: Mutex<Sender<CommitmentReport>>,
}

impl Receiver for Listening {
    fn incoming(&self) -> &Path {
        &self.folder
    }

    fn on_store(&self, _: &Peer, _: ReceivedInstance) -> Status {
        Status::NOT_AUTHORISED
    }

    fn on_commitment_report(&self, _: &Peer, report: &CommitmentReport) -> Status {
        if report.transaction != self.transaction {
            return Status::PROCESSING_FAILURE;
        }
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        match reports.send(report.clone()) {
            Ok(()) => Status::SUCCESS,
            Err(_) => Status::PROCESSING_FAILURE,
        }
    }
}
