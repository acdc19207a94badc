//! Files as answers, part by part, with names that this server made.

use super::events::Parts;
use super::refused::Refused;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// The size of a part.
const PART: usize = 1 << 18;

/// A file, offered under `name`.
pub(crate) async fn file(
    path: PathBuf,
    kind: &'static str,
    name: &str,
) -> Result<Response, Refused> {
    let opened = tokio::task::spawn_blocking(move || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok::<_, io::Error>((file, length))
    });
    let (file, length) = opened
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(Refused::no_job)?;
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || send(file, &sender));
    let mut response = Body::from_stream(Parts(receiver)).into_response();
    describe(&mut response, kind, name);
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, length.into());
    Ok(response)
}

/// Bytes, offered under `name`.
pub(crate) fn bytes(bytes: Vec<u8>, kind: &'static str, name: &str) -> Response {
    let mut response = Body::from(bytes).into_response();
    describe(&mut response, kind, name);
    response
}

fn describe(response: &mut Response, kind: &'static str, name: &str) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
}

fn send(mut file: File, sender: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut part = vec![0; PART];
        let read = file.read(&mut part);
        let end = matches!(read, Ok(0) | Err(_));
        let part = read.map(|length| {
            part.truncate(length);
            Bytes::from(part)
        });
        // A client that left ends it.
        if !matches!(&part, Ok(part) if part.is_empty()) && sender.blocking_send(part).is_err() {
            return;
        }
        if end {
            return;
        }
    }
}
