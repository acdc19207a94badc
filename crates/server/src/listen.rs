//! Connections: addresses and what they ask for, TLS, limits of number and time.

use crate::error::Error;
use crate::http::{Access, router};
use crate::idle::Timed;
use crate::limits::Limits;
use crate::queue::Queue;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How long connections may go on after the end was asked for.
const FAREWELL: Duration = Duration::from_secs(5);

/// A certificate and its key, as PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The file of the certificate and those that lead to its root.
    pub certificate: PathBuf,
    /// The file of the private key.
    pub key: PathBuf,
}

/// Where the server listens.
#[derive(Debug, Clone)]
pub struct Listen {
    /// The address; port 0 is any free one.
    pub address: SocketAddr,
    /// Encryption by this server.
    pub tls: Option<TlsFiles>,
    /// Whether a server before this one encrypts.
    pub behind_proxy: bool,
    /// Whether the token was chosen by who runs the server, instead of made at the start.
    pub chosen_token: bool,
}

impl Listen {
    /// On the machine itself.
    pub fn local(port: u16) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            tls: None,
            behind_proxy: false,
            chosen_token: false,
        }
    }

    /// Refuses addresses that other machines reach without a chosen token and encryption.
    ///
    /// # Errors
    /// [`Error::Exposed`], with what is missing.
    ///
    /// ```
    /// use vesalius_server::Listen;
    ///
    /// assert!(Listen::local(8080).check().is_ok());
    /// let open = Listen { address: "0.0.0.0:8080".parse()?, ..Listen::local(0) };
    /// assert!(open.check().is_err());
    /// let proxied = Listen { behind_proxy: true, chosen_token: true, ..open };
    /// assert!(proxied.check().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self) -> Result<(), Error> {
        if self.address.ip().is_loopback() {
            return Ok(());
        }
        let address = self.address;
        if !self.chosen_token {
            return Err(Error::Exposed(format!(
                "{address} is reached by other machines, so it needs a token that you choose (a file with it)"
            )));
        }
        if self.tls.is_none() && !self.behind_proxy {
            return Err(Error::Exposed(format!(
                "{address} is reached by other machines, so what is sent must be encrypted: give a certificate and its key, or \
                 say that a server before this one encrypts (behind a proxy)"
            )));
        }
        Ok(())
    }

    /// Whether what is sent is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some() || self.behind_proxy
    }
}

/// A server that has its address and does not answer yet.
pub struct Bound {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    address: SocketAddr,
}

/// Takes the address. It must be called within a runtime of tokio.
///
/// # Errors
/// [`Error::Exposed`], [`Error::Listen`], [`Error::Tls`].
pub async fn bind(queue: Arc<Queue>, listen: &Listen, mut access: Access) -> Result<Bound, Error> {
    listen.check()?;
    let tls = listen.tls.as_ref().map(acceptor).transpose()?;
    let refused = |source| Error::Listen {
        address: listen.address.to_string(),
        source,
    };
    let listener = TcpListener::bind(listen.address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    if !address.ip().is_unspecified() {
        access.hosts.push(host(address.ip()));
    }
    access.encrypted = listen.is_encrypted();
    let limits = queue.limits.clone();
    Ok(Bound {
        listener,
        tls,
        router: router(queue, access),
        limits,
        address,
    })
}

/// An address as it stands in the header `Host`.
fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

impl Bound {
    /// The address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `end` is ready; what is being answered then has a few seconds more.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let (ending, ended) = watch::channel(false);
        let mut end = std::pin::pin!(end);
        loop {
            let accepted = tokio::select! {
                () = &mut end => break,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let Some((stream, place)) = accepted else {
                continue;
            };
            let answered = connection(
                stream,
                self.tls.clone(),
                self.router.clone(),
                self.limits.clone(),
                ended.clone(),
            );
            tokio::spawn(async move {
                answered.await;
                drop(place);
            });
        }
        // Without a receiver no connection is open.
        let _ = ending.send(true);
        drop(ended);
        let _ = tokio::time::timeout(FAREWELL, ending.closed()).await;
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(_) => {
            // Such as too many open files: others end meanwhile.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    ended: watch::Receiver<bool>,
) {
    // Small answers are sent at once; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let stream = Timed::new(stream, limits.upload_pause);
    match tls {
        None => answer(stream, router, &limits, ended).await,
        Some(tls) => {
            let greeted = tokio::time::timeout(limits.head_time, tls.accept(stream)).await;
            if let Ok(Ok(stream)) = greeted {
                answer(stream, router, &limits, ended).await;
            }
        }
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    limits: &Limits,
    mut ended: watch::Receiver<bool>,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(64 << 10);
    let service = TowerToHyperService::new(router);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut connection => return,
        () = has_ended(&mut ended) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn has_ended(ended: &mut watch::Receiver<bool>) {
    // An error says that the server itself is gone, which is an end, too.
    let _ = ended.wait_for(|ended| *ended).await;
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, Error> {
    let bad = |path: &Path, what: String| Error::Tls(format!("{}: {what}", path.display()));
    let path = &files.certificate;
    let certificates: Vec<CertificateDer> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| bad(path, format!("expected certificates as PEM: {error}")))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| {
        bad(
            &files.key,
            format!("expected a private key as PEM: {error}"),
        )
    })?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(certificates, key)
        })
        .map_err(|error| {
            bad(
                path,
                format!("{error}; give the certificate that belongs to the key"),
            )
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
