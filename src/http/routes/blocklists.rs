//! `GET /v1/blocklists` and `/v1/blocklists/{id}`.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    catalog::BlocklistEntry,
    http::{
        AppState, Problem, answer, language,
        query::{List, LookUp, Query},
    },
};

/// A page of blocklists.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BlocklistList<'c> {
    /// The blocklists.
    blocklists: Vec<BlocklistEntry<'c>>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// List the blocklists
///
/// DNS blocklists and providers' own, living and dead.
#[utoipa::path(
    get,
    path = "/v1/blocklists",
    operation_id = "list_blocklists",
    tag = "catalogue",
    params(List),
    responses(
        (status = 200, description = "The blocklists", body = BlocklistList<'static>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = 406, description = "`Accept` rules out JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is unknown or of the wrong form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Query(query): Query<List>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let catalog = state.catalog();
    let language = language::choose(&catalog, query.lang.as_deref(), &headers);
    let views = catalog.blocklists().iter().map(|one| catalog.blocklist_view(one, language)).collect();
    let (blocklists, next) = answer::page(views, query.limit, query.cursor.as_deref(), state.limits())?;
    Ok(answer::look_up(&catalog, &BlocklistList { blocklists, next }, language, &headers))
}

/// Look up a blocklist
///
/// What it lists, whether it still answers, and how to get off it.
#[utoipa::path(
    get,
    path = "/v1/blocklists/{id}",
    operation_id = "look_up_blocklist",
    tag = "catalogue",
    params(("id" = String, Path, description = "The blocklist's id", example = "spamhaus_zen"), LookUp),
    responses(
        (status = 200, description = "What is known about it", body = BlocklistEntry<'static>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = 404, description = "There is no such blocklist", body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "`Accept` rules out JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is unknown or of the wrong form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(query): Query<LookUp>,
    headers: HeaderMap,
) -> Response {
    let catalog = state.catalog();
    let language = language::choose(&catalog, query.lang.as_deref(), &headers);
    match catalog.blocklists().iter().find(|list| list.id == id) {
        Some(one) => answer::look_up(&catalog, &catalog.blocklist_view(one, language), language, &headers),
        None => {
            let detail = "there is no such blocklist; GET /v1/blocklists lists them, such as spamhaus_zen";
            Problem::new(StatusCode::NOT_FOUND, detail).into_response()
        }
    }
}
