//! Why a request was not served: a status and a sentence, as JSON.

use crate::error::Refusal;
use crate::versions::VersionError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that says what was found, what was expected and what to do.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    reason: String,
}

impl Refused {
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    pub fn no_job() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is no such job; it may have been deleted",
        )
    }

    pub fn disk() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server could not read or write its files; ask who runs the server",
        )
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({"error": self.reason}))).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            }
            // The rest of the body is not read, so the connection cannot be used again.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::QueueFull { .. } | Refusal::TooManyJobs { .. } | Refusal::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Refusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::SpoolFull { .. } | Refusal::DiskFull { .. } | Refusal::Disk => {
                StatusCode::INSUFFICIENT_STORAGE
            }
            Refusal::UnknownFormat => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::UnknownModel { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, refusal.to_string())
    }
}

impl From<VersionError> for Refused {
    fn from(error: VersionError) -> Self {
        let status = match error {
            VersionError::Refused(refusal) => return refusal.into(),
            VersionError::NoJob => StatusCode::NOT_FOUND,
            VersionError::NotDone | VersionError::TooMany(_) => StatusCode::CONFLICT,
            VersionError::Labels(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.to_string())
    }
}
