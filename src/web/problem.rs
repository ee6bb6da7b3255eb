//! Errors, as RFC 9457 writes them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

/// What went wrong (RFC 9457, section 3.1).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// Kind of problem: `about:blank` where the status says it all.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The kind in words.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What happened here, and what to do.
    detail: String,
    /// What is missing to be ready; only of the kind `urn:cordon:problem:not-ready`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

impl Problem {
    /// A problem the status says all about.
    pub(super) fn plain(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("Error");
        Problem { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), missing: Vec::new() }
    }

    /// Queries are not answered by a loaded snapshot and logged.
    pub(super) fn not_ready(missing: Vec<String>) -> Problem {
        Problem {
            kind: "urn:cordon:problem:not-ready",
            title: "Not ready",
            status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
            detail: missing.join("; "),
            missing,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let body = serde_json::to_string(&self).unwrap_or_else(|_| String::from("{}"));
        (status, [kind], body).into_response()
    }
}
