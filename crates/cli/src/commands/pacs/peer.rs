//! The archive that is talked to, and how.

use super::super::Result;
use std::path::PathBuf;
use std::time::Duration;
use vesalius::pacs::{AeTitle, Client, ClientTls, PeerAddress, Timeouts, WebClient};

/// The archive, and how it is talked to.
#[derive(clap::Args)]
pub struct Peer {
    /// The archive: TITLE@HOST:PORT for DIMSE, or the URL of DICOMweb, such as https://pacs/dicom-web
    #[arg(value_name = "PACS")]
    address: PeerAddress,
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
            PeerAddress::Dimse { title, address } => {
                if self.token_file.is_some() {
                    return Err("--token-file is for DICOMweb; DIMSE has no tokens".into());
                }
                let mut client = Client::new(address, title.clone(), self.title.clone());
                (client.timeouts, client.tls) = (timeouts, tls);
                Ok(Connected::Dimse(client))
            }
            PeerAddress::Web(url) => {
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
