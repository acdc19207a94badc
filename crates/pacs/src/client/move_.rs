//! C-MOVE: objects that the peer sends to an application entity that it knows.

use super::get::{Retrieved, Waited};
use super::{Client, Query};
use crate::association::Proposal;
use crate::classes::UNCOMPRESSED;
use crate::data_set::encode;
use crate::message::{Request, element, field};
use crate::{AeTitle, Error, Receiver, Result, Server, ServerOptions};
use std::net::ToSocketAddrs;
use std::sync::Arc;
use vesalius_control::Control;

/// Moves below the root of studies.
const MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";

impl Client {
    /// Asks the peer to send objects to `destination`, a title with an address that the peer has in its table (C-MOVE).
    ///
    /// # Errors
    /// As far as the peer was not reached, rejected the association, does not offer C-MOVE, does not know the destination
    /// (status 0xA801), or answered with another failure.
    pub fn move_to(
        &self,
        query: &Query,
        destination: &AeTitle,
        control: &Control,
    ) -> Result<Retrieved> {
        let keys = query.unique_keys()?;
        let mut association = self.associate(&[Proposal::user(MOVE, &UNCOMPRESSED)], control)?;
        let result = (|| {
            let context = association
                .context(MOVE)
                .ok_or_else(|| Error::NotAccepted("retrieval by C-MOVE; try C-GET".into()))?;
            let (context, syntax) = (context.id, context.syntax.clone());
            let id = association.next_id();
            let request = Request::new(field::C_MOVE_RQ, id)
                .class(MOVE)
                .u16(element::PRIORITY, 0)
                .text(element::DESTINATION, destination.as_str())
                .data_set();
            association.send_command(context, &request.command())?;
            let keys = encode(&keys, &syntax)?;
            association.send_data(context, &mut keys.as_slice())?;
            let waited = Waited {
                kind: field::C_MOVE_RQ,
                id,
                operation: "C-MOVE",
            };
            waited.receive(&mut association, None, control)
        })();
        association.finish(result)
    }

    /// Asks the peer to send objects here (C-MOVE): listens at `address` under this side's title as long as it takes. The
    /// peer must have the title with this address in its table.
    ///
    /// # Errors
    /// As [`Client::move_to`], and where the address cannot be listened at.
    pub fn move_here(
        &self,
        query: &Query,
        address: impl ToSocketAddrs,
        receiver: Arc<dyn Receiver>,
        control: &Control,
    ) -> Result<Retrieved> {
        let options = ServerOptions {
            timeouts: self.timeouts,
            limits: self.limits,
            ..ServerOptions::new(self.calling.clone())
        };
        let server = Server::start(address, options, receiver)?;
        let moved = self.move_to(query, &self.calling, control);
        server.stop();
        moved
    }
}
