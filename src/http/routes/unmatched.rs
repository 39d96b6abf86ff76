//! `GET /v1/unmatched`.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{
        AppState, Problem, answer,
        query::{ListUnmatched, Query, UnmatchedOrder},
    },
    telemetry::UnmatchedReply,
};

/// The replies that no rule knew.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnmatchedList {
    /// The replies, one entry for each form.
    unmatched: Vec<UnmatchedReply>,
}

/// List the replies that no rule knew
///
/// For those who write rules: what this process could not classify since it started, as templates with counts, from single
/// replies, reports and batches alike. A thousand templates are kept; where there are more, the rarest make room. Templates
/// hold no addresses, numbers or ids, and words that may be names are taken out, as are host names that the catalogue does not
/// know.
#[utoipa::path(
    get,
    path = "/v1/unmatched",
    operation_id = "list_unmatched",
    tag = "operations",
    params(ListUnmatched),
    responses(
        (status = 200, description = "The replies", body = UnmatchedList),
        (status = 406, description = "`Accept` rules out JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is unknown or of the wrong form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListUnmatched>,
) -> Result<Response, Problem> {
    let replies = &state.metrics().unmatched;
    let replies = match query.order.unwrap_or_default() {
        UnmatchedOrder::Count => replies.by_count(),
        UnmatchedOrder::Recent => replies.by_last_seen(),
    };
    let (unmatched, _) = answer::page(replies, query.limit, None, state.limits())?;
    let mut response = answer::json(&UnmatchedList { unmatched }, "en");
    // It is another list with the next reply.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Templates are in whatever language the servers speak.
    response.headers_mut().remove(header::CONTENT_LANGUAGE);
    response.headers_mut().remove(header::VARY);
    Ok(response)
}
