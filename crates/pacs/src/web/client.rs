//! A server of DICOMweb, and requests to it.

use crate::error::reasons;
use crate::net::certificates;
use crate::{ClientTls, Error, Limits, Result, Timeouts};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
use ureq::{Agent, Body, http::Response};
use vesalius_control::Control;

/// A server of DICOMweb.
///
/// ```no_run
/// use vesalius_control::Control;
/// use vesalius_pacs::{FolderReceiver, Level, Query, WebClient};
///
/// let pacs = WebClient::new("https://pacs.example/dicom-web")?.token("secret")?;
/// let query = Query::new(Level::Study).matching("PatientID", "4711")?;
/// let found = pacs.find(&query, 100, &Control::new())?;
/// println!("{} studies", found.matches.len());
/// pacs.get(&Query::study("1.2.3")?, &FolderReceiver::new("scans")?, &Control::new())?;
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebClient {
    base: String,
    authorization: Option<String>,
    tls: Option<ClientTls>,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// How much the server may send.
    pub limits: Limits,
}

impl WebClient {
    /// A server by the URL of its services, such as `http://127.0.0.1:8042/dicom-web`. Certificates of `https` are checked
    /// as the system does, unless [`WebClient::tls`] says otherwise.
    ///
    /// # Errors
    /// [`Error::Settings`] for a text that is no such URL.
    pub fn new(url: &str) -> Result<Self> {
        let base = url.trim_end_matches('/');
        let host = base
            .strip_prefix("http://")
            .or_else(|| base.strip_prefix("https://"));
        let is_plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte))
        };
        match host {
            Some(rest) if is_plain(rest) && !rest.is_empty() && !rest.starts_with('/') => {
                Ok(Self {
                    base: base.to_owned(),
                    authorization: None,
                    tls: None,
                    timeouts: Timeouts::default(),
                    limits: Limits::default(),
                })
            }
            _ => Err(Error::Settings(
                "the URL of DICOMweb must be like https://host:port/dicom-web, without a query"
                    .into(),
            )),
        }
    }

    /// Sends a bearer token with each request.
    ///
    /// # Errors
    /// [`Error::Settings`] for a token with spaces or other characters that a header cannot have.
    pub fn token(mut self, token: &str) -> Result<Self> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Settings(
                "a token has printable ASCII characters without spaces".into(),
            ));
        }
        self.authorization = Some(format!("Bearer {token}"));
        Ok(self)
    }

    /// Trusts the authorities of `tls` alone, and shows its certificate to the server.
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn tls_config(&self) -> Result<TlsConfig> {
        let builder = TlsConfig::builder();
        let Some(own) = &self.tls else {
            return Ok(builder.root_certs(RootCerts::PlatformVerifier).build());
        };
        let read = |path: &Path| -> Result<Vec<Certificate<'static>>> {
            let chain = certificates(path)?;
            Ok(chain
                .iter()
                .map(|der| Certificate::from_der(der).to_owned())
                .collect())
        };
        let roots = RootCerts::Specific(Arc::new(read(&own.authorities)?));
        let builder = builder.root_certs(roots);
        let Some((certificate, key)) = &own.own else {
            return Ok(builder.build());
        };
        let bad = |what: String| Error::file(key, what);
        let pem = std::fs::read(key).map_err(|error| bad(error.to_string()))?;
        let own_key = PrivateKey::from_pem(&pem).map_err(|error| bad(reasons(&error)))?;
        let shown = ClientCert::new_with_certs(&read(certificate)?, own_key);
        Ok(builder.client_cert(Some(shown)).build())
    }

    pub(super) fn agent(&self) -> Result<Agent> {
        let tls = self.tls_config()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(tls)
            .timeout_connect(Some(self.timeouts.connect))
            .timeout_per_read(Some(self.timeouts.response))
            .timeout_per_write(Some(self.timeouts.pdu))
            .max_redirects(0)
            .user_agent(crate::IMPLEMENTATION_VERSION_NAME);
        Ok(config.build().into())
    }

    /// Asks by GET. `None` for an answer without content.
    pub(super) fn get_body(
        &self,
        path: &str,
        accept: &str,
        request: &'static str,
    ) -> Result<Option<Response<Body>>> {
        let mut call = self.agent()?.get(self.url(path)).header("Accept", accept);
        if let Some(authorization) = &self.authorization {
            call = call.header("Authorization", authorization);
        }
        let answer = call.call().map_err(|error| failed(request, &error))?;
        match answer.status().as_u16() {
            200 | 206 => Ok(Some(answer)),
            204 => Ok(None),
            status => Err(Error::Http { status, request }),
        }
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

/// The error for a request without an answer. Messages of the client name hosts, and no paths.
pub(super) fn failed(request: &'static str, error: &ureq::Error) -> Error {
    match error {
        ureq::Error::Io(inner) if is_cancelled(inner) => Error::Cancelled,
        _ => Error::Request {
            request,
            problem: reasons(error),
        },
    }
}

const CANCELLED: &str = "vesalius: cancelled";

fn is_cancelled(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.to_string() == CANCELLED)
}

/// A reader that ends when its `Control` is cancelled.
pub(super) struct Watched<'a, R> {
    pub from: R,
    pub control: &'a Control,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.control.check().is_err() {
            return Err(io::Error::other(CANCELLED));
        }
        self.from.read(buffer)
    }
}

/// The error for a body that ended early.
pub(super) fn broken(request: &'static str, error: Error) -> Error {
    match error {
        Error::Io { source, .. } if is_cancelled(&source) => Error::Cancelled,
        Error::Io { source, .. } => Error::Request {
            request,
            problem: source.to_string(),
        },
        other => other,
    }
}

/// A text as a part of a URL.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'*' => {
                out.push(byte.into());
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_services_are_taken() {
        for good in ["http://127.0.0.1:8042/dicom-web/", "https://pacs/rs"] {
            assert!(WebClient::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "pacs",
            "ftp://pacs",
            "http://",
            "http:///x",
            "http://a b",
            "http://a/?q=1",
            "http://a/#x",
        ] {
            assert!(WebClient::new(bad).is_err(), "{bad}");
        }
        let client = WebClient::new("http://a").unwrap();
        assert!(client.clone().token("a\r\nX: y").is_err() && client.token("a.b-c").is_ok());
    }

    #[test]
    fn texts_in_urls_have_no_special_characters() {
        assert_eq!(
            encoded("M\u{fc}ller^A & b/c?"),
            "M%C3%BCller%5EA%20%26%20b%2Fc%3F"
        );
    }
}
