//! `GET /livez` and `/readyz`.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{AppState, Problem};

/// The state of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` or `ready`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process lives
///
/// Answers as long as there is anybody to answer. A failure here means: restart it.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, description = "It lives", body = Health)))]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether it takes requests
///
/// Says no while the service is leaving, so that nobody sends it more.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    responses(
        (status = 200, description = "It takes requests", body = Health),
        (status = 503, description = "It is leaving", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    if state.is_ready() {
        return Json(Health { status: "ready" }).into_response();
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service is leaving; expected requests to go elsewhere")
        .retry_after(5)
        .into_response()
}
