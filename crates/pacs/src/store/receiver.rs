//! What a program does with received objects.

use super::ReceivedInstance;
use crate::{Client, Error, Peer, Status};
use std::path::Path;

/// What a program does with objects that it receives, by C-STORE, C-GET or C-MOVE. Calls come from several threads.
pub trait Receiver: Send + Sync {
    /// The folder for files that are being received: on the file system on which objects are kept.
    fn incoming(&self) -> &Path;

    /// Whether an association is accepted, after its titles were. A server whose disk is nearly full answers
    /// [`Admission::Busy`].
    fn admit(&self, _peer: &Peer) -> Admission {
        Admission::Accept
    }

    /// Whether an object will be taken, before its data set comes. The identifiers have a valid syntax.
    ///
    /// # Errors
    /// The status with which the object is refused.
    fn begin(&self, _peer: &Peer, _class: &str, _instance: &str) -> Result<(), Status> {
        Ok(())
    }

    /// Takes an object, whose file is synced to the disk. The status is the answer to the sender: success means that
    /// the object is kept and stays, whatever happens.
    fn on_store(&self, peer: &Peer, instance: ReceivedInstance) -> Status;

    /// A peer asks whether these objects are stored for good. `None` for a program that does not commit to storage.
    fn on_commitment_request(
        &self,
        _peer: &Peer,
        _request: &CommitmentRequest,
    ) -> Option<CommitmentReport> {
        None
    }

    /// Where the answer to a request of commitment is sent. `None` for the association of the request.
    fn commitment_target(&self, _peer: &Peer) -> Option<Client> {
        None
    }

    /// A peer reports what it stored for good.
    fn on_commitment_report(&self, _peer: &Peer, _report: &CommitmentReport) -> Status {
        Status::UNRECOGNISED_OPERATION
    }

    /// An association ended. Objects that were acknowledged on it stay.
    fn on_end(&self, _peer: &Peer, _end: &End) {}
}

/// Whether an association is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Accept,
    /// Not now: the peer may try again.
    Busy,
    /// Never: the calling AE title is not one that may send.
    Refuse,
}

/// How an association ended.
#[derive(Debug)]
pub enum End {
    /// The peer released it.
    Released,
    /// It broke off.
    Broken(Error),
}

/// The class and the identifier of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceReference {
    /// SOPClassUID.
    pub class: String,
    /// SOPInstanceUID.
    pub instance: String,
}

/// A request to store objects for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentRequest {
    /// The identifier under which the report comes.
    pub transaction: String,
    /// The objects.
    pub instances: Vec<InstanceReference>,
}

/// What is stored for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitmentReport {
    /// The identifier of the request.
    pub transaction: String,
    /// Objects that are stored for good.
    pub committed: Vec<InstanceReference>,
    /// Objects that are not, with the reason.
    pub failed: Vec<(InstanceReference, Status)>,
}
