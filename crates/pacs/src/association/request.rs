//! Asking a peer for an association.

use super::contexts::numbered;
use super::messages::aborted;
use super::{Association, Context, Peer, Proposal, Role};
use crate::net::{Kind, Transport, Wire, encode, parse};
use crate::uid::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME};
use crate::{AeTitle, ClientTls, Error, Limits, Result, Timeouts};
use dicom_ul::pdu::*;
use std::net::{TcpStream, ToSocketAddrs};
use vesalius_control::Control;

/// The name of the rules of DICOM (PS3.7 annex A).
pub(super) const APPLICATION: &str = "1.2.840.10008.3.1.1.1";

/// Whom to ask, under which name.
pub(crate) struct Requestor<'a> {
    pub address: &'a str,
    pub called: &'a AeTitle,
    pub calling: &'a AeTitle,
    pub timeouts: Timeouts,
    pub limits: Limits,
    pub tls: Option<&'a ClientTls>,
    pub control: &'a Control,
}

impl Requestor<'_> {
    /// Asks for an association with these contexts. Those that the peer does not accept are missing in the result.
    pub fn associate(&self, proposals: &[Proposal]) -> Result<Association> {
        let contexts = numbered(proposals)?;
        let socket = self.connect()?;
        let address = socket
            .peer_addr()
            .map_err(|source| Error::io("setting up the connection", source))?;
        let transport = match self.tls {
            Some(tls) => tls.connect(host(self.address), socket)?,
            None => Transport::Plain(socket),
        };
        let (limits, timeouts) = (self.limits, self.timeouts);
        let mut wire = Wire::new(transport, limits, timeouts, self.control.clone())?;
        let request = AssociationRQ {
            protocol_version: 1,
            calling_ae_title: self.calling.to_string(),
            called_ae_title: self.called.to_string(),
            application_context_name: APPLICATION.to_owned(),
            presentation_contexts: contexts,
            user_variables: user_variables(limits, proposals),
        };
        wire.send(&encode(&Pdu::AssociationRQ(request))?)?;
        let accept = self.answer(&mut wire)?;
        let (takes, class, name) = told(&accept.user_variables);
        let peer = Peer {
            address: Some(address),
            title: self.called.to_string(),
            called: self.called.to_string(),
            implementation_class: class,
            implementation_name: name,
            certificate: wire.transport().peer_certificate().map(fingerprint),
        };
        let contexts = agreed(&accept, proposals);
        Ok(Association::new(wire, peer, contexts, takes))
    }

    fn connect(&self) -> Result<TcpStream> {
        let failed = |source| Error::Connect {
            address: self.address.to_owned(),
            source,
        };
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let mut last = missing();
        for address in self.address.to_socket_addrs().map_err(failed)? {
            self.control.check()?;
            match TcpStream::connect_timeout(&address, self.timeouts.connect) {
                Ok(socket) => return Ok(socket),
                Err(error) => last = error,
            }
        }
        Err(failed(last))
    }

    fn answer(&self, wire: &mut Wire) -> Result<AssociationAC> {
        let mut body = Vec::new();
        let wait = self.timeouts.association;
        let kind = wire.receive(&mut body, wait, true, "the answer to the association")?;
        if kind == Kind::Abort {
            return Err(aborted(&body));
        }
        match parse(kind, &body) {
            Ok(Pdu::AssociationAC(accept)) => Ok(accept),
            Ok(Pdu::AssociationRJ(reject)) => Err(self.rejected(&reject)),
            Ok(_) => Err(Error::protocol(
                "it did not answer the request of an association",
            )),
            Err(error) => Err(error),
        }
    }

    fn rejected(&self, reject: &AssociationRJ) -> Error {
        use AssociationRJServiceUserReason as Reason;
        let what = match &reject.source {
            AssociationRJSource::ServiceUser(Reason::CalledAETitleNotRecognized) => format!(
                "it does not have the called AE title `{}`; check the title of the peer",
                self.called
            ),
            AssociationRJSource::ServiceUser(Reason::CallingAETitleNotRecognized) => format!(
                "it does not know the calling AE title `{}`; enter this title at the peer",
                self.calling
            ),
            AssociationRJSource::ServiceProviderPresentation(reason) => {
                format!("{reason}; try again later")
            }
            other => other.to_string(),
        };
        Error::Rejected {
            permanent: reject.result == AssociationRJResult::Permanent,
            reason: what,
        }
    }
}

/// The host of `host:port`.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

fn user_variables(limits: Limits, proposals: &[Proposal]) -> Vec<UserVariableItem> {
    let mut items = own_variables(limits);
    let mut named: Vec<&str> = Vec::new();
    for proposal in proposals.iter().filter(|one| one.role == Role::Provider) {
        if !named.contains(&&*proposal.class) {
            named.push(&proposal.class);
            let roles = RequestorRoles {
                scu: false,
                scp: true,
            };
            items.push(UserVariableItem::ScuScpRoleSelectionSubItem(
                proposal.class.clone(),
                roles,
            ));
        }
    }
    items
}

/// What this side tells of itself.
pub(super) fn own_variables(limits: Limits) -> Vec<UserVariableItem> {
    vec![
        UserVariableItem::MaxLength(limits.pdu()),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
        UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
    ]
}

/// The longest PDU that the peer takes, its implementation class UID and its version name.
pub(super) fn told(items: &[UserVariableItem]) -> (u32, String, String) {
    let (mut takes, mut class, mut name) = (0, String::new(), String::new());
    for item in items {
        match item {
            UserVariableItem::MaxLength(length) => takes = *length,
            UserVariableItem::ImplementationClassUID(uid) => {
                class = uid.trim_end_matches(['\0', ' ']).to_owned();
            }
            UserVariableItem::ImplementationVersionName(text) => name = text.trim().to_owned(),
            _ => {}
        }
    }
    (takes, class, name)
}

pub(super) fn fingerprint(der: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, der);
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The accepted contexts, with the class that was proposed under their number and the role that was granted.
fn agreed(accept: &AssociationAC, proposals: &[Proposal]) -> Vec<Context> {
    let granted = |class: &str| {
        accept.user_variables.iter().any(|item| match item {
            UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles) => {
                uid.trim_end_matches('\0') == class && roles.scp
            }
            _ => false,
        })
    };
    let accepted = accept
        .presentation_contexts
        .iter()
        .filter(|context| context.reason == PresentationContextResultReason::Acceptance);
    let contexts = accepted.filter_map(|context| {
        let index = usize::from(context.id.checked_sub(1)? / 2);
        let proposal = proposals.get(index).filter(|_| context.id % 2 == 1)?;
        let syntax = context.transfer_syntax.trim_end_matches(['\0', ' ']);
        let offered = proposal.syntaxes.iter().any(|one| one == syntax);
        let role = match proposal.role {
            Role::Provider if !granted(&proposal.class) => return None,
            role => role,
        };
        offered.then(|| Context {
            id: context.id,
            class: proposal.class.clone(),
            syntax: syntax.to_owned(),
            role,
        })
    });
    contexts.collect()
}
