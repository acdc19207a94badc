//! The description of the interface in the form of OpenAPI 3.1.

use axum::Json;
use serde_json::{Map, Value, json};

/// A route: method, path, what it does, what it answers, and its queries.
struct Route {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    answer: (&'static str, &'static str),
    queries: &'static [(&'static str, &'static str, bool)],
    body: bool,
}

const JSON: &str = "application/json";
const GZIP: &str = "application/gzip";
const DICOM: &str = "application/dicom";
const VERSION: &[(&str, &str, bool)] = &[(
    "version",
    "Which version of the labels, from 1; the newest by default",
    false,
)];

const fn get(path: &'static str, summary: &'static str, kind: &'static str) -> Route {
    Route {
        method: "get",
        path,
        summary,
        answer: ("200", kind),
        queries: &[],
        body: false,
    }
}

const fn of_version(path: &'static str, summary: &'static str, kind: &'static str) -> Route {
    Route {
        queries: VERSION,
        ..get(path, summary, kind)
    }
}

const ROUTES: &[Route] = &[
    get(
        "/models",
        "The models with their labels, and the limits of the server",
        JSON,
    ),
    get("/jobs", "All jobs, the newest first", JSON),
    Route {
        method: "post",
        path: "/jobs",
        summary: "A new job. The body is the scan: NIfTI, NRRD, MetaImage, or a zip archive of a DICOM series",
        answer: ("202", JSON),
        queries: &[
            ("model", "The name of the model", true),
            ("name", "What the page calls the scan", false),
            (
                "series",
                "Which DICOM series, where the archive has several: UID, number or description",
                false,
            ),
            (
                "probabilities",
                "Whether probabilities are written, too: true or false",
                false,
            ),
        ],
        body: true,
    },
    get(
        "/jobs/{id}",
        "One job: state, place in the queue, progress, versions of the labels with volumes",
        JSON,
    ),
    Route {
        answer: ("204", ""),
        method: "delete",
        ..get("/jobs/{id}", "Stops a job and deletes its files", "")
    },
    get(
        "/jobs/{id}/events",
        "Server-sent events: the job at each change, until it has ended",
        "text/event-stream",
    ),
    get(
        "/jobs/{id}/image",
        "The scan as NIfTI",
        "application/octet-stream",
    ),
    of_version("/jobs/{id}/labels", "The labels as NIfTI", GZIP),
    Route {
        method: "post",
        path: "/jobs/{id}/labels",
        summary: "Saves labels that were edited, as NIfTI on the grid of the scan, as a new version",
        answer: ("201", JSON),
        queries: &[],
        body: true,
    },
    get(
        "/jobs/{id}/probabilities",
        "The probabilities as NIfTI, where they were asked for",
        GZIP,
    ),
    of_version(
        "/jobs/{id}/volumes",
        "The volumes of the labels; with `Accept: text/csv` as a table",
        JSON,
    ),
    of_version(
        "/jobs/{id}/picture",
        "A picture of the labels in three planes",
        "image/png",
    ),
    of_version(
        "/jobs/{id}/seg",
        "The labels as DICOM SEG, for jobs that were DICOM series",
        DICOM,
    ),
    of_version(
        "/jobs/{id}/sr",
        "The measurements as DICOM SR, for jobs that were DICOM series",
        DICOM,
    ),
    of_version(
        "/jobs/{id}/rtstruct",
        "The labels as DICOM RTSTRUCT, for jobs that were DICOM series",
        DICOM,
    ),
    get(
        "/health",
        "200 while the server takes work, 503 with a reason while it does not",
        JSON,
    ),
    get("/metrics", "Numbers for Prometheus", "text/plain"),
    get(
        "/licences",
        "The licences of what the page contains",
        "text/plain",
    ),
    get("/openapi.json", "This description", JSON),
];

pub(crate) async fn description() -> Json<Value> {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation(route);
    }
    Json(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vesalius",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Segmentation of medical images. For research; not a medical device.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }))
}

fn operation(route: &Route) -> Value {
    let parameter = |name: &str, place: &str, text: &str, required: bool| json!({"name": name, "in": place, "description": text, "required": required, "schema": {"type": "string"}});
    let queries = route
        .queries
        .iter()
        .map(|(name, text, required)| parameter(name, "query", text, *required));
    let mut parameters: Vec<Value> = queries.collect();
    if route.path.contains("{id}") {
        parameters.push(parameter("id", "path", "The id of the job", true));
    }
    let (status, kind) = route.answer;
    let mut answer = json!({"description": route.summary});
    if !kind.is_empty() {
        answer["content"] = json!({kind: {}});
    }
    let error = json!({
        "description": "Why it was refused",
        "content": {JSON: {"schema": {
            "type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"],
        }}},
    });
    let mut operation = json!({
        "summary": route.summary,
        "parameters": parameters,
        "responses": {status: answer, "default": error},
    });
    if route.body {
        operation["requestBody"] =
            json!({"required": true, "content": {"application/octet-stream": {}}});
    }
    operation
}
