//! Where a peer is: a title with host and port, or the URL of DICOMweb.

use crate::{AeTitle, Error, Result, WebClient};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a peer is: `TITLE@HOST:PORT` for DIMSE, or the URL of its DICOMweb services.
///
/// ```
/// use vesalius_pacs::PeerAddress;
///
/// let pacs: PeerAddress = "PACS@10.1.2.3:104".parse()?;
/// assert!(matches!(&pacs, PeerAddress::Dimse { title, .. } if title.as_str() == "PACS"));
/// assert_eq!(pacs.to_string(), "PACS@10.1.2.3:104");
/// assert!("10.1.2.3:104".parse::<PeerAddress>().is_err());
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PeerAddress {
    /// DIMSE.
    Dimse {
        /// The peer's title.
        title: AeTitle,
        /// Host and port.
        address: String,
    },
    /// DICOMweb: the URL of its services.
    Web(String),
}

impl FromStr for PeerAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("http://") || text.starts_with("https://") {
            WebClient::new(text)?;
            return Ok(Self::Web(text.to_owned()));
        }
        let expected = || {
            Error::Settings(
                "expected TITLE@HOST:PORT, such as PACS@10.1.2.3:104, or the URL of DICOMweb"
                    .into(),
            )
        };
        let (title, address) = text.split_once('@').ok_or_else(expected)?;
        let title = AeTitle::new(title)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(expected)?;
        match port.parse::<u16>() {
            Ok(1..) if !host.is_empty() => Ok(Self::Dimse {
                title,
                address: address.to_owned(),
            }),
            _ => Err(expected()),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dimse { title, address } => write!(f, "{title}@{address}"),
            Self::Web(url) => f.write_str(url),
        }
    }
}

impl TryFrom<String> for PeerAddress {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PeerAddress> for String {
    fn from(address: PeerAddress) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_title_with_host_and_port_or_a_url() {
        for good in [
            "PACS@10.1.2.3:104",
            "PACS@[::1]:11112",
            "https://pacs/dicom-web",
        ] {
            assert_eq!(good.parse::<PeerAddress>().unwrap().to_string(), good);
        }
        for bad in [
            "PACS",
            "10.1.2.3:104",
            "PACS@host",
            "PACS@host:0",
            "PACS@:104",
            "PACS@host:x",
            "@host:104",
            "http://",
        ] {
            assert!(bad.parse::<PeerAddress>().is_err(), "{bad}");
        }
    }
}
