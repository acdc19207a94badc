//! The progress of a job as server-sent events: an event `job` at each change, the last when the job has ended.

use super::Server;
use super::jobs::{Shown, find};
use super::refused::Refused;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_core::Stream;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(150);

/// The longest silence: a comment is sent then, so that servers in between keep the connection.
const SILENCE: Duration = Duration::from_secs(15);

/// The parts of a body that another task makes.
pub(crate) struct Parts<T>(pub mpsc::Receiver<T>);

impl<T> Stream for Parts<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(context)
    }
}

pub(crate) async fn events(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let id = find(&server, &id)?.job.id;
    let Ok(permit) = server.streams.clone().try_acquire_owned() else {
        return Err(Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many pages follow jobs at this time; ask for /jobs/ID now and then instead",
        ));
    };
    let (sender, receiver) = mpsc::channel::<Result<Bytes, Infallible>>(8);
    tokio::spawn(async move {
        let _held = permit;
        let (mut last, mut sent) = (None, Instant::now());
        loop {
            let view = server.queue.get(&id);
            let ended = view.as_ref().is_none_or(|view| view.job.state.is_final());
            let shown = view.map(Shown::from);
            let text = if last.as_ref() != Some(&shown) {
                Some(event(shown.as_ref()))
            } else if sent.elapsed() >= SILENCE {
                Some(": waiting\n\n".to_owned())
            } else {
                None
            };
            if let Some(text) = text {
                // A client that left ends the stream.
                if sender.send(Ok(Bytes::from(text))).await.is_err() {
                    return;
                }
                sent = Instant::now();
            }
            if ended || server.queue.is_stopping() {
                return;
            }
            last = Some(shown);
            tokio::time::sleep(LOOK).await;
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(Parts(receiver))).into_response())
}

fn event(shown: Option<&Shown>) -> String {
    match shown.and_then(|shown| serde_json::to_string(shown).ok()) {
        Some(text) => format!("event: job\ndata: {text}\n\n"),
        None => "event: deleted\ndata: {}\n\n".to_owned(),
    }
}
