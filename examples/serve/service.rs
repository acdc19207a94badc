//! The routes, and what keeps them upright: a request takes a place in the queue before a byte of its
//! body is read, so memory is bounded by places × upload size, and the rest hear 503 at once.

use crate::upload;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use vesalius::prelude::*;

/// What the service takes on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Images segmented at one time; each uses every core, so more than one gains little.
    pub running: usize,
    /// Requests that may wait beside those that run; the next is refused with 503.
    pub waiting: usize,
    /// The largest body, in bytes; a larger one is refused with 413.
    pub upload_bytes: usize,
    /// How much a zip archive may unpack to, in bytes.
    pub unpacked_bytes: u64,
    /// How long a body may take to arrive; a slower one is refused with 408.
    pub upload_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            running: 1,
            waiting: 8,
            upload_bytes: 256 << 20,
            unpacked_bytes: 2 << 30,
            upload_time: Duration::from_secs(60),
        }
    }
}

/// A model with its queue.
pub struct Service {
    segmenter: Segmenter,
    limits: Limits,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

impl Service {
    /// A service with an empty queue.
    pub fn new(segmenter: Segmenter, limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(limits.running + limits.waiting)),
            running: Arc::new(Semaphore::new(limits.running)),
            segmenter,
            limits,
        })
    }
}

/// `POST /segment`, `GET /model`, `GET /health`.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/segment", post(segment))
        .route("/model", get(model))
        .route("/health", get(async || "ok\n"))
        .with_state(service)
}

/// What a request for a segmentation may ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// DICOM series by UID, number or description; several, with commas, are channels in that order.
    series: Option<String>,
    answer: Answer,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    /// The labels as `.nii.gz`.
    #[default]
    Labels,
    /// Millilitres of every label, as JSON.
    Volumes,
}

async fn model(State(service): State<Arc<Service>>) -> Json<Value> {
    let model = service.segmenter.model();
    Json(json!({"channels": model.channels, "labels": model.labels}))
}

async fn segment(
    State(service): State<Arc<Service>>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Result<Response, Refusal> {
    let Ok(place) = service.places.clone().try_acquire_owned() else {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "every place in the queue is taken; try again",
        ));
    };
    let body = receive(request, &service.limits).await?;
    let turn = service.running.clone().acquire_owned().await;
    // What runs keeps its places until it ends, also when its client has gone.
    let work = tokio::task::spawn_blocking(move || {
        let _held = (place, turn);
        answer(&service, &body, &wanted)
    });
    let ended = work.await;
    ended.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the segmentation broke off; the service goes on",
        ))
    })
}

async fn receive(request: Request, limits: &Limits) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body exceeds {} bytes", limits.upload_bytes),
        )
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits.upload_bytes) {
        return Err(too_large());
    }
    let body = to_bytes(request.into_body(), limits.upload_bytes);
    match tokio::time::timeout(limits.upload_time, body).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) if announced.is_some() => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the body ended before its announced length",
        )),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body took over {:?} to arrive", limits.upload_time),
        )),
    }
}

/// Everything of one request lies in a folder of its own, which goes with it.
fn answer(service: &Service, body: &[u8], wanted: &Wanted) -> Result<Response, Refusal> {
    let unreadable = |e: Box<dyn std::error::Error>| {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, e.to_string())
    };
    let folder = tempfile::tempdir().map_err(Refusal::internal)?;
    let channels = service.segmenter.model().channels.len();
    let series = wanted.series.as_deref();
    let unpacked = service.limits.unpacked_bytes;
    let image =
        upload::read(folder.path(), body, series, channels, unpacked).map_err(unreadable)?;
    let labels = service
        .segmenter
        .segment(&image)
        .map_err(|e| unreadable(e.into()))?;
    match wanted.answer {
        Answer::Volumes => {
            Ok(Json(volumes(&labels, &service.segmenter.model().labels)).into_response())
        }
        Answer::Labels => {
            let file = folder.path().join("segmentation.nii.gz");
            vesalius::io::write_labels(&file, &labels).map_err(Refusal::internal)?;
            let bytes = std::fs::read(&file).map_err(Refusal::internal)?;
            let name = "attachment; filename=\"segmentation.nii.gz\"";
            let headers = [
                (header::CONTENT_TYPE, "application/gzip"),
                (header::CONTENT_DISPOSITION, name),
            ];
            Ok((headers, Body::from(bytes)).into_response())
        }
    }
}

fn volumes(labels: &LabelMap, scheme: &LabelScheme) -> Value {
    let millilitres = labels.geometry().voxel_volume() / 1000.0;
    let counts = labels.counts();
    let found = |label: &u16| counts.get(&u32::from(*label)).copied().unwrap_or(0);
    let volumes: serde_json::Map<String, Value> = scheme
        .foreground()
        .into_iter()
        .map(|(name, values)| {
            let voxels: usize = values.iter().map(found).sum();
            (name.to_owned(), json!(voxels as f64 * millilitres))
        })
        .collect();
    json!({"millilitres": volumes})
}

/// Why a request was not served: a status and a sentence, as JSON.
struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    fn internal(error: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({"error": self.reason}));
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                (self.status, [(header::RETRY_AFTER, "5")], body).into_response()
            }
            status => (status, body).into_response(),
        }
    }
}
