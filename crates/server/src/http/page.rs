//! The page and its files, embedded in the program: nothing is loaded from elsewhere, and there is no build step.

use super::refused::Refused;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The licences of what the page contains.
pub const LICENCES: &str = include_str!("../../page/LICENCES.txt");

/// A file of the page.
struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    gzip: bool,
}

const TEXT: &str = "text/plain; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const fn script(name: &'static str, bytes: &'static [u8]) -> Asset {
    Asset {
        name,
        kind: SCRIPT,
        bytes,
        gzip: false,
    }
}

const INDEX: Asset = Asset {
    name: "",
    kind: "text/html; charset=utf-8",
    bytes: include_bytes!("../../page/index.html"),
    gzip: false,
};

const ASSETS: &[Asset] = &[
    script("app.js", include_bytes!("../../page/app.js")),
    script("api.js", include_bytes!("../../page/api.js")),
    script("jobs.js", include_bytes!("../../page/jobs.js")),
    script("viewer.js", include_bytes!("../../page/viewer.js")),
    script("labels.js", include_bytes!("../../page/labels.js")),
    script("edit.js", include_bytes!("../../page/edit.js")),
    script("nifti.js", include_bytes!("../../page/nifti.js")),
    script("archive.js", include_bytes!("../../page/archive.js")),
    script("compare.js", include_bytes!("../../page/compare.js")),
    Asset {
        name: "style.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../../page/style.css"),
        gzip: false,
    },
    // Version, hash and licence are in page/LICENCES.txt.
    Asset {
        gzip: true,
        ..script("niivue.js", include_bytes!("../../page/niivue.umd.js.gz"))
    },
    Asset {
        name: "licences.txt",
        kind: TEXT,
        bytes: LICENCES.as_bytes(),
        gzip: false,
    },
];

pub(crate) async fn index(headers: HeaderMap) -> Response {
    answer(&INDEX, &headers)
}

pub(crate) async fn asset(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    let asset =
        found.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "the page has no such file"))?;
    Ok(answer(asset, &headers))
}

pub(crate) async fn licences() -> Response {
    ([(header::CONTENT_TYPE, TEXT)], LICENCES).into_response()
}

/// The file, or that it did not change.
fn answer(asset: &Asset, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", &blake3::hash(asset.bytes).to_hex()[..32]);
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = match known == Some(&tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => asset.bytes.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if asset.gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
