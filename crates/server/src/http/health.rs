//! Whether the server works, and its numbers for Prometheus. Neither says anything about patients.

use super::Server;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::fmt::Write;

/// 200 while new work is taken, else 503 with the reason.
pub(crate) async fn health(State(server): State<Server>) -> Response {
    match server.queue.check_room(0) {
        Ok(()) => Json(json!({"status": "ok"})).into_response(),
        Err(refusal) => {
            let reason = json!({"status": "refusing", "error": refusal.to_string()});
            (StatusCode::SERVICE_UNAVAILABLE, Json(reason)).into_response()
        }
    }
}

pub(crate) async fn metrics(State(server): State<Server>) -> Response {
    let queue = &server.queue;
    let mut text = String::new();
    head(&mut text, "vesalius_jobs", "gauge", "Jobs in each state.");
    for (state, count) in queue.counts() {
        line(
            &mut text,
            &format!("vesalius_jobs{{state=\"{}\"}}", state.name()),
            count as f64,
        );
    }
    let totals = &queue.totals;
    for (name, help, total) in [
        (
            "jobs_received",
            "Jobs that were accepted.",
            &totals.received,
        ),
        ("jobs_refused", "Jobs that were refused.", &totals.refused),
        ("jobs_done", "Jobs that ended with results.", &totals.done),
        ("jobs_failed", "Jobs that failed.", &totals.failed),
        ("jobs_deleted", "Jobs that were deleted.", &totals.deleted),
        (
            "label_versions",
            "Versions of labels that were saved.",
            &totals.versions,
        ),
        (
            "received_bytes",
            "Bytes of accepted inputs.",
            &totals.received_bytes,
        ),
        ("http_requests", "Requests.", &totals.requests),
        (
            "http_unauthorised",
            "Requests without the token.",
            &totals.unauthorised,
        ),
    ] {
        let name = format!("vesalius_{name}_total");
        head(&mut text, &name, "counter", help);
        line(&mut text, &name, total.get() as f64);
    }
    let name = "vesalius_run_seconds_total";
    head(&mut text, name, "counter", "Time of all runs.");
    line(
        &mut text,
        name,
        totals.run_milliseconds.get() as f64 / 1000.0,
    );
    if let Some(room) = queue.room() {
        let name = "vesalius_disk_free_bytes";
        head(
            &mut text,
            name,
            "gauge",
            "Free bytes on the disk of the spool.",
        );
        line(&mut text, name, room.free as f64);
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, text).into_response()
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string does not fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn line(text: &mut String, name: &str, value: f64) {
    let _ = writeln!(text, "{name} {value}");
}
