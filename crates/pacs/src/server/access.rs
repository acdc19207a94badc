//! Who may call: by title, and by address or certificate, because a title is no secret.

use crate::{AeTitle, Peer};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Who may call a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Callers {
    /// Any calling title from any address.
    #[default]
    Any,
    /// These alone.
    Known(Vec<Caller>),
}

/// A peer that may call.
///
/// ```
/// use vesalius_pacs::Caller;
///
/// let caller: Caller = serde_json::from_str(r#"{"title": "CT1", "addresses": ["10.1.2.3"]}"#)?;
/// assert_eq!(caller.title.as_str(), "CT1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// Its title.
    pub title: AeTitle,
    /// Addresses that it may call from; any, where there is none.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The SHA-256 hash of its TLS certificate, in hexadecimal digits with or without colons, as
    /// `openssl x509 -fingerprint -sha256` prints it; any or none, where this is absent.
    #[serde(default)]
    pub certificate: Option<String>,
}

impl Callers {
    /// Whether a peer may call.
    pub(crate) fn allow(&self, peer: &Peer) -> bool {
        match self {
            Self::Any => !peer.title.is_empty(),
            Self::Known(list) => list.iter().any(|caller| caller.is(peer)),
        }
    }
}

impl Caller {
    /// A peer that may call from any address.
    pub fn new(title: AeTitle) -> Self {
        Self {
            title,
            addresses: Vec::new(),
            certificate: None,
        }
    }

    fn is(&self, peer: &Peer) -> bool {
        let address = peer.address.map(|address| address.ip().to_canonical());
        let at_address = || {
            self.addresses
                .iter()
                .any(|one| Some(one.to_canonical()) == address)
        };
        let shows = |wanted: &String| {
            let digits = wanted.chars().filter(|&letter| letter != ':');
            let wanted: String = digits.map(|letter| letter.to_ascii_lowercase()).collect();
            peer.certificate.as_deref() == Some(wanted.as_str())
        };
        self.title.as_str() == peer.title
            && (self.addresses.is_empty() || at_address())
            && self.certificate.as_ref().is_none_or(shows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(title: &str, address: &str, certificate: Option<&str>) -> Peer {
        Peer {
            address: Some(address.parse().unwrap()),
            title: title.into(),
            called: "VESALIUS".into(),
            implementation_class: String::new(),
            implementation_name: String::new(),
            certificate: certificate.map(str::to_owned),
        }
    }

    #[test]
    fn a_title_counts_only_from_its_address_and_with_its_certificate() {
        let callers = Callers::Known(vec![Caller {
            title: AeTitle::new("CT1").unwrap(),
            addresses: vec!["10.0.0.1".parse().unwrap()],
            certificate: Some("AB:CD".into()),
        }]);
        assert!(callers.allow(&peer("CT1", "10.0.0.1:5", Some("abcd"))));
        assert!(callers.allow(&peer("CT1", "[::ffff:10.0.0.1]:5", Some("abcd"))));
        assert!(!callers.allow(&peer("CT2", "10.0.0.1:5", Some("abcd"))));
        assert!(!callers.allow(&peer("CT1", "10.0.0.2:5", Some("abcd"))));
        assert!(!callers.allow(&peer("CT1", "10.0.0.1:5", None)));
        assert!(Callers::Any.allow(&peer("X", "1.2.3.4:5", None)));
        assert!(!Callers::Any.allow(&peer("", "1.2.3.4:5", None)));
    }
}
