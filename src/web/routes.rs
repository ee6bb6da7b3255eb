//! Which path answers what.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::problem::Problem;
use super::status::StatusV1;
use super::{House, openapi, page};
use crate::metrics::CONTENT_TYPE;

/// Every path.
pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/api/v1/status", get(status))
        .route("/api/v1/openapi.json", get(describe))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(map_response(with_headers))
        .with_state(house)
}

async fn front(State(house): State<Arc<House>>) -> Html<String> {
    Html(page::render(&(house.status)(), &(house.ready)()))
}

/// On a thread for waiting: the numbers are asked of parts that may take a lock or look at a disk.
async fn metrics(State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let rendered = tokio::task::spawn_blocking(move || house.metrics.render()).await;
    match rendered {
        Ok(Ok(text)) => Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()),
        Ok(Err(error)) => Err(broken(format!("the metrics could not be written: {error}"))),
        Err(error) => Err(broken(format!("the metrics could not be gathered: {error}"))),
    }
}

async fn healthz() -> &'static str {
    "alive\n"
}

async fn readyz(State(house): State<Arc<House>>) -> Result<&'static str, Problem> {
    let readiness = (house.ready)();
    if readiness.is_ready() { Ok("ready\n") } else { Err(Problem::not_ready(readiness.missing)) }
}

async fn status(State(house): State<Arc<House>>) -> Json<StatusV1> {
    Json(StatusV1::new((house.status)(), (house.ready)()))
}

async fn describe(State(house): State<Arc<House>>) -> Json<serde_json::Value> {
    Json(openapi::document((house.status)().version))
}

async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}; what there is stands in /api/v1/openapi.json", uri.path());
    Problem::plain(StatusCode::NOT_FOUND, detail)
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} cannot be asked by {method}; every path here is read only, by GET or HEAD", uri.path());
    Problem::plain(StatusCode::METHOD_NOT_ALLOWED, detail)
}

fn broken(detail: String) -> Problem {
    tracing::error!("{detail}");
    Problem::plain(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

/// What a browser may do with an answer: show it, and nothing else. No answer is true for longer than a moment.
async fn with_headers(mut response: Response) -> Response {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(page::content_security_policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
