//! `GET /v1/categories` and `/v1/categories/{id}`.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    catalog::CategoryView,
    http::{
        AppState, Problem, answer, language,
        query::{List, LookUp, Query},
    },
};

/// A page of categories.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CategoryList<'c> {
    /// The categories, group by group.
    categories: Vec<CategoryView<'c>>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// List the categories
///
/// Every reason for which a delivery can fail, with what it means, what to do, and its names in other vocabularies.
#[utoipa::path(
    get,
    path = "/v1/categories",
    operation_id = "list_categories",
    tag = "catalogue",
    params(List),
    responses(
        (status = 200, description = "The categories", body = CategoryList<'static>),
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
    let views = catalog.categories().iter().map(|category| catalog.category_view(category, language)).collect();
    let (categories, next) = answer::page(views, query.limit, query.cursor.as_deref(), state.limits())?;
    Ok(answer::look_up(&catalog, &CategoryList { categories, next }, language, &headers))
}

/// Look up a category
///
/// One reason for which a delivery can fail, with the rules that lead to it.
#[utoipa::path(
    get,
    path = "/v1/categories/{id}",
    operation_id = "look_up_category",
    tag = "catalogue",
    params(("id" = String, Path, description = "The category's id", example = "mailbox_full"), LookUp),
    responses(
        (status = 200, description = "What is known about it", body = CategoryView<'static>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = 404, description = "There is no such category", body = Problem, content_type = "application/problem+json"),
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
    match catalog.category_named(&id) {
        Some(category) => {
            answer::look_up(&catalog, &catalog.category_with_rules(category, language), language, &headers)
        }
        None => {
            let detail = "there is no such category; GET /v1/categories lists them, such as mailbox_not_found";
            Problem::new(StatusCode::NOT_FOUND, detail).into_response()
        }
    }
}
