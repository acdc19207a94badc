//! Receiving objects: to a file, checked, durable before it is acknowledged.

mod answer;
mod folder;
mod incoming;
mod receiver;

pub(crate) use answer::answer_store;
pub use folder::FolderReceiver;
use incoming::sync_folder;
pub use incoming::{IncomingFile, ReceivedInstance, remove_incoming};
pub use receiver::{
    Admission, CommitmentReport, CommitmentRequest, End, InstanceReference, Receiver,
};
