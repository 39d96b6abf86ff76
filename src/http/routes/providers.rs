//! `GET /v1/providers` and `/v1/providers/{id}`.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    catalog::ProviderView,
    http::{
        AppState, Problem, answer, language,
        query::{List, LookUp, Query},
    },
};

/// A page of providers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderList<'c> {
    /// The providers.
    providers: Vec<ProviderView<'c>>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// List the providers
///
/// Mailbox providers and gateways whose replies the catalogue knows.
#[utoipa::path(
    get,
    path = "/v1/providers",
    operation_id = "list_providers",
    tag = "catalogue",
    params(List),
    responses(
        (status = 200, description = "The providers", body = ProviderList<'static>),
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
    let views = catalog.providers().iter().map(|one| catalog.provider_view(one, language)).collect();
    let (providers, next) = answer::page(views, query.limit, query.cursor.as_deref(), state.limits())?;
    Ok(answer::look_up(&catalog, &ProviderList { providers, next }, language, &headers))
}

/// Look up a provider
///
/// How it is recognised, and what it says of its own with what that means.
#[utoipa::path(
    get,
    path = "/v1/providers/{id}",
    operation_id = "look_up_provider",
    tag = "catalogue",
    params(("id" = String, Path, description = "The provider's id", example = "gmail"), LookUp),
    responses(
        (status = 200, description = "What is known about it", body = ProviderView<'static>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = 404, description = "There is no such provider", body = Problem, content_type = "application/problem+json"),
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
    match catalog.provider_named(&id).map(|(_, provider)| provider) {
        Some(one) => answer::look_up(&catalog, &catalog.provider_view(one, language), language, &headers),
        None => {
            let detail = "there is no such provider; GET /v1/providers lists them, such as gmail";
            Problem::new(StatusCode::NOT_FOUND, detail).into_response()
        }
    }
}
