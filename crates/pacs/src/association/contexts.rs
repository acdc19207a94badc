//! Presentation contexts: a class and a transfer syntax under a number.

use crate::{Error, Result};
use dicom_ul::pdu::PresentationContextProposed;

/// Numbers are odd and at most 255.
pub(crate) const MOST_CONTEXTS: usize = 128;

/// A context that both sides agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Context {
    pub id: u8,
    pub class: String,
    pub syntax: String,
    pub role: Role,
}

/// What the side that requested the association does in the contexts of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It asks.
    User,
    /// It answers: in C-GET, and where commitment is reported.
    Provider,
}

/// A class and transfer syntaxes that are proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub class: String,
    pub syntaxes: Vec<String>,
    pub role: Role,
}

impl Proposal {
    pub fn user(class: &str, syntaxes: &[&str]) -> Self {
        Self {
            class: class.to_owned(),
            syntaxes: syntaxes.iter().map(|&syntax| syntax.to_owned()).collect(),
            role: Role::User,
        }
    }

    pub fn provider(class: &str, syntaxes: &[&str]) -> Self {
        let role = Role::Provider;
        Self {
            role,
            ..Self::user(class, syntaxes)
        }
    }
}

/// Numbers proposals 1, 3, 5 and so on.
pub(crate) fn numbered(proposals: &[Proposal]) -> Result<Vec<PresentationContextProposed>> {
    if proposals.len() > MOST_CONTEXTS {
        return Err(Error::Settings(format!(
            "an association has at most {MOST_CONTEXTS} presentation contexts, and {} were asked for; use several associations",
            proposals.len()
        )));
    }
    let contexts = proposals.iter().zip((1..=u8::MAX).step_by(2));
    Ok(contexts
        .map(|(proposal, id)| PresentationContextProposed {
            id,
            abstract_syntax: proposal.class.clone(),
            transfer_syntaxes: proposal.syntaxes.clone(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_have_odd_numbers_and_there_are_at_most_128() {
        let one = Proposal::user("1.2", &["1.2.840.10008.1.2"]);
        let all = numbered(&vec![one.clone(); 128]).unwrap();
        assert_eq!((all[0].id, all[127].id), (1, 255));
        assert!(all.iter().all(|context| context.id % 2 == 1));
        assert!(numbered(&vec![one; 129]).is_err());
    }
}
