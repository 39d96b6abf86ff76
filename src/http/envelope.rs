//! What surrounds every answer: its request id, the catalogue's version, its numbers and its line in the log, the body of a
//! problem, and how it is packed.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};

use super::{AppState, Problem, answer, packing, problem, until_its_end};
use crate::{
    hexadecimal,
    telemetry::{AccessLine, Inside, Route, TraceParent, access_log},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A caller's own request id is kept up to this length.
const MAX_REQUEST_ID_BYTES: usize = 128;

/// What must be known of a request when its answer stands.
#[derive(Debug)]
pub(super) struct Envelope {
    started: Instant,
    in_flight: Inside,
    id: HeaderValue,
    trace: Option<TraceParent>,
    route: Route,
    method: Method,
    uri: Uri,
    coding: Option<packing::Coding>,
}

impl Envelope {
    /// Takes down what is known of `request`.
    pub(super) fn open(state: &AppState, request: &Request) -> Self {
        // Several of them are malformed as one of a wrong form is (W3C Trace Context §3.2.2.5).
        let mut traces = request.headers().get_all(&TRACEPARENT).iter();
        let trace = match (traces.next(), traces.next()) {
            (Some(value), None) => TraceParent::parse(value.as_bytes()),
            _ => None,
        };
        Self {
            started: Instant::now(),
            in_flight: state.metrics().requests.in_flight.enter(),
            id: request_id(request),
            trace,
            route: Route::of(request.uri().path()),
            method: request.method().clone(),
            uri: request.uri().clone(),
            coding: packing::wanted(request.headers()),
        }
    }

    /// The route that was asked for.
    pub(super) fn route(&self) -> Route {
        self.route
    }

    /// Completes the answer, counts it and notes it in the log.
    pub(super) fn close(self, state: &AppState, response: Response) -> Response {
        let response = with_problem_body(response, self.uri.path());
        let mut response = until_its_end(packing::pack(response, self.coding), self.in_flight);
        if !response.headers().contains_key(&answer::CATALOG_VERSION) {
            response = answer::of(&state.catalog(), response);
        }
        let (status, took) = (response.status().as_u16(), self.started.elapsed());
        state.metrics().requests.answered(self.route, self.method.as_str(), status, took);
        if let Some(log) = access_log() {
            log.note(&AccessLine {
                request_id: self.id.to_str().unwrap_or_default(),
                trace: self.trace.as_ref(),
                method: self.method.as_str(),
                route: self.route.as_str(),
                status,
                took,
            });
        }
        response.headers_mut().insert(REQUEST_ID, self.id);
        response
    }
}

fn request_id(request: &Request) -> HeaderValue {
    match request.headers().get(&REQUEST_ID) {
        Some(id) if (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.to_str().is_ok() => id.clone(),
        _ => new_request_id(),
    }
}

/// Unique among all processes with high probability, and in this one surely.
fn new_request_id() -> HeaderValue {
    static PROCESS: LazyLock<String> =
        LazyLock::new(|| format!("{:016x}-", RandomState::new().hash_one(std::process::id())));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut id = Vec::with_capacity(PROCESS.len() + 16);
    id.extend_from_slice(PROCESS.as_bytes());
    let digits = (u64::BITS - (count | 1).leading_zeros()).div_ceil(4);
    id.extend(hexadecimal::digits(count, digits));
    // Digits and a hyphen: that is a value.
    HeaderValue::from_maybe_shared(Bytes::from(id)).unwrap_or(HeaderValue::from_static("unknown"))
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
    let mut body = Vec::with_capacity(512);
    // Writing to memory cannot fail, and there is nothing in it that is no JSON.
    let _ = serde_json::to_writer(&mut body, &problem);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, problem::MEDIA_TYPE);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.body_mut() = Body::from(body);
    response
}

fn what_happened(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
        StatusCode::NOT_FOUND => "there is nothing at this path; GET /openapi.json lists what there is",
        _ => "the request could not be answered",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn request_ids_differ_and_have_one_form() {
        let ids: HashSet<String> = (0..300).map(|_| new_request_id().to_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 300);
        for id in ids {
            let (process, count) = id.split_once('-').unwrap();
            assert!(process.len() == 16 && u64::from_str_radix(process, 16).is_ok(), "{id}");
            let number = u64::from_str_radix(count, 16).unwrap();
            assert_eq!(format!("{number:x}"), count);
        }
    }
}
