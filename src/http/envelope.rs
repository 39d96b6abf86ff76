//! What surrounds every answer: its request id, the catalogue's version, its numbers and its line in the log, the body of a
//! problem, and how it is packed.

use std::{
    hash::{BuildHasher, RandomState},
    io::Write,
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

use super::{AppState, Problem, answer, packing, problem, until_its_end};
use crate::telemetry::{AccessLine, TraceParent, access_log};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A caller's own request id is kept up to this length.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// Runs the routes and completes their answer.
pub(super) async fn wrap(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    // Several of them are malformed as one of a wrong form is (W3C Trace Context §3.2.2.5).
    let mut traces = request.headers().get_all(&TRACEPARENT).iter();
    let trace = match (traces.next(), traces.next()) {
        (Some(value), None) => TraceParent::parse(value.as_bytes()),
        _ => None,
    };
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (method, uri) = (request.method().clone(), request.uri().clone());

    let in_flight = state.metrics().requests.in_flight.enter();
    let coding = packing::wanted(request.headers());
    let response = with_problem_body(next.run(request).await, uri.path());
    let mut response = until_its_end(packing::pack(response, coding), in_flight);
    if !response.headers().contains_key(&answer::CATALOG_VERSION) {
        response = answer::of(&state.catalog(), response);
    }
    let route = route.as_ref().map(MatchedPath::as_str);
    let (status, took) = (response.status().as_u16(), started.elapsed());
    state.metrics().requests.answered(route, method.as_str(), status, took);
    if let Some(log) = access_log() {
        log.note(&AccessLine {
            request_id: id.to_str().unwrap_or_default(),
            trace: trace.as_ref(),
            method: method.as_str(),
            route: route.unwrap_or("none"),
            status,
            took,
        });
    }
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
    let mut id = [0; 33];
    let mut rest = &mut id[..];
    // Two numbers of at most sixteen digits and a hyphen: they fit.
    let _ = write!(rest, "{:016x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
    let unused = rest.len();
    HeaderValue::from_bytes(&id[..id.len() - unused]).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Writes the body of a problem; makes one of a bare error that the framework answered.
fn with_problem_body(mut response: Response, path: &str) -> Response {
    let status = response.status();
    let mut problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if status.is_client_error() || status.is_server_error() => Problem::new(status, what_happened(status)),
        None => return response,
    };
    path.clone_into(&mut problem.instance);
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
