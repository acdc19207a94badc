//! Associations: contexts that both sides agreed on, and messages in them.

mod accept;
mod contexts;
mod messages;
mod request;

pub(crate) use accept::{Acceptor, Offer};
pub(crate) use contexts::{Context, Proposal, Role};
pub(crate) use messages::Event;
pub(crate) use request::Requestor;

use crate::Result;
use crate::net::{Wire, encode};
use dicom_ul::pdu::{AbortRQSource, Pdu};
use std::net::SocketAddr;

/// What is known of the other side of an association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its address; absent for a server of DICOMweb.
    pub address: Option<SocketAddr>,
    /// The title that it uses; empty for a server of DICOMweb.
    pub title: String,
    /// The title that the association was asked for: this side's for a server.
    pub called: String,
    /// The implementation class UID that it told.
    pub implementation_class: String,
    /// The implementation version name that it told.
    pub implementation_name: String,
    /// The SHA-256 hash of its TLS certificate (DER), in hexadecimal digits, where it showed one.
    pub certificate: Option<String>,
}

impl Peer {
    /// A server of DICOMweb.
    pub(crate) fn of_web() -> Self {
        Self {
            address: None,
            title: String::new(),
            called: String::new(),
            implementation_class: String::new(),
            implementation_name: String::new(),
            certificate: None,
        }
    }
}

/// An association that both sides agreed on.
pub(crate) struct Association {
    wire: Wire,
    pub peer: Peer,
    pub contexts: Vec<Context>,
    /// How many bytes a part that is sent may have.
    part: usize,
    /// The body of the PDU that was received last, and the place of its next part.
    body: Vec<u8>,
    place: usize,
    /// What is sent is put together here.
    out: Vec<u8>,
    next_id: u16,
}

/// The largest PDU that is sent, whatever the peer takes.
const LARGEST_SENT: u32 = 1 << 18;

impl Association {
    pub(crate) fn new(wire: Wire, peer: Peer, contexts: Vec<Context>, peer_takes: u32) -> Self {
        let takes = match peer_takes {
            0 => LARGEST_SENT,
            takes => takes.clamp(128, LARGEST_SENT),
        };
        Self {
            wire,
            peer,
            contexts,
            // An even number of bytes, without the part's own header.
            part: (takes as usize - 6) & !1,
            body: Vec::new(),
            place: 0,
            out: Vec::new(),
            next_id: 0,
        }
    }

    /// The limits that hold for the peer.
    pub fn limits(&self) -> crate::Limits {
        self.wire.limits
    }

    pub fn timeouts(&self) -> crate::Timeouts {
        self.wire.timeouts
    }

    pub fn control(&self) -> vesalius_control::Control {
        self.wire.control.clone()
    }

    /// The number of the next message.
    pub fn next_id(&mut self) -> u16 {
        self.next_id = self.next_id.wrapping_add(1).max(1);
        self.next_id
    }

    /// The accepted context of a class in which this side asks.
    pub fn context(&self, class: &str) -> Option<&Context> {
        self.contexts.iter().find(|context| context.class == class)
    }

    /// The accepted context with a number.
    pub fn context_of(&self, id: u8) -> Option<&Context> {
        self.contexts.iter().find(|context| context.id == id)
    }

    /// Ends the association without a reply.
    pub fn abort(mut self) {
        let source = AbortRQSource::ServiceUser;
        if let Ok(bytes) = encode(&Pdu::AbortRQ { source }) {
            let _ = self.wire.send(&bytes);
        }
        self.wire.close();
    }

    /// Ends after the peer's wish to end was answered.
    pub fn release_answered(self) {
        self.wire.close();
    }

    /// Releases after success, aborts after an error.
    pub fn finish<T>(self, result: Result<T>) -> Result<T> {
        match &result {
            Ok(_) => self.release(),
            Err(_) => self.abort(),
        }
        result
    }

    /// Asks for the end. What the peer does then is of no consequence: every request was answered.
    pub fn release(mut self) {
        if self.send_release().is_ok() {
            self.wire.close();
        }
    }
}
