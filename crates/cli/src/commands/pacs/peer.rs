//! The archive that is talked to, and how.

use super::super::Result;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use vesalius::pacs::{AeTitle, Client, ClientTls, Timeouts, WebClient};

/// `TITLE@HOST:PORT`, or the URL of DICOMweb.
#[derive(Debug, Clone)]
pub enum Address {
    /// A title, and host and port.
    Dimse(AeTitle, String),
    /// A URL.
    Web(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Web(text.to_owned()));
        }
        let expected =
            "expected TITLE@HOST:PORT, such as PACS@10.1.2.3:104, or the URL of DICOMweb";
        let (title, address) = text.split_once('@').ok_or(expected)?;
        let title = AeTitle::new(title).map_err(|error| error.to_string())?;
        let (host, port) = address.rsplit_once(':').ok_or(expected)?;
        match port.parse::<u16>() {
            Ok(1..) if !host.is_empty() => Ok(Self::Dimse(title, address.to_owned())),
            _ => Err(expected.into()),
        }
    }
}

/// The archive, and how it is talked to.
#[derive(clap::Args)]
pub struct Peer {
    /// The archive: TITLE@HOST:PORT for DIMSE, or the URL of DICOMweb, such as https://pacs/dicom-web
    #[arg(value_name = "PACS")]
    address: Address,
    /// The title of this side (AE title); many archives answer only titles that they know
    #[arg(long, value_name = "TITLE", default_value = "VESALIUS")]
    title: AeTitle,
    /// How long to wait for each answer, seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Encrypt by TLS; trust servers whose certificate an authority in this PEM file signed (also for https)
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The certificate that is shown to the server, in PEM form
    #[arg(long, value_name = "FILE", requires_all = ["tls_key", "tls_ca"])]
    tls_cert: Option<PathBuf>,
    /// The key of --tls-cert, in PEM form
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A file with the bearer token for DICOMweb
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A client of one of both protocols.
pub enum Connected {
    /// By DIMSE.
    Dimse(Client),
    /// By DICOMweb.
    Web(WebClient),
}

impl Peer {
    /// The client.
    pub fn connected(&self) -> Result<Connected> {
        let timeouts = Timeouts {
            response: Duration::from_secs(self.timeout.into()),
            ..Timeouts::default()
        };
        let tls = self.tls()?;
        match &self.address {
            Address::Dimse(title, address) => {
                if self.token_file.is_some() {
                    return Err("--token-file is for DICOMweb; DIMSE has no tokens".into());
                }
                let mut client = Client::new(address, title.clone(), self.title.clone());
                (client.timeouts, client.tls) = (timeouts, tls);
                Ok(Connected::Dimse(client))
            }
            Address::Web(url) => {
                let mut client = WebClient::new(url)?;
                client.timeouts = timeouts;
                if let Some(tls) = tls {
                    client = client.tls(tls);
                }
                if let Some(path) = &self.token_file {
                    client = client.token(vesalius::io::read_text(path)?.trim())?;
                }
                Ok(Connected::Web(client))
            }
        }
    }

    fn tls(&self) -> Result<Option<ClientTls>> {
        let Some(authorities) = &self.tls_ca else {
            return Ok(None);
        };
        let tls = ClientTls::new(authorities)?;
        Ok(Some(match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => tls.certificate(certificate, key)?,
            _ => tls,
        }))
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
            assert!(good.parse::<Address>().is_ok(), "{good}");
        }
        for bad in [
            "PACS",
            "10.1.2.3:104",
            "PACS@host",
            "PACS@host:0",
            "PACS@:104",
            "PACS@host:x",
            "@host:104",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
