//! One request: the bytes of a source from a position on, by HTTP or from a file.

use crate::partial::Origin;
use crate::{Error, Result};
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;
use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, ResponseExt};

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(20);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// What a request brought.
pub(crate) struct Answer {
    /// Where in the file the bytes begin: the position that was asked for, or 0.
    pub start: u64,
    pub origin: Origin,
    pub body: Box<dyn Read>,
}

/// Why a request failed.
pub(crate) enum Failure {
    /// Another try may bring it.
    Passing { reason: String, unreachable: bool },
    /// What is here is not of the file that is there now: another try begins at its first byte.
    Stale,
    /// Another try brings the same.
    Final(Error),
}

/// Asks for files.
pub(crate) struct Client(Agent);

impl Client {
    pub fn new() -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(tls.build())
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("vesalius/", env!("CARGO_PKG_VERSION")));
        Self(config.build().new_agent())
    }

    /// The bytes of `known.url` from `position` on, if the file is still that of `known`; else from its begin.
    pub fn ask(
        &self,
        known: &Origin,
        position: u64,
        checked: bool,
    ) -> std::result::Result<Answer, Failure> {
        if let Some(path) = known.url.strip_prefix("file://") {
            return from_disk(path, known, position).map_err(Failure::Final);
        }
        // Without a version of the file only a checksum can tell that two halves belong together.
        let position = match known.version.is_some() || checked {
            true => position,
            false => 0,
        };
        let mut request = self.0.get(&known.url);
        if position > 0 {
            request = request.header(header::RANGE, format!("bytes={position}-"));
            if let Some(version) = &known.version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let response = request
            .call()
            .map_err(|error| failure(&known.url, &error))?;
        answer(&known.url, response, known, position)
    }
}

fn from_disk(path: &str, known: &Origin, position: u64) -> Result<Answer> {
    let path = std::path::Path::new(path);
    let mut file = std::fs::File::open(path).map_err(Error::file(path))?;
    let found = file.metadata().map_err(Error::file(path))?;
    if !found.is_file() {
        return Err(Error::Answer {
            url: known.url.clone(),
            reason:
                "it is not a file; name an archive, such as file:///data/Task04_Hippocampus.tar"
                    .to_owned(),
        });
    }
    let changed = found.modified().ok();
    let changed = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let origin = Origin {
        url: known.url.clone(),
        version: changed.map(|since| since.as_nanos().to_string()),
        total: Some(found.len()),
    };
    let start = if origin == *known && position <= found.len() {
        position
    } else {
        0
    };
    file.seek(SeekFrom::Start(start))
        .map_err(Error::file(path))?;
    Ok(Answer {
        start,
        origin,
        body: Box::new(file),
    })
}

fn answer(
    url: &str,
    response: Response<Body>,
    known: &Origin,
    position: u64,
) -> std::result::Result<Answer, Failure> {
    let wrong = |reason: String| {
        Failure::Final(Error::Answer {
            url: url.to_owned(),
            reason,
        })
    };
    if url.starts_with("https://") && response.get_uri().scheme_str() != Some("https") {
        return Err(wrong(
            "the server redirects to an address without TLS, which is not followed".to_owned(),
        ));
    }
    let headers = response.headers();
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|found| found != "identity")
    {
        return Err(wrong(
            "the server compresses the file on the way, so that its size is not known".to_owned(),
        ));
    }
    let length = number(headers, header::CONTENT_LENGTH);
    let (start, total) = match response.status().as_u16() {
        200 => (0, length),
        206 => {
            let range = headers.get(header::CONTENT_RANGE);
            let range = range
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            match range_of(range) {
                Some((start, total)) if start == position => (start, total),
                _ => {
                    return Err(wrong(format!(
                        "the server answered with the part `{range}`, asked for was `bytes {position}-`"
                    )));
                }
            }
        }
        416 if position > 0 && known.total == Some(position) => {
            return Ok(Answer {
                start: position,
                origin: known.clone(),
                body: Box::new(std::io::empty()),
            });
        }
        416 if position > 0 => return Err(Failure::Stale),
        status @ (408 | 425 | 429 | 500 | 502 | 503 | 504) => {
            return Err(Failure::Passing {
                reason: format!("the server answered {status}"),
                unreachable: false,
            });
        }
        status => {
            return Err(Failure::Final(Error::Status {
                url: url.to_owned(),
                status,
            }));
        }
    };
    let origin = Origin {
        url: url.to_owned(),
        version: version(headers),
        total,
    };
    let body = response
        .into_body()
        .into_with_config()
        .limit(u64::MAX)
        .reader();
    Ok(Answer {
        start,
        origin,
        body: Box::new(body),
    })
}

/// What says that a file has not changed: a strong ETag, else the date of its last change.
fn version(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = text(header::ETAG).filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| text(header::LAST_MODIFIED))
        .map(str::to_owned)
}

fn number(headers: &HeaderMap, name: header::HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The first byte and the total of `bytes 5-9/10`.
fn range_of(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}

/// What an error of the client means.
fn failure(url: &str, error: &ureq::Error) -> Failure {
    let unreachable = matches!(
        error,
        ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve)
    );
    let is_passing = unreachable || matches!(error, ureq::Error::Io(_) | ureq::Error::Timeout(_));
    if is_passing {
        let reason = error.to_string();
        return Failure::Passing {
            unreachable: unreachable || refused(error),
            reason,
        };
    }
    Failure::Final(Error::Answer {
        url: url.to_owned(),
        reason: error.to_string(),
    })
}

fn refused(error: &ureq::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(error, ureq::Error::Io(found) if matches!(
        found.kind(),
        Kind::ConnectionRefused | Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::NotFound
    ))
}
