//! One connection: the association, and the requests on it.

use super::Shared;
use super::slots::Slot;
use crate::association::{Acceptor, Association, Event, Offer};
use crate::classes::{COMMITMENT, UNCOMPRESSED, VERIFICATION};
use crate::client::{read_report, read_request, send_report};
use crate::message::{Command, element, field};
use crate::net::{Transport, Wire};
use crate::store::{Admission, CommitmentReport, CommitmentRequest, End, answer_store};
use crate::{Error, Result, Status};
use dicom_ul::pdu::{
    AssociationRJServiceProviderPresentationReason as Local,
    AssociationRJServiceUserReason as User, AssociationRJSource,
};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use vesalius_control::Control;

/// Serves a connection to its end.
pub(super) fn serve(socket: TcpStream, address: SocketAddr, shared: &Shared, mut slot: Slot) {
    // A fault in a parser ends this connection alone.
    let served = catch_unwind(AssertUnwindSafe(|| {
        begin(socket, address, shared, &mut slot)
    }));
    match served {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(target: "vesalius", "a connection ended: {error}"),
        Err(_) => {
            tracing::error!(target: "vesalius", "a connection ended by a fault of this library")
        }
    }
}

fn begin(socket: TcpStream, address: SocketAddr, shared: &Shared, slot: &mut Slot) -> Result<()> {
    let options = &shared.options;
    let transport = match &options.tls {
        Some(tls) => tls.accept(socket)?,
        None => Transport::Plain(socket),
    };
    let control = shared.control.clone();
    let wire = Wire::new(transport, options.limits, options.timeouts, control)?;
    let acceptor = Acceptor::receive(wire, address)?;
    let peer = acceptor.peer.clone();
    if let Some((is_permanent, reason)) = refused(&acceptor, shared, slot) {
        tracing::info!(target: "vesalius", "an association was rejected: {reason}");
        acceptor.reject(is_permanent, reason);
        return Ok(());
    }
    let mut association = acceptor.accept(&|class| offer(shared, class))?;
    let served = requests(&mut association, shared);
    let end = match served {
        Ok(()) => {
            association.release_answered();
            End::Released
        }
        Err(error) => {
            association.abort();
            End::Broken(error)
        }
    };
    shared.receiver.on_end(&peer, &end);
    match end {
        End::Broken(error) => Err(error),
        End::Released => Ok(()),
    }
}

/// Why an association is not accepted, and whether this will stay so.
fn refused(
    acceptor: &Acceptor,
    shared: &Shared,
    slot: &mut Slot,
) -> Option<(bool, AssociationRJSource)> {
    let user = AssociationRJSource::ServiceUser;
    let local = AssociationRJSource::ServiceProviderPresentation;
    let peer = &acceptor.peer;
    if let Some(problem) = acceptor.problem() {
        return Some((true, problem));
    }
    if peer.called != shared.options.title.as_str() {
        return Some((true, user(User::CalledAETitleNotRecognized)));
    }
    if !shared.options.callers.allow(peer) {
        return Some((true, user(User::CallingAETitleNotRecognized)));
    }
    if !slot.open() {
        return Some((false, local(Local::LocalLimitExceeded)));
    }
    match shared.receiver.admit(peer) {
        Admission::Accept => None,
        Admission::Busy => Some((false, local(Local::TemporaryCongestion))),
        Admission::Refuse => Some((true, user(User::CallingAETitleNotRecognized))),
    }
}

fn offer(shared: &Shared, class: &str) -> Option<Offer> {
    let plain = || UNCOMPRESSED.map(str::to_owned).to_vec();
    match class {
        VERIFICATION => Some(Offer {
            syntaxes: plain(),
            peer_provides: false,
        }),
        COMMITMENT => Some(Offer {
            syntaxes: plain(),
            peer_provides: true,
        }),
        _ => shared.options.classes.has(class).then(|| Offer {
            syntaxes: shared.options.syntaxes.clone(),
            peer_provides: false,
        }),
    }
}

/// Answers requests until the peer ends the association.
fn requests(association: &mut Association, shared: &Shared) -> Result<()> {
    let idle = association.timeouts().idle;
    loop {
        let Event::Command(context, command) =
            association.receive_event(idle, "the next request of an idle association")?
        else {
            return Ok(());
        };
        let kind = command.u16(element::FIELD).unwrap_or(0);
        match kind {
            field::C_ECHO_RQ => answer(association, context, &command, Status::SUCCESS)?,
            field::C_STORE_RQ => {
                answer_store(association, context, &command, &*shared.receiver)?;
            }
            field::N_ACTION_RQ if is_commitment(association, context, &command) => {
                action(association, context, &command, shared)?;
            }
            field::N_EVENT_REPORT_RQ if is_commitment(association, context, &command) => {
                event(association, context, &command, shared)?;
            }
            // There is nothing to cancel: each request was answered before the next one is read.
            field::C_CANCEL_RQ => {}
            _ if kind & field::RESPONSE != 0 => {
                return Err(Error::protocol("an answer to nothing that was asked"));
            }
            _ => answer(
                association,
                context,
                &command,
                Status::UNRECOGNISED_OPERATION,
            )?,
        }
    }
}

/// Answers with a status, after a data set that is of no use.
fn answer(
    association: &mut Association,
    context: u8,
    command: &Command,
    status: Status,
) -> Result<()> {
    if command.has_data_set() {
        let limit = association.limits().data_set;
        association.receive_data(context, limit, &mut |_| Ok(()))?;
    }
    association.send_command(context, &command.response(status))
}

/// Whether a request is one of storage commitment, with its data set.
fn is_commitment(association: &Association, context: u8, command: &Command) -> bool {
    let context = association.context_of(context);
    command.has_data_set() && context.is_some_and(|context| context.class == COMMITMENT)
}

/// A request of storage commitment.
fn action(
    association: &mut Association,
    context: u8,
    command: &Command,
    shared: &Shared,
) -> Result<()> {
    let request = match read_request(association, context, command) {
        Ok(request) => request,
        Err(Error::DataSet(_)) => {
            let response = command.response(Status::CANNOT_UNDERSTAND);
            return association.send_command(context, &response);
        }
        Err(error) => return Err(error),
    };
    let Some(report) = asked(association, shared, &request) else {
        let response = command.response(Status::CLASS_NOT_SUPPORTED);
        return association.send_command(context, &response);
    };
    association.send_command(context, &command.response(Status::SUCCESS))?;
    let target = shared.receiver.commitment_target(&association.peer);
    let Some(client) = target else {
        return send_report(association, context, &report);
    };
    let control = association.control();
    // The peer may wait for the report before it ends this association, or the other way round.
    let _ = std::thread::Builder::new()
        .name("pacs-report".into())
        .spawn(move || report_to(&client, &report, &control));
    Ok(())
}

fn asked(
    association: &Association,
    shared: &Shared,
    request: &CommitmentRequest,
) -> Option<CommitmentReport> {
    let peer = &association.peer;
    let asked = || shared.receiver.on_commitment_request(peer, request);
    catch_unwind(AssertUnwindSafe(asked)).unwrap_or(None)
}

fn report_to(client: &crate::Client, report: &CommitmentReport, control: &Control) {
    if let Err(error) = client.report_commitment(report, control) {
        tracing::warn!(target: "vesalius", "a report of storage commitment was not taken: {error}");
    }
}

/// A report of storage commitment.
fn event(
    association: &mut Association,
    context: u8,
    command: &Command,
    shared: &Shared,
) -> Result<()> {
    let status = match read_report(association, context, command) {
        Ok(report) => {
            let peer = &association.peer;
            let told = || shared.receiver.on_commitment_report(peer, &report);
            catch_unwind(AssertUnwindSafe(told)).unwrap_or(Status::PROCESSING_FAILURE)
        }
        Err(Error::DataSet(_)) => Status::CANNOT_UNDERSTAND,
        Err(error) => return Err(error),
    };
    association.send_command(context, &command.response(status))
}
