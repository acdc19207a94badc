//! Certificates and keys of a server and of a client (PS3.15 annex B: TLS 1.2 and 1.3).

use super::Transport;
use crate::{Error, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use rustls::{SupportedProtocolVersion, crypto::CryptoProvider, version};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn bad(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::file(path, format!("it cannot be used for TLS: {error}"))
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| bad(path, error))?;
    let chain: Vec<_> = read
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| bad(path, error))?;
    match chain.is_empty() {
        true => Err(bad(path, "it has no certificate in PEM form")),
        false => Ok(chain),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| bad(path, error))
}

fn authorities(path: &Path) -> Result<Arc<RootCertStore>> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| bad(path, error))?;
    }
    Ok(Arc::new(store))
}

/// TLS of a server: its certificate and key, and which certificates of clients it asks for. Files are in PEM form.
///
/// [`ServerTls::reload`] reads the files again, for certificates that are renewed while a server runs; clones share
/// what was read.
#[derive(Clone)]
pub struct ServerTls {
    certificate: PathBuf,
    key: PathBuf,
    clients: Option<(PathBuf, bool)>,
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl ServerTls {
    /// Any client may connect.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is missing, or has no certificate or no key.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self> {
        Self::read(certificate.into(), key.into(), None)
    }

    /// Clients must have a certificate that one of these authorities signed.
    ///
    /// # Errors
    /// As [`ServerTls::new`].
    pub fn require_clients(self, authorities: impl Into<PathBuf>) -> Result<Self> {
        Self::read(self.certificate, self.key, Some((authorities.into(), true)))
    }

    /// Clients may have a certificate that one of these authorities signed, and need none.
    ///
    /// # Errors
    /// As [`ServerTls::new`].
    pub fn allow_clients(self, authorities: impl Into<PathBuf>) -> Result<Self> {
        Self::read(
            self.certificate,
            self.key,
            Some((authorities.into(), false)),
        )
    }

    /// Reads the files again. Associations that are open keep what they began with.
    ///
    /// # Errors
    /// As [`ServerTls::new`]; what was read before then stays in use.
    pub fn reload(&self) -> Result<()> {
        let config = Self::config(&self.certificate, &self.key, self.clients.as_ref())?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn read(certificate: PathBuf, key: PathBuf, clients: Option<(PathBuf, bool)>) -> Result<Self> {
        let config = Self::config(&certificate, &key, clients.as_ref())?;
        Ok(Self {
            certificate,
            key,
            clients,
            config: Arc::new(RwLock::new(config)),
        })
    }

    fn config(
        certificate: &Path,
        key_file: &Path,
        clients: Option<&(PathBuf, bool)>,
    ) -> Result<Arc<ServerConfig>> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&VERSIONS)
            .map_err(|error| Error::Tls(error.to_string()))?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some((path, required)) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(authorities(path)?, provider());
                let verifier = match required {
                    true => verifier,
                    false => verifier.allow_unauthenticated(),
                };
                let verifier = verifier.build().map_err(|error| bad(path, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder
            .with_single_cert(certificates(certificate)?, key(key_file)?)
            .map_err(|error| bad(certificate, error))?;
        Ok(Arc::new(config))
    }

    pub(crate) fn accept(&self, socket: TcpStream) -> Result<Transport> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        let connection = ServerConnection::new(Arc::clone(&config))
            .map_err(|error| Error::Tls(error.to_string()))?;
        Ok(Transport::Server(Box::new(rustls::StreamOwned::new(
            connection, socket,
        ))))
    }
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (certificate, clients) = (&self.certificate, &self.clients);
        write!(f, "ServerTls({certificate:?}, clients: {clients:?})")
    }
}

/// TLS of a client: which authorities it trusts, and its own certificate where the server asks for one. Files are in PEM
/// form.
#[derive(Clone)]
pub struct ClientTls {
    pub(crate) authorities: PathBuf,
    pub(crate) own: Option<(PathBuf, PathBuf)>,
    name: Option<String>,
    config: Arc<ClientConfig>,
}

impl ClientTls {
    /// Trusts servers with a certificate that one of these authorities signed, for the host that is connected to.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is missing or has no certificate.
    pub fn new(authorities: impl Into<PathBuf>) -> Result<Self> {
        Self::read(authorities.into(), None, None)
    }

    /// Shows this certificate to the server.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is missing, or has no certificate or no key.
    pub fn certificate(
        self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self> {
        let own = (certificate.into(), key.into());
        Self::read(self.authorities, Some(own), self.name)
    }

    /// The name that the server's certificate must have, where it is not the host that is connected to.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn read(roots: PathBuf, own: Option<(PathBuf, PathBuf)>, name: Option<String>) -> Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&VERSIONS)
            .map_err(|error| Error::Tls(error.to_string()))?
            .with_root_certificates(authorities(&roots)?);
        let config = match &own {
            None => builder.with_no_client_auth(),
            Some((certificate, key_file)) => builder
                .with_client_auth_cert(certificates(certificate)?, key(key_file)?)
                .map_err(|error| bad(certificate, error))?,
        };
        Ok(Self {
            authorities: roots,
            own,
            name,
            config: Arc::new(config),
        })
    }

    pub(crate) fn connect(&self, host: &str, socket: TcpStream) -> Result<Transport> {
        let name = self.name.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name)
            .map_err(|_| Error::Tls("the server's name is no host name or address".into()))?;
        let connection = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| Error::Tls(error.to_string()))?;
        Ok(Transport::Client(Box::new(rustls::StreamOwned::new(
            connection, socket,
        ))))
    }
}

impl std::fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (authorities, own) = (&self.authorities, &self.own);
        write!(f, "ClientTls({authorities:?}, own: {own:?})")
    }
}
