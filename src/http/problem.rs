//! Failures as RFC 9457 problem details. `detail` is public: it says what was wrong and what was expected, and never holds an
//! address or the words of a mail.

use std::any::Any;

use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A failure, told to the caller (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem it is; `about:blank` says no more than the status does.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: &'static str,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// What was wrong and what was expected.
    pub detail: String,
    /// The path that was asked.
    #[schema(example = "/v1/classify/reply")]
    pub instance: String,
    /// Where a field of the body was wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// When to come back, sent as `Retry-After`.
    #[serde(skip)]
    pub(super) retry_after_seconds: Option<u16>,
}

/// One field that was wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it stands in the body (RFC 6901).
    #[schema(example = "/command")]
    pub pointer: String,
    /// What was wrong with it and what was expected.
    pub detail: String,
}

/// The media type of a problem.
pub(super) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

impl Problem {
    /// A problem of this status; `detail` says what was wrong and what was expected.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            instance: String::new(),
            errors: Vec::new(),
            retry_after_seconds: None,
        }
    }

    /// A body that is well-formed but wrong at one place.
    pub(super) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let errors = vec![FieldError { pointer: pointer.into(), detail: detail.clone() }];
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }

    /// The same, asking the caller to come back after so many seconds.
    pub(super) fn retry_after(self, seconds: u16) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }
}

/// The body is written by the envelope around all routes, which knows the path. Until then the problem travels beside an
/// empty answer.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        // For all that a refusal has; it must cost much less than an answer.
        response.headers_mut().reserve(10);
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// No such path.
pub(super) async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path; GET /openapi.json lists what there is")
}

/// The path exists, but not for this method. The router has set `Allow`.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let expected = if uri.path().starts_with("/v1/classify") { "POST" } else { "GET" };
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not possible here; expected {expected}"))
}

/// For a request that is not answered in the time that one may take.
pub(super) fn too_late() -> Problem {
    let detail = "the request took too long; expected its whole body sooner, or the same request when less is asked";
    Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
}

/// A panic is our fault; what it says goes to the log, not to the caller.
pub(super) fn from_panic(panic: &(dyn Any + Send)) -> Response {
    let is_text = panic.is::<String>() || panic.is::<&str>();
    tracing::error!(is_text, "a request handler panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the service failed to answer; the fault is ours, not in your request",
    )
    .into_response()
}
