//! `GET /metrics`.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{http::AppState, telemetry};

/// Numbers for Prometheus
///
/// How many requests take how long, what verdicts come to, which rules speak, how reloads end, what the process uses: in the
/// text format 0.0.4. Counts begin at 0 with the process and go on over a reload. No label holds an address or a word of a
/// mail.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain"))
)]
pub(super) async fn scrape(State(state): State<AppState>) -> Response {
    let text = state.metrics().text(state.catalog().version(), &state.gate().counters);
    ([(header::CONTENT_TYPE, telemetry::METRICS_MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")], text).into_response()
}
