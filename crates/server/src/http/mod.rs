//! The HTTP interface: routes over the queue. Who may ask is in `guard.rs`; connections are in `listen.rs`.

mod body;
mod dicom;
mod events;
mod file;
mod guard;
mod health;
mod jobs;
mod openapi;
mod page;
mod refused;
mod results;

use crate::queue::Queue;
use crate::token::Token;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
pub use page::LICENCES;
use refused::Refused;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pictures and DICOM objects that are made at one time; others wait.
const MAKERS: usize = 2;

/// Who may use the interface.
#[derive(Debug, Clone)]
pub struct Access {
    /// The token that requests bring.
    pub token: Token,
    /// Names of the server besides `localhost`, `127.0.0.1` and `[::1]`, as they stand in the header `Host`, without port.
    pub hosts: Vec<String>,
    /// Whether the connection is encrypted, here or by a server before this one.
    pub encrypted: bool,
}

impl Access {
    /// For the machine itself, with this token.
    pub fn local(token: Token) -> Self {
        Self {
            token,
            hosts: Vec::new(),
            encrypted: false,
        }
    }
}

/// What the routes share.
pub(crate) struct Shared {
    queue: Arc<Queue>,
    access: Access,
    streams: Arc<Semaphore>,
    makers: Semaphore,
}

pub(crate) type Server = Arc<Shared>;

/// The routes over a queue, with all checks. Connections, time limits of heads and TLS are those of
/// [`bind`](crate::bind).
pub fn router(queue: Arc<Queue>, access: Access) -> Router {
    let server = Arc::new(Shared {
        streams: Arc::new(Semaphore::new(queue.limits.streams)),
        makers: Semaphore::new(MAKERS),
        queue,
        access,
    });
    Router::new()
        .route("/", get(page::index))
        .route("/page/{name}", get(page::asset))
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::description))
        .route("/models", get(jobs::models))
        .route("/jobs", get(jobs::list).post(jobs::create))
        .route("/jobs/{id}", get(jobs::one).delete(jobs::delete))
        .route("/jobs/{id}/events", get(events::events))
        .route("/jobs/{id}/image", get(results::image))
        .route(
            "/jobs/{id}/labels",
            get(results::labels).post(results::save_labels),
        )
        .route("/jobs/{id}/probabilities", get(results::probabilities))
        .route("/jobs/{id}/volumes", get(results::volumes))
        .route("/jobs/{id}/picture", get(results::picture))
        .route("/jobs/{id}/seg", get(dicom::seg))
        .route("/jobs/{id}/sr", get(dicom::report))
        .route("/jobs/{id}/rtstruct", get(dicom::contours))
        .route("/licences", get(page::licences))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(server.clone(), guard::guard))
        .with_state(server)
}

async fn nothing() -> Refused {
    Refused::new(
        StatusCode::NOT_FOUND,
        "there is nothing at this address; /openapi.json describes what there is",
    )
}

async fn wrong_method() -> Refused {
    Refused::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take this method; /openapi.json describes what it takes",
    )
}
