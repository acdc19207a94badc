//! Where results are sent: destinations of a config, by DIMSE or DICOMweb.

use crate::client::Outgoing;
use crate::{
    AeTitle, Client, ClientTls, Error, LABEL_MAP_SEGMENTATION, PeerAddress, Result, SentInstance,
    StoreOutcome, WebClient,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use vesalius_control::Control;

/// Where results are sent.
///
/// ```
/// use vesalius_pacs::Destination;
///
/// let pacs: Destination = serde_json::from_str(r#"{"name": "PACS", "address": "PACS@10.1.2.3:104", "commit": true}"#)?;
/// assert_eq!(pacs.left_out, [vesalius_pacs::LABEL_MAP_SEGMENTATION]);
/// assert!(serde_json::from_str::<Destination>(r#"{"name": "PACS", "adress": "PACS@10.1.2.3:104"}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// The name by which rules refer to it.
    pub name: String,
    /// Where it is.
    pub address: PeerAddress,
    /// TLS.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    /// A file with the bearer token, for DICOMweb.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Classes of objects that are not sent to it. Default: label map segmentations, which many archives can store and not give
    /// back.
    #[serde(default = "label_maps")]
    pub left_out: Vec<String>,
    /// Whether it is asked to store objects for good (storage commitment, DIMSE).
    #[serde(default)]
    pub commit: bool,
}

/// Files for TLS, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Authorities that may have signed the peer's certificate.
    pub authorities: PathBuf,
    /// The certificate of this side.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The key of that certificate.
    #[serde(default)]
    pub key: Option<PathBuf>,
}

fn label_maps() -> Vec<String> {
    vec![LABEL_MAP_SEGMENTATION.to_owned()]
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be used, [`Error::Settings`] for a certificate without a key or a key without one.
    pub fn read(&self) -> Result<ClientTls> {
        let tls = ClientTls::new(&self.authorities)?;
        match (&self.certificate, &self.key) {
            (None, None) => Ok(tls),
            (Some(certificate), Some(key)) => tls.certificate(certificate, key),
            _ => Err(Error::Settings(
                "a certificate for TLS needs its key, and a key its certificate".into(),
            )),
        }
    }
}

/// A destination that can be sent to.
#[derive(Debug, Clone)]
pub enum Outlet {
    /// By DIMSE.
    Dimse(Client),
    /// By DICOMweb.
    Web(WebClient),
}

impl Destination {
    /// The client, under the title of this side.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Settings`] for files and settings that cannot be used.
    pub fn outlet(&self, calling: &AeTitle) -> Result<Outlet> {
        let tls = self.tls.as_ref().map(TlsFiles::read).transpose()?;
        match &self.address {
            PeerAddress::Dimse { title, address } => {
                let mut client = Client::new(address, title.clone(), calling.clone());
                client.tls = tls;
                Ok(Outlet::Dimse(client))
            }
            PeerAddress::Web(url) => {
                let mut client = WebClient::new(url)?;
                if let Some(tls) = tls {
                    client = client.tls(tls);
                }
                if let Some(path) = &self.token_file {
                    let token = std::fs::read_to_string(path)
                        .map_err(|error| Error::file(path, error.to_string()))?;
                    client = client.token(token.trim())?;
                }
                Ok(Outlet::Web(client))
            }
        }
    }

    /// Sends files, but those of classes that are left out, which get [`StoreOutcome::NotAccepted`].
    ///
    /// # Errors
    /// As [`Destination::outlet`], and [`Error::Cancelled`].
    pub fn store<P: AsRef<Path>>(
        &self,
        files: &[P],
        calling: &AeTitle,
        control: &Control,
    ) -> Result<Vec<SentInstance>> {
        let outlet = self.outlet(calling)?;
        let (mut wanted, mut left_out) = (Vec::new(), Vec::new());
        for path in files.iter().map(AsRef::as_ref) {
            match Outgoing::open(path) {
                Ok(file) if self.left_out.contains(&file.reference.class) => {
                    left_out.push(SentInstance {
                        path: path.to_owned(),
                        reference: Some(file.reference),
                        outcome: StoreOutcome::NotAccepted,
                    });
                }
                // What cannot be read is told by the client.
                _ => wanted.push(path),
            }
        }
        let mut sent = match &outlet {
            Outlet::Dimse(client) => client.store(&wanted, control)?,
            Outlet::Web(client) => client.store(&wanted, control)?,
        };
        sent.extend(left_out);
        Ok(sent)
    }
}
