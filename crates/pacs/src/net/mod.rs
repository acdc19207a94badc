//! Connections: TCP with or without TLS, and parts of messages (PDUs) on them.

mod pdu;
mod tls;
mod transport;
mod wire;

pub(crate) use pdu::Kind;
pub(crate) use pdu::{Part, encode, parse, part_header};
pub(crate) use tls::certificates;
pub use tls::{ClientTls, ServerTls};
pub(crate) use transport::Transport;
pub(crate) use wire::Wire;
