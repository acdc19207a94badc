//! Storage commitment (PS3.4 annex J): a request by N-ACTION, a report by N-EVENT-REPORT.

use super::Client;
use super::echo::{expect, succeeded};
use crate::association::{Association, Event, Proposal};
use crate::classes::{COMMITMENT, COMMITMENT_INSTANCE, UNCOMPRESSED};
use crate::data_set::{decode, encode};
use crate::message::{Command, Request, element, field};
use crate::uid::unpadded;
use crate::{
    CommitmentReport, CommitmentRequest, Error, InstanceReference, Result, Status, is_uid,
};
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::time::Duration;
use vesalius_control::Control;

impl Client {
    /// Asks the peer to store objects for good. The report may come on this association within `wait`, and is returned
    /// then; else it comes later to the [`Server`](crate::Server) of this side
    /// ([`Receiver::on_commitment_report`](crate::Receiver::on_commitment_report)), minutes later or never.
    ///
    /// # Errors
    /// As far as the peer was not reached, rejected the association, does not offer storage commitment, or answered with
    /// a failure.
    pub fn commit(
        &self,
        request: &CommitmentRequest,
        wait: Duration,
        control: &Control,
    ) -> Result<Option<CommitmentReport>> {
        let proposal = Proposal::user(COMMITMENT, &UNCOMPRESSED);
        let mut association = self.associate(&[proposal], control)?;
        let result = ask(&mut association, request)
            .and_then(|()| report_within(&mut association, wait, &request.transaction));
        match result {
            Ok((report, true)) => {
                association.release();
                Ok(report)
            }
            Ok((report, false)) => Ok(report),
            Err(error) => association.finish(Err(error)),
        }
    }

    /// Reports what is stored for good, on an association of its own.
    ///
    /// # Errors
    /// As far as the peer was not reached, rejected the association, takes no reports, or answered with a failure.
    pub fn report_commitment(&self, report: &CommitmentReport, control: &Control) -> Result<()> {
        let proposal = Proposal::provider(COMMITMENT, &UNCOMPRESSED);
        let mut association = self.associate(&[proposal], control)?;
        let context = association.context(COMMITMENT).map(|context| context.id);
        let result = context
            .ok_or_else(not_accepted)
            .and_then(|context| send_report(&mut association, context, report));
        association.finish(result)
    }
}

fn not_accepted() -> Error {
    Error::NotAccepted("storage commitment".into())
}

fn ask(association: &mut Association, request: &CommitmentRequest) -> Result<()> {
    let context = association.context(COMMITMENT).ok_or_else(not_accepted)?;
    let (context, syntax) = (context.id, context.syntax.clone());
    let id = association.next_id();
    let command = Request::new(field::N_ACTION_RQ, id)
        .class(COMMITMENT)
        .instance(COMMITMENT_INSTANCE)
        .u16(element::ACTION_TYPE, 1)
        .data_set();
    association.send_command(context, &command.command())?;
    let mut object = InMemDicomObject::new_empty();
    put_uid(&mut object, tags::TRANSACTION_UID, &request.transaction);
    let items = request.instances.iter().map(|one| (one, None));
    put_items(&mut object, tags::REFERENCED_SOP_SEQUENCE, items);
    let bytes = encode(&object, &syntax)?;
    association.send_data(context, &mut bytes.as_slice())?;
    let (_, answer) = association.receive_command("the answer to N-ACTION")?;
    let (status, answer) = expect(&answer, field::N_ACTION_RQ, id, "N-ACTION")?;
    if answer.has_data_set() {
        association.receive_bytes(context)?;
    }
    succeeded("the request of storage commitment", status, &answer)
}

/// The report, if it comes in time; and whether the association is still open.
fn report_within(
    association: &mut Association,
    wait: Duration,
    transaction: &str,
) -> Result<(Option<CommitmentReport>, bool)> {
    if wait.is_zero() {
        return Ok((None, true));
    }
    let (context, command) = match association.receive_event(wait, "a report of commitment") {
        Ok(Event::Command(context, command)) => (context, command),
        Ok(Event::Released) | Err(Error::Closed(_) | Error::Aborted(_)) => {
            return Ok((None, false));
        }
        Err(Error::Timeout { .. }) => return Ok((None, true)),
        Err(error) => return Err(error),
    };
    let report = read_report(association, context, &command)?;
    let fits = report.transaction == transaction;
    let status = match fits {
        true => Status::SUCCESS,
        false => Status::PROCESSING_FAILURE,
    };
    association.send_command(context, &command.response(status))?;
    Ok((fits.then_some(report), true))
}

/// Sends a report on an association that is open, and waits for the answer.
pub(crate) fn send_report(
    association: &mut Association,
    context: u8,
    report: &CommitmentReport,
) -> Result<()> {
    let syntax = association.context_of(context).ok_or_else(not_accepted)?;
    let bytes = report_data(report, &syntax.syntax.clone())?;
    let id = association.next_id();
    let event = if report.failed.is_empty() { 1 } else { 2 };
    let command = Request::new(field::N_EVENT_REPORT_RQ, id)
        .class(COMMITMENT)
        .instance(COMMITMENT_INSTANCE)
        .u16(element::EVENT_TYPE, event)
        .data_set();
    association.send_command(context, &command.command())?;
    association.send_data(context, &mut bytes.as_slice())?;
    let (_, answer) = association.receive_command("the answer to N-EVENT-REPORT")?;
    let (status, answer) = expect(&answer, field::N_EVENT_REPORT_RQ, id, "N-EVENT-REPORT")?;
    if answer.has_data_set() {
        association.receive_bytes(context)?;
    }
    succeeded("the report of storage commitment", status, &answer)
}

/// The data set of a report.
pub(crate) fn report_data(report: &CommitmentReport, syntax: &str) -> Result<Vec<u8>> {
    let mut object = InMemDicomObject::new_empty();
    put_uid(&mut object, tags::TRANSACTION_UID, &report.transaction);
    if !report.committed.is_empty() {
        let items = report.committed.iter().map(|one| (one, None));
        put_items(&mut object, tags::REFERENCED_SOP_SEQUENCE, items);
    }
    if !report.failed.is_empty() {
        let items = report.failed.iter().map(|(one, why)| (one, Some(*why)));
        put_items(&mut object, tags::FAILED_SOP_SEQUENCE, items);
    }
    encode(&object, syntax)
}

/// Receives the data set of a report.
pub(crate) fn read_report(
    association: &mut Association,
    context: u8,
    command: &Command,
) -> Result<CommitmentReport> {
    let object = received(association, context, command, field::N_EVENT_REPORT_RQ)?;
    let failed = items(&object, tags::FAILED_SOP_SEQUENCE);
    let committed = items(&object, tags::REFERENCED_SOP_SEQUENCE);
    Ok(CommitmentReport {
        transaction: text(&object, tags::TRANSACTION_UID),
        committed: committed.into_iter().map(|(one, _)| one).collect(),
        failed,
    })
}

/// Receives the data set of a request.
pub(crate) fn read_request(
    association: &mut Association,
    context: u8,
    command: &Command,
) -> Result<CommitmentRequest> {
    let object = received(association, context, command, field::N_ACTION_RQ)?;
    let instances = items(&object, tags::REFERENCED_SOP_SEQUENCE);
    Ok(CommitmentRequest {
        transaction: text(&object, tags::TRANSACTION_UID),
        instances: instances.into_iter().map(|(one, _)| one).collect(),
    })
}

fn received(
    association: &mut Association,
    context: u8,
    command: &Command,
    kind: u16,
) -> Result<InMemDicomObject> {
    if command.u16(element::FIELD) != Some(kind) || !command.has_data_set() {
        return Err(Error::protocol(
            "a message of storage commitment without its data set",
        ));
    }
    let bytes = association.receive_bytes(context)?;
    let syntax = association.context_of(context).ok_or_else(not_accepted)?;
    let object = decode(&bytes, &syntax.syntax)?;
    match is_uid(&text(&object, tags::TRANSACTION_UID)) {
        true => Ok(object),
        false => Err(Error::DataSet(
            "TransactionUID is missing or not valid".into(),
        )),
    }
}

fn text(object: &InMemDicomObject, tag: Tag) -> String {
    let value = object.get(tag).and_then(|element| element.to_str().ok());
    value
        .map(|text| unpadded(text.as_bytes()))
        .unwrap_or_default()
}

fn items(object: &InMemDicomObject, tag: Tag) -> Vec<(InstanceReference, Status)> {
    let sequence = object.get(tag).and_then(|element| element.items());
    let items = sequence.unwrap_or_default().iter().map(|item| {
        let reference = InstanceReference {
            class: text(item, tags::REFERENCED_SOP_CLASS_UID),
            instance: text(item, tags::REFERENCED_SOP_INSTANCE_UID),
        };
        let reason = item.get(tags::FAILURE_REASON);
        let reason = reason.and_then(|element| element.to_int().ok());
        (reference, Status(reason.unwrap_or(0x0110)))
    });
    items.collect()
}

fn put_uid(object: &mut InMemDicomObject, tag: Tag, uid: &str) {
    object.put(DataElement::new(tag, VR::UI, PrimitiveValue::from(uid)));
}

fn put_items<'a>(
    object: &mut InMemDicomObject,
    tag: Tag,
    instances: impl Iterator<Item = (&'a InstanceReference, Option<Status>)>,
) {
    let items: Vec<_> = instances
        .map(|(reference, reason)| {
            let mut item = InMemDicomObject::new_empty();
            put_uid(&mut item, tags::REFERENCED_SOP_CLASS_UID, &reference.class);
            put_uid(
                &mut item,
                tags::REFERENCED_SOP_INSTANCE_UID,
                &reference.instance,
            );
            if let Some(Status(code)) = reason {
                let value = PrimitiveValue::from(code);
                item.put(DataElement::new(tags::FAILURE_REASON, VR::US, value));
            }
            item
        })
        .collect();
    object.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
}
