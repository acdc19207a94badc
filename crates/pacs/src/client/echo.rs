//! C-ECHO: whether a peer answers.

use super::Client;
use crate::association::Proposal;
use crate::classes::{UNCOMPRESSED, VERIFICATION};
use crate::message::{Command, Request, element, field};
use crate::{Error, Result, Status};
use std::time::{Duration, Instant};
use vesalius_control::Control;

impl Client {
    /// Asks the peer for a sign of life (C-ECHO). Returns how long connection, association and answer took.
    ///
    /// # Errors
    /// As far as the peer was not reached, rejected the association, or answered with a failure.
    pub fn echo(&self, control: &Control) -> Result<Duration> {
        let started = Instant::now();
        let proposal = Proposal::user(VERIFICATION, &UNCOMPRESSED);
        let mut association = self.associate(&[proposal], control)?;
        let Some(context) = association.context(VERIFICATION).map(|context| context.id) else {
            association.release();
            return Err(Error::NotAccepted("verification (C-ECHO)".into()));
        };
        let id = association.next_id();
        let request = Request::new(field::C_ECHO_RQ, id).class(VERIFICATION);
        let result = association
            .send_command(context, &request.command())
            .and_then(|()| association.receive_command("the answer to C-ECHO"))
            .and_then(|(_, answer)| expect(&answer, field::C_ECHO_RQ, id, "C-ECHO"))
            .and_then(|(status, answer)| succeeded("C-ECHO", status, &answer));
        association.finish(result)?;
        Ok(started.elapsed())
    }
}

/// The status of an answer, which must be that to a request.
pub(super) fn expect(
    answer: &Command,
    kind: u16,
    id: u16,
    operation: &'static str,
) -> Result<(Status, Command)> {
    let fits = answer.u16(element::FIELD) == Some(kind | field::RESPONSE)
        && answer.u16(element::RESPONDED_ID) == Some(id);
    match answer.status() {
        Some(status) if fits => Ok((status, answer.clone())),
        _ => Err(Error::protocol(format!(
            "its answer is not one to {operation}"
        ))),
    }
}

/// The error for a status other than success or a warning.
pub(super) fn succeeded(operation: &'static str, status: Status, answer: &Command) -> Result<()> {
    match status.is_success() || status.is_warning() {
        true => Ok(()),
        false => Err(Error::Failed {
            operation,
            status,
            comment: answer
                .text(element::COMMENT)
                .filter(|text| !text.is_empty()),
        }),
    }
}
