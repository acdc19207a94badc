//! The routes and their limits: a request takes a place in the queue before a byte of its body is read, so memory is
//! bounded by places × upload size, and the rest get 503 at once.

use crate::scratch::Scratch;
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use vesalius::inferers::SegmentOptions;
use vesalius::io::ReadOptions;
use vesalius::prelude::*;
use vesalius::volume::available_memory;

/// How often a segmentation is checked against its time limit and for clients that left.
const LOOK: Duration = Duration::from_millis(50);

/// What the service takes on.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Images segmented at one time; each uses every core, so more than one gains little.
    pub running: usize,
    /// Requests that may wait in addition to those that run; the next is refused with 503.
    pub waiting: usize,
    /// The largest body, in bytes; a larger one is refused with 413.
    pub upload_bytes: usize,
    /// How much a zip archive may unpack to, in bytes.
    pub unpacked_bytes: u64,
    /// How long a body may take to arrive; a slower one is refused with 408.
    pub upload_time: Duration,
    /// The most voxels of an image, all channels together; more are refused with 422 before they are read.
    pub voxels: u64,
    /// Bytes that a segmentation stays under, the image on the network's grid included; an image that
    /// needs more is refused with 422.
    pub memory: u64,
    /// How long a segmentation may take; a longer one is ended with 504.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            running: 1,
            waiting: 8,
            upload_bytes: 256 << 20,
            unpacked_bytes: 2 << 30,
            upload_time: Duration::from_secs(60),
            voxels: 300_000_000,
            memory: available_memory().map_or(4 << 30, |left| left / 2),
            time: Duration::from_secs(600),
        }
    }
}

/// A model with its queue.
pub struct Service {
    segmenter: Segmenter,
    limits: Limits,
    places: Arc<Semaphore>,
    running: Arc<Semaphore>,
    scratch: Scratch,
    stopped: AtomicBool,
}

impl Service {
    /// A service with an empty queue.
    ///
    /// # Errors
    /// A folder for temporary files that cannot be made.
    pub fn new(segmenter: Segmenter, limits: Limits) -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            scratch: Scratch::new(&std::env::temp_dir())?,
            stopped: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(limits.running + limits.waiting)),
            running: Arc::new(Semaphore::new(limits.running)),
            segmenter,
            limits,
        }))
    }

    /// Ends what runs, between two windows.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
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

/// The query of a request for a segmentation.
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
    let client = Client::default();
    let gone = client.0.clone();
    // What runs keeps its places until it ends: soon after its client has gone.
    let work = tokio::task::spawn_blocking(move || {
        let _held = (place, turn);
        answer(&service, &body, &wanted, &gone)
    });
    let ended = work.await;
    drop(client);
    ended.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the segmentation broke off; the service goes on",
        ))
    })
}

/// Alive as long as a client waits for the response: the server drops the request of a client that left.
#[derive(Default)]
struct Client(Arc<AtomicBool>);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
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
fn answer(
    service: &Service,
    body: &[u8],
    wanted: &Wanted,
    gone: &AtomicBool,
) -> Result<Response, Refusal> {
    let unreadable = |e: Box<dyn std::error::Error>| {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, e.to_string())
    };
    let folder = service.scratch.request().map_err(Refusal::internal)?;
    let limits = &service.limits;
    let taken = upload::Wanted {
        series: wanted.series.as_deref(),
        channels: service.segmenter.model().channels.len(),
        unpacked_bytes: limits.unpacked_bytes,
        read: ReadOptions {
            max_bytes: limits.voxels.saturating_mul(size_of::<f32>() as u64),
            ..ReadOptions::default()
        },
    };
    let image = upload::read(folder.path(), body, &taken).map_err(unreadable)?;
    let labels = segmented(service, image, gone)?;
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

/// The labels, within the limits of memory and time and as long as somebody waits for them.
fn segmented(
    service: &Service,
    image: Volume<f32>,
    gone: &AtomicBool,
) -> Result<LabelMap, Refusal> {
    let (started, limits) = (Instant::now(), &service.limits);
    let late = || started.elapsed() > limits.time;
    let over = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let control = Control::new();
    let options = SegmentOptions::new()
        .max_memory(limits.memory)
        .control(control.clone());
    let unwanted = || late() || over(gone) || over(&service.stopped);
    // One that is short may end before the other thread looks.
    if unwanted() {
        control.cancel();
    }
    let mut updates = control.subscribe();
    let labels = std::thread::scope(|scope| {
        // The updates end with the segmentation, with success or failure.
        scope.spawn(move || {
            while !updates.has_ended() {
                updates.next_within(LOOK);
                if unwanted() {
                    control.cancel();
                }
            }
        });
        service.segmenter.segment_owned(image, &options)
    });
    labels
        .and_then(|segmented| segmented.into_labels())
        .map_err(|error| match error {
            error if error.kind() == ErrorKind::Cancelled && late() => Refusal::new(
                StatusCode::GATEWAY_TIMEOUT,
                format!("the segmentation took over {:?}", limits.time),
            ),
            error if error.kind() == ErrorKind::Cancelled => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the service is ending")
            }
            error => Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        })
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
