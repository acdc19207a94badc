//! C-GET: objects that come on the association that asked for them.

use super::echo::{expect, succeeded};
use super::{Client, Query};
use crate::association::{Association, Event, Proposal};
use crate::classes::{UNCOMPRESSED, retrieved_classes};
use crate::data_set::{decode, encode};
use crate::message::{Command, Request, element, field};
use crate::store::{Receiver, answer_store};
use crate::uid::unpadded;
use crate::{Error, Result, Status};
use dicom_dictionary_std::tags;
use vesalius_control::Control;

/// Retrieval below the root of studies.
const GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";

/// What became of the objects that a peer was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retrieved {
    /// The peer's last status. Failures of single objects give [`Status::SOME_FAILED`], not an error.
    pub status: Status,
    /// Objects that were sent.
    pub completed: u16,
    /// Objects that could not be sent.
    pub failed: u16,
    /// Objects that were sent with a warning.
    pub warnings: u16,
    /// Identifiers of the objects that could not be sent, where the peer tells them.
    pub failed_instances: Vec<String>,
}

impl Client {
    /// Asks the peer for objects (C-GET), which come on the same association and are given to the receiver. Classes are
    /// those of [`retrieved_classes`].
    ///
    /// # Errors
    /// As far as the peer was not reached, rejected the association, does not offer C-GET, or answered with a failure.
    pub fn get(
        &self,
        query: &Query,
        receiver: &dyn Receiver,
        control: &Control,
    ) -> Result<Retrieved> {
        let keys = query.unique_keys()?;
        let mut proposals = vec![Proposal::user(GET, &UNCOMPRESSED)];
        let classes = retrieved_classes();
        proposals.extend(classes.map(|class| Proposal::provider(&class, &UNCOMPRESSED)));
        let mut association = self.associate(&proposals, control)?;
        let result = (|| {
            let context = association
                .context(GET)
                .ok_or_else(|| Error::NotAccepted("retrieval by C-GET; try C-MOVE".into()))?;
            let (context, syntax) = (context.id, context.syntax.clone());
            let id = association.next_id();
            let request = Request::new(field::C_GET_RQ, id)
                .class(GET)
                .u16(element::PRIORITY, 0)
                .data_set();
            association.send_command(context, &request.command())?;
            let keys = encode(&keys, &syntax)?;
            association.send_data(context, &mut keys.as_slice())?;
            let waited = Waited {
                kind: field::C_GET_RQ,
                id,
                operation: "C-GET",
            };
            waited.receive(&mut association, Some(receiver), control)
        })();
        association.finish(result)
    }
}

/// A request whose answers are waited for, while objects may come.
pub(super) struct Waited {
    pub kind: u16,
    pub id: u16,
    pub operation: &'static str,
}

impl Waited {
    /// Answers objects that come, until the last answer to the request.
    pub fn receive(
        &self,
        association: &mut Association,
        receiver: Option<&dyn Receiver>,
        control: &Control,
    ) -> Result<Retrieved> {
        let stage = control.stage("objects", None);
        let mut done = 0;
        loop {
            let wait = association.timeouts().response;
            let Event::Command(context, command) =
                association.receive_event(wait, "the next object or answer")?
            else {
                return Err(Error::Closed("objects were to come"));
            };
            if let (Some(field::C_STORE_RQ), Some(receiver)) =
                (command.u16(element::FIELD), receiver)
            {
                answer_store(association, context, &command, receiver)?;
                stage.advance(1);
                continue;
            }
            let (status, answer) = expect(&command, self.kind, self.id, self.operation)?;
            let identifier = match answer.has_data_set() {
                true => Some(association.receive_bytes(context)?),
                false => None,
            };
            if receiver.is_none() {
                let now = answer.u16(element::COMPLETED).unwrap_or(done);
                stage.advance(u64::from(now.saturating_sub(done)));
                done = done.max(now);
            }
            if !status.is_pending() {
                succeeded(self.operation, status, &answer)?;
                let syntax = association
                    .context_of(context)
                    .map(|one| one.syntax.clone());
                return Ok(retrieved(status, &answer, identifier, syntax.as_deref()));
            }
        }
    }
}

fn retrieved(
    status: Status,
    answer: &Command,
    identifier: Option<Vec<u8>>,
    syntax: Option<&str>,
) -> Retrieved {
    let count = |number| answer.u16(number).unwrap_or(0);
    let failed_instances = identifier
        .zip(syntax)
        .and_then(|(bytes, syntax)| decode(&bytes, syntax).ok())
        .and_then(|object| {
            let list = object.get(tags::FAILED_SOP_INSTANCE_UID_LIST)?;
            let texts = list.to_multi_str().ok()?;
            Some(texts.iter().map(|uid| unpadded(uid.as_bytes())).collect())
        });
    Retrieved {
        status,
        completed: count(element::COMPLETED),
        failed: count(element::FAILED),
        warnings: count(element::WARNING),
        failed_instances: failed_instances.unwrap_or_default(),
    }
}
