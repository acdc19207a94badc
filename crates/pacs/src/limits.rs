//! How long a peer may take, and how much it may send.

use std::time::Duration;

/// How long is waited for a peer.
///
/// ```
/// use std::time::Duration;
/// use vesalius_pacs::Timeouts;
///
/// let timeouts = Timeouts { response: Duration::from_secs(300), ..Timeouts::default() };
/// assert_eq!(timeouts.association, Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be made. Default 10 s.
    pub connect: Duration,
    /// For the whole of TLS and the request of an association, or its answer. Default 30 s.
    pub association: Duration,
    /// For the next request of an idle peer; the association is aborted after it. Default 60 s.
    pub idle: Duration,
    /// For each response of a peer to a request. Default 60 s.
    pub response: Duration,
    /// For the rest of a message part (PDU) of which the first byte came. Default 30 s.
    pub pdu: Duration,
    /// For the answer to a release. Default 5 s.
    pub release: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            association: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            response: Duration::from_secs(60),
            pdu: Duration::from_secs(30),
            release: Duration::from_secs(5),
        }
    }
}

/// How much a peer may send. What exceeds a limit ends the association, before memory is allocated for it.
///
/// ```
/// use vesalius_pacs::Limits;
///
/// let limits = Limits { data_set: 4 << 30, ..Limits::default() };
/// assert_eq!(limits.pdu, 262_144);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a PDU of data, announced to the peer: 4,096 to 1,048,576. Default 262,144.
    pub pdu: u32,
    /// Bytes of the PDU that requests or accepts an association. Default 524,288.
    pub negotiation: u32,
    /// Bytes of a data set that is written to a file. Default 8 GiB.
    pub data_set: u64,
    /// Bytes of a data set that is held in memory: the answer to a query, a request of commitment. Default 4 MiB.
    pub in_memory: u64,
    /// Bytes a second below which a message that has run for longer than [`Timeouts::pdu`] is ended. Default 1,024.
    pub slowest: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pdu: 1 << 18,
            negotiation: 1 << 19,
            data_set: 8 << 30,
            in_memory: 4 << 20,
            slowest: 1024,
        }
    }
}

impl Limits {
    /// The largest PDU of data that is announced and taken.
    pub(crate) fn pdu(&self) -> u32 {
        self.pdu.clamp(4096, 1 << 20) & !1
    }
}
