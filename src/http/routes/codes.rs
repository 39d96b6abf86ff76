//! `GET /v1/codes` and `/v1/codes/{code}`.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    catalog::{CodeFilter, CodeQuery, CodeView},
    http::{
        AppState, Problem, answer, language,
        query::{ListCodes, LookUpCode, Query},
    },
};

/// A page of codes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CodeList<'c> {
    /// The codes: in numerical order, or, where words were asked for, the best first.
    codes: Vec<CodeView<'c>>,
    /// The cursor of the next page; null on the last.
    next: Option<String>,
}

/// Search the codes
///
/// Every reply code and enhanced status code of the catalogue. `q` finds by words of their texts in any language.
#[utoipa::path(
    get,
    path = "/v1/codes",
    operation_id = "list_codes",
    tag = "catalogue",
    params(ListCodes),
    responses(
        (status = 200, description = "The codes", body = CodeList<'static>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = 406, description = "`Accept` rules out JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is unknown or of the wrong form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListCodes>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let catalog = state.catalog();
    let language = language::choose(&catalog, query.lang.as_deref(), &headers);
    let filter = CodeFilter { class: query.class, kind: query.kind, words: query.q };
    let codes = catalog.find_codes(&filter, language);
    let (codes, next) = answer::page(codes, query.limit, query.cursor.as_deref(), state.limits())?;
    Ok(answer::look_up(&catalog, &CodeList { codes, next }, language, &headers))
}

/// Look up a code
///
/// `550`, `5.7.26`, both together as `550-5.7.1`, or a whole class as `4xx` or `4.x.x`: what the standard defines, what is
/// seen and told elsewhere, and who says so.
#[utoipa::path(
    get,
    path = "/v1/codes/{code}",
    operation_id = "look_up_code",
    tag = "catalogue",
    params(("code" = String, Path, description = "The code", example = "550-5.7.1"), LookUpCode),
    responses(
        (status = 200, description = "What is known about it", body = CodeView<'static>),
        (status = 304, description = "Nothing has changed since the `ETag` in `If-None-Match`"),
        (status = 404, description = "The catalogue does not know it", body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "`Accept` rules out JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is unknown or of the wrong form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(state): State<AppState>,
    Path(code): Path<String>,
    Query(query): Query<LookUpCode>,
    headers: HeaderMap,
) -> Response {
    let catalog = state.catalog();
    let language = language::choose(&catalog, query.lang.as_deref(), &headers);
    let found = code.parse::<CodeQuery>().and_then(|code| Ok((code, catalog.look_up(code, language)?)));
    let (code, mut view) = match found {
        Ok(found) => found,
        Err(unknown) => return Problem::new(StatusCode::NOT_FOUND, unknown.to_string()).into_response(),
    };
    if let Some(provider) = &query.provider {
        let Some(rules) = catalog.provider_rules(provider, code, language) else {
            let detail = "there is no such `provider`; GET /v1/providers lists them, such as gmail";
            return Problem::new(StatusCode::NOT_FOUND, detail).into_response();
        };
        view.provider_rules = rules;
    }
    answer::look_up(&catalog, &view, language, &headers)
}
