//! Jobs: made, listed, shown, deleted.

use super::Server;
use super::body;
use super::refused::Refused;
use crate::job::{Job, JobId, Version};
use crate::queue::JobView;
use crate::upload::{Request as Asked, Upload};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most characters of a name.
const NAME: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    model: String,
    #[serde(default)]
    name: String,
    series: Option<String>,
    #[serde(default)]
    probabilities: bool,
}

/// A job in answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Shown {
    id: JobId,
    model: String,
    name: String,
    state: &'static str,
    place: Option<usize>,
    progress: Option<ShownProgress>,
    reason: Option<String>,
    created: u64,
    changed: u64,
    seconds: Option<f64>,
    bytes: u64,
    kind: crate::job::InputKind,
    probabilities: bool,
    dicom: bool,
    versions: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ShownProgress {
    text: String,
    stage: String,
    done: u64,
    total: Option<u64>,
    remaining_seconds: Option<f64>,
}

impl From<JobView> for Shown {
    fn from(view: JobView) -> Self {
        let job: Job = view.job;
        Self {
            state: job.state.name(),
            place: view.place,
            progress: view.progress.map(|progress| ShownProgress {
                text: progress.to_string(),
                stage: progress.stage.to_string(),
                done: progress.done,
                total: progress.total,
                remaining_seconds: progress.remaining.map(|left| left.as_secs_f64().round()),
            }),
            dicom: job.kind == crate::job::InputKind::Zip,
            id: job.id,
            model: job.model,
            name: job.name,
            reason: job.reason,
            created: job.created,
            changed: job.changed,
            seconds: job.seconds,
            bytes: job.bytes,
            kind: job.kind,
            probabilities: job.probabilities,
            versions: job.versions,
        }
    }
}

/// The job of an address.
pub(crate) fn find(server: &Server, id: &str) -> Result<JobView, Refused> {
    let id = JobId::parse(id).ok_or_else(Refused::no_job)?;
    server.queue.get(&id).ok_or_else(Refused::no_job)
}

/// A query that was understood, or why it was not.
pub(crate) fn understood<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Refused> {
    let refused = |error: QueryRejection| {
        let reason = format!("{}; /openapi.json describes the queries", error.body_text());
        Refused::new(StatusCode::BAD_REQUEST, reason)
    };
    query.map(|Query(value)| value).map_err(refused)
}

pub(crate) async fn models(State(server): State<Server>) -> Json<Value> {
    let limits = &server.queue.limits;
    Json(json!({
        "models": server.queue.models(),
        "limits": {
            "upload_bytes": limits.upload_bytes,
            "voxels": limits.voxels,
            "retention_seconds": limits.retention.map(|kept| kept.as_secs()),
        },
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

pub(crate) async fn create(
    State(server): State<Server>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    request: Request,
) -> Result<Response, Refused> {
    let created = receive(&server, wanted, request).await;
    if created.is_err() {
        server.queue.totals.refused.add(1);
    }
    let id = created?;
    let view = server.queue.get(&id).ok_or_else(Refused::no_job)?;
    let place = [(header::LOCATION, format!("/jobs/{id}"))];
    Ok((StatusCode::ACCEPTED, place, Json(Shown::from(view))).into_response())
}

async fn receive(
    server: &Server,
    wanted: Result<Query<Wanted>, QueryRejection>,
    request: Request,
) -> Result<JobId, Refused> {
    let wanted = understood(wanted)?;
    body::check_type(request.headers())?;
    let name: String = wanted
        .name
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME)
        .collect();
    let asked = Asked {
        model: wanted.model,
        name,
        series: wanted.series.filter(|series| !series.is_empty()),
        probabilities: wanted.probabilities,
    };
    let announced = body::announced(request.headers());
    let mut upload = Upload::begin(&server.queue, asked, announced)?;
    let limits = server.queue.limits.clone();
    body::receive(
        request.into_body(),
        &limits,
        |part| Ok(upload.write(&part)?),
    )
    .await?;
    // The disk takes its time until everything is on it.
    let finished = tokio::task::spawn_blocking(move || upload.finish()).await;
    Ok(finished.map_err(|_| Refused::disk())??.id)
}

pub(crate) async fn list(State(server): State<Server>) -> Json<Value> {
    let mut shown: Vec<Shown> = server.queue.list().into_iter().map(Shown::from).collect();
    shown.reverse();
    Json(json!({"jobs": shown}))
}

pub(crate) async fn one(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Refused> {
    Ok(Json(find(&server, &id)?.into()))
}

pub(crate) async fn delete(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    let id = find(&server, &id)?.job.id;
    let deleted = tokio::task::spawn_blocking(move || server.queue.delete(&id)).await;
    match deleted {
        Ok(Ok(true)) => Ok(StatusCode::NO_CONTENT),
        Ok(Ok(false)) => Err(Refused::no_job()),
        _ => Err(Refused::disk()),
    }
}
