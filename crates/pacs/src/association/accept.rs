//! Answering a peer that asks for an association.

use super::contexts::MOST_CONTEXTS;
use super::request::{APPLICATION, fingerprint, own_variables, told};
use super::{Association, Context, Peer, Role};
use crate::net::{Wire, encode, parse};
use crate::{Error, Result};
use dicom_ul::pdu::*;
use std::net::SocketAddr;

/// A class that is offered to peers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Transfer syntaxes, the preferred one first.
    pub syntaxes: Vec<String>,
    /// Whether the peer may be the provider of the class.
    pub peer_provides: bool,
}

/// A peer that asked for an association and was not answered yet.
pub(crate) struct Acceptor {
    wire: Wire,
    pub peer: Peer,
    request: AssociationRQ,
}

impl Acceptor {
    /// Receives the request.
    pub fn receive(mut wire: Wire, address: SocketAddr) -> Result<Self> {
        let mut body = Vec::new();
        let wait = wire.timeouts.association;
        let kind = wire.receive(&mut body, wait, true, "the request of an association");
        let request = match kind.and_then(|kind| parse(kind, &body)) {
            Ok(Pdu::AssociationRQ(request)) => request,
            other => {
                let error = other.err();
                // One who speaks another language, or sends a length of gigabytes, is told the end in DICOM's form.
                let reason = AbortRQServiceProviderReason::UnexpectedPdu;
                let source = AbortRQSource::ServiceProvider(reason);
                let tell = !matches!(error, Some(Error::Closed(_) | Error::Tls(_)));
                if let (true, Ok(bytes)) = (tell, encode(&Pdu::AbortRQ { source })) {
                    let _ = wire.send(&bytes);
                    wire.close();
                }
                let unexpected = || Error::protocol("it did not ask for an association");
                return Err(error.unwrap_or_else(unexpected));
            }
        };
        let (_, class, name) = told(&request.user_variables);
        let peer = Peer {
            address: Some(address),
            title: request.calling_ae_title.trim().to_owned(),
            called: request.called_ae_title.trim().to_owned(),
            implementation_class: class,
            implementation_name: name,
            certificate: wire.transport().peer_certificate().map(fingerprint),
        };
        Ok(Self {
            wire,
            peer,
            request,
        })
    }

    /// What the request itself is refused for.
    pub fn problem(&self) -> Option<AssociationRJSource> {
        use AssociationRJServiceProviderASCEReason as Provider;
        let name = self.request.application_context_name.trim_end_matches('\0');
        if self.request.protocol_version & 1 == 0 {
            let reason = Provider::ProtocolVersionNotSupported;
            return Some(AssociationRJSource::ServiceProviderASCE(reason));
        }
        (name != APPLICATION).then_some(AssociationRJSource::ServiceUser(
            AssociationRJServiceUserReason::ApplicationContextNameNotSupported,
        ))
    }

    /// Refuses the association.
    pub fn reject(mut self, is_permanent: bool, source: AssociationRJSource) {
        let result = match is_permanent {
            true => AssociationRJResult::Permanent,
            false => AssociationRJResult::Transient,
        };
        let reject = Pdu::AssociationRJ(AssociationRJ { result, source });
        if let Ok(bytes) = encode(&reject) {
            let _ = self.wire.send(&bytes);
        }
        self.wire.close();
    }

    /// Accepts the association with the contexts of the classes that are offered.
    pub fn accept(mut self, offer: &dyn Fn(&str) -> Option<Offer>) -> Result<Association> {
        let proposed = &self.request.presentation_contexts;
        let mut seen = [false; 256];
        for context in proposed {
            let again = std::mem::replace(&mut seen[usize::from(context.id)], true);
            if again || context.id % 2 == 0 || proposed.len() > MOST_CONTEXTS {
                let source = AbortRQSource::ServiceProvider(
                    AbortRQServiceProviderReason::InvalidPduParameter,
                );
                self.wire.send(&encode(&Pdu::AbortRQ { source })?)?;
                self.wire.close();
                let problem = "presentation contexts with even or repeated numbers";
                return Err(Error::protocol(problem));
            }
        }
        let (results, contexts) = self.answers(offer);
        let mut user_variables = own_variables(self.wire.limits);
        user_variables.extend(self.roles(offer));
        let accept = AssociationAC {
            protocol_version: 1,
            calling_ae_title: self.request.calling_ae_title.clone(),
            called_ae_title: self.request.called_ae_title.clone(),
            application_context_name: APPLICATION.to_owned(),
            presentation_contexts: results,
            user_variables,
        };
        self.wire.send(&encode(&Pdu::AssociationAC(accept))?)?;
        let (takes, ..) = told(&self.request.user_variables);
        Ok(Association::new(self.wire, self.peer, contexts, takes))
    }

    fn answers(
        &self,
        offer: &dyn Fn(&str) -> Option<Offer>,
    ) -> (Vec<PresentationContextResult>, Vec<Context>) {
        use PresentationContextResultReason as Reason;
        let (mut results, mut contexts) = (Vec::new(), Vec::new());
        for proposed in &self.request.presentation_contexts {
            let class = proposed.abstract_syntax.trim_end_matches('\0');
            let has = |syntax: &str| {
                let mut all = proposed.transfer_syntaxes.iter();
                all.any(|one| one.trim_end_matches(['\0', ' ']) == syntax)
            };
            let offered = offer(class);
            let chosen = offered
                .as_ref()
                .and_then(|offer| offer.syntaxes.iter().find(|syntax| has(syntax)));
            let reason = match (&offered, chosen) {
                (None, _) => Reason::AbstractSyntaxNotSupported,
                (_, None) => Reason::TransferSyntaxesNotSupported,
                _ => Reason::Acceptance,
            };
            let first = || proposed.transfer_syntaxes.first().cloned();
            results.push(PresentationContextResult {
                id: proposed.id,
                reason,
                // Has no meaning where the context is refused, and must be there.
                transfer_syntax: chosen.cloned().or_else(first).unwrap_or_default(),
            });
            if let Some(syntax) = chosen {
                contexts.push(Context {
                    id: proposed.id,
                    class: class.to_owned(),
                    syntax: syntax.clone(),
                    role: Role::User,
                });
            }
        }
        (results, contexts)
    }

    /// Roles that the peer asked for, as far as they are granted.
    fn roles(&self, offer: &dyn Fn(&str) -> Option<Offer>) -> Vec<UserVariableItem> {
        let asked = self
            .request
            .user_variables
            .iter()
            .filter_map(|item| match item {
                UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles) => Some((uid, roles)),
                _ => None,
            });
        let granted = asked.filter_map(|(uid, asked)| {
            let offer = offer(uid.trim_end_matches('\0'))?;
            let roles = RequestorRoles {
                scu: asked.scu,
                scp: asked.scp && offer.peer_provides,
            };
            Some(UserVariableItem::ScuScpRoleSelectionSubItem(
                uid.clone(),
                roles,
            ))
        });
        granted.take(MOST_CONTEXTS).collect()
    }
}
