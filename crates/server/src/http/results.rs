//! The image of a job and what was made from it: labels in their versions, probabilities, volumes, a picture.

use super::Server;
use super::body;
use super::file::{bytes, file};
use super::jobs::{find, understood};
use super::refused::Refused;
use crate::engine::PROBABILITIES_FILE;
use crate::input::{image_file, read_options, told};
use crate::job::{InputKind, Job, Version};
use crate::queue::Queue;
use crate::versions::{self, file_of};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use vesalius_control::Control;
use vesalius_view::{Scene, ThreePlanes};
use vesalius_volume::LabelMap;

const GZIP: &str = "application/gzip";

/// Which version of the labels; the newest by default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Which {
    version: Option<u32>,
}

pub(crate) type AskedVersion = Result<Query<Which>, QueryRejection>;

/// The job of an address and a version that it has.
pub(crate) fn versioned(
    server: &Server,
    id: &str,
    which: AskedVersion,
) -> Result<(Job, Version), Refused> {
    let which = understood(which)?;
    let job = find(server, id)?.job;
    let newest = || job.versions.iter().max_by_key(|version| version.number);
    let found = match which.version {
        Some(number) => job.versions.iter().find(|version| version.number == number),
        None => newest(),
    };
    match found.cloned() {
        Some(version) => Ok((job, version)),
        None if job.versions.is_empty() => Err(Refused::new(
            StatusCode::CONFLICT,
            format!(
                "the job has no labels: its state is `{}`; wait until it is `done`",
                job.state.name()
            ),
        )),
        None => Err(Refused::new(
            StatusCode::NOT_FOUND,
            format!(
                "the job has no such version of its labels; it has {}",
                job.versions.len()
            ),
        )),
    }
}

pub(crate) async fn image(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let job = find(&server, &id)?.job;
    let path = image_file(&server.queue.folder(&job), &job);
    let name = match job.kind {
        InputKind::Nifti => "image.nii",
        _ => "image.nii.gz",
    };
    if !path.is_file() {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            "the image is not there yet, or could not be read; the job says why",
        ));
    }
    file(path, "application/octet-stream", name).await
}

pub(crate) async fn labels(
    State(server): State<Server>,
    Path(id): Path<String>,
    which: AskedVersion,
) -> Result<Response, Refused> {
    let (job, version) = versioned(&server, &id, which)?;
    let number = version.number;
    let path = file_of(&server.queue, &job, number).ok_or_else(Refused::no_job)?;
    file(path, GZIP, &format!("labels_{number}.nii.gz")).await
}

/// Labels that were edited become a new version.
pub(crate) async fn save_labels(
    State(server): State<Server>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refused> {
    body::check_type(request.headers())?;
    let id = find(&server, &id)?.job.id;
    server
        .queue
        .check_room(body::announced(request.headers()).unwrap_or(0))?;
    let folder = server.queue.temporary().map_err(|_| Refused::disk())?;
    let path = folder.path().join("labels.nii.gz");
    let mut sent = std::fs::File::create(&path).map_err(|_| Refused::disk())?;
    let limits = server.queue.limits.clone();
    let mut written = 0;
    body::receive(request.into_body(), &limits, |part| {
        written += part.len() as u64;
        if written > limits.upload_bytes {
            let limit = limits.upload_bytes;
            return Err(crate::error::Refusal::TooLarge { limit }.into());
        }
        sent.write_all(&part).map_err(|_| Refused::disk())
    })
    .await?;
    drop(sent);
    let saved = tokio::task::spawn_blocking(move || {
        let _until_saved = folder;
        versions::save(&server.queue, &id, &path)
    });
    let version = saved.await.map_err(|_| Refused::disk())??;
    Ok((StatusCode::CREATED, Json(version)).into_response())
}

pub(crate) async fn probabilities(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let job = find(&server, &id)?.job;
    let path = server
        .queue
        .folder(&job)
        .join("results")
        .join(PROBABILITIES_FILE);
    if !path.is_file() {
        return Err(Refused::new(
            StatusCode::NOT_FOUND,
            "the job has no probabilities; they are written when it is done and was sent with `probabilities=true`, by models \
             that give them",
        ));
    }
    file(path, GZIP, "probabilities.nii.gz").await
}

/// The volumes, as JSON or, with the header `Accept: text/csv`, as a table.
pub(crate) async fn volumes(
    State(server): State<Server>,
    Path(id): Path<String>,
    which: AskedVersion,
    headers: axum::http::HeaderMap,
) -> Result<Response, Refused> {
    let (job, version) = versioned(&server, &id, which)?;
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    if accepts.is_some_and(|kinds| kinds.starts_with("text/csv")) {
        let mut table = "value,name,voxels,millilitres\r\n".to_owned();
        for volume in &version.volumes {
            let name = volume.label.name.replace('"', "\"\"");
            table += &format!(
                "{},\"{name}\",{},{}\r\n",
                volume.label.value, volume.voxels, volume.millilitres
            );
        }
        return Ok(bytes(table.into_bytes(), "text/csv", "volumes.csv"));
    }
    let answer: Value =
        json!({"model": job.model, "version": version.number, "volumes": version.volumes});
    Ok(Json(answer).into_response())
}

/// The middle of the labels in three planes.
pub(crate) async fn picture(
    State(server): State<Server>,
    Path(id): Path<String>,
    which: AskedVersion,
) -> Result<Response, Refused> {
    let (job, version) = versioned(&server, &id, which)?;
    let number = version.number;
    // The semaphore is never closed.
    let _turn = server.makers.acquire().await.map_err(|_| Refused::disk())?;
    let server = server.clone();
    let drawn = tokio::task::spawn_blocking(move || draw(&server.queue, &job, number)).await;
    let drawn = drawn.map_err(|_| Refused::disk())?;
    let png = drawn.map_err(|reason| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    Ok(bytes(png, "image/png", &format!("picture_{number}.png")))
}

fn draw(queue: &Queue, job: &Job, number: u32) -> Result<Vec<u8>, String> {
    let folder = queue.folder(job);
    let said = |error: &dyn std::fmt::Display| told(&error.to_string(), &folder);
    let mut options = read_options(job, &queue.limits, &Control::new());
    options.series = None;
    let image = vesalius_io::read_with(image_file(&folder, job), &options).map_err(|e| said(&e))?;
    let path = file_of(queue, job, number).ok_or("the labels were deleted")?;
    let labels: LabelMap = vesalius_io::read_labels(path).map_err(|e| said(&e))?;
    let version = job.versions.iter().find(|version| version.number == number);
    let volumes = version
        .map(|version| version.volumes.clone())
        .unwrap_or_default();
    let scene = Scene {
        prediction: Some(&labels),
        names: volumes
            .iter()
            .map(|of| (of.label.value, of.label.name.clone()))
            .collect(),
        colours: volumes
            .iter()
            .map(|of| (of.label.value, of.label.color))
            .collect(),
        ..Scene::of(&image)
    };
    let picture = ThreePlanes::default().draw(&scene).map_err(|e| said(&e))?;
    picture.png().map_err(|e| said(&e))
}
