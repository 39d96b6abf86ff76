//! What surrounds every answer: its request id, the catalogue's version, its line in the log, the body of a problem, and how
//! bodies are packed.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::{AppState, Problem, packing, problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CATALOG_VERSION: HeaderName = HeaderName::from_static("catalog-version");

/// A caller's own request id is kept up to this length.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Runs the routes and completes their answer.
pub(super) async fn wrap(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());

    let coding = packing::wanted(request.headers());
    let answered = match packing::unpack(request) {
        Ok(request) => next.run(request).await,
        Err(refusal) => *refusal,
    };
    let mut response = packing::pack(with_problem_body(answered, path), coding);
    let headers = response.headers_mut();
    if let Ok(version) = HeaderValue::from_str(state.catalog().version()) {
        headers.insert(CATALOG_VERSION, version);
    }
    tracing::info!(
        request_id = id.to_str().unwrap_or_default(),
        method = method.as_str(),
        // The route, not the path: a path may hold what a person typed.
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        duration_ms = started.elapsed().as_secs_f64() * 1000.0,
        "request answered"
    );
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn request_id(request: &Request) -> HeaderValue {
    match request.headers().get(&REQUEST_ID) {
        Some(id) if (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.to_str().is_ok() => id.clone(),
        _ => new_request_id(),
    }
}

/// Unique among all processes with high probability, and in this one surely.
fn new_request_id() -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!("{:016x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Writes the body of a problem; makes one of a bare error that the framework answered.
fn with_problem_body(mut response: Response, path: String) -> Response {
    let status = response.status();
    let mut problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if status.is_client_error() || status.is_server_error() => Problem::new(status, what_happened(status)),
        None => return response,
    };
    problem.instance = path;
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, problem::MEDIA_TYPE);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.body_mut() = Body::from(body);
    response
}

fn what_happened(status: StatusCode) -> &'static str {
    match status {
        StatusCode::REQUEST_TIMEOUT => "the request took too long; expected its whole body sooner",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
        StatusCode::NOT_FOUND => "there is nothing at this path; GET /openapi.json lists what there is",
        _ => "the request could not be answered",
    }
}
