//! Bodies that are received part by part, within the limits of time: a client that sends too slowly loses its
//! place.

use super::refused::Refused;
use crate::limits::Limits;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body::Body as _;
use std::future::poll_fn;
use std::pin::Pin;
use tokio::time::{Instant, timeout};

/// The announced length.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Refuses bodies that a form of another page could send.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Refused> {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    match sent {
        Some("application/octet-stream") => Ok(()),
        _ => Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is the file itself; send it with the header `Content-Type: application/octet-stream`",
        )),
    }
}

/// Passes each part of a body to `take`.
pub(crate) async fn receive(
    body: Body,
    limits: &Limits,
    mut take: impl FnMut(Bytes) -> Result<(), Refused>,
) -> Result<(), Refused> {
    let mut body = body;
    let end = Instant::now() + limits.upload_time;
    loop {
        let next = poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let left = end.saturating_duration_since(Instant::now());
        let pause = limits.upload_pause.min(left);
        match timeout(pause, next).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(frame))) => {
                if let Ok(part) = frame.into_data() {
                    // Writing is short and the parts are small: a move to another thread would take longer.
                    take(part)?;
                }
            }
            Ok(Some(Err(_))) => {
                return Err(Refused::new(
                    StatusCode::BAD_REQUEST,
                    "the body ended before its announced length; send it again",
                ));
            }
            Err(_) => {
                return Err(Refused::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!(
                        "the body arrived too slowly: nothing came for {} s, or it took over {} s; send it again",
                        limits.upload_pause.as_secs(),
                        limits.upload_time.as_secs()
                    ),
                ));
            }
        }
    }
}
