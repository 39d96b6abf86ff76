//! Answers that are no failures: JSON in a language, with an `ETag` for what comes from the catalogue alone, in pages for
//! lists.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::Problem;
use crate::{batch::Outcome, catalog::Catalog, limits::Limits, telemetry::Route};

pub(super) const CATALOG_VERSION: HeaderName = HeaderName::from_static("catalog-version");

/// A verdict's core fits; a buffer that grows by doubling would be copied several times.
const USUAL_BYTES: usize = 1024;

/// Items on a page where none are asked for.
const PAGE_ITEMS: usize = 100;

/// `value` as JSON, its texts in `language`.
pub(super) fn json<T: Serialize>(value: &T, language: &str) -> Response {
    let mut body = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => {
            let mut response = Response::new(Body::from(body));
            let fields = response.headers_mut();
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let Ok(language) = HeaderValue::from_str(language) {
                fields.insert(header::CONTENT_LANGUAGE, language);
            }
            fields.insert(header::VARY, HeaderValue::from_static("accept-language"));
            response
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be serialised");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written").into_response()
        }
    }
}

/// What came of one item.
pub(super) fn outcome(outcome: Outcome<'_>, language: &str) -> Response {
    match outcome {
        Outcome::Verdict(verdict) => json(verdict, language),
        Outcome::Report(report) => json(report, language),
        Outcome::Problem(fault) => Problem::from(fault.clone()).into_response(),
    }
}

/// `value` as it stands in the catalogue: with its version as `ETag`, and 304 for who has it already. The language is part
/// of the tag, since one address has an answer in each.
pub(super) fn look_up<T: Serialize>(catalog: &Catalog, value: &T, language: &str, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}-{language}\"", catalog.version());
    let mut response =
        if has_tag(headers, &tag) { StatusCode::NOT_MODIFIED.into_response() } else { json(value, language) };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    // A reload may change it at any time: keep it, but ask.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
    of(catalog, response)
}

/// Names the catalogue that an answer is from. Another may be in force by the time the answer stands.
pub(super) fn of(catalog: &Catalog, mut response: Response) -> Response {
    if let Ok(version) = HeaderValue::from_str(catalog.version()) {
        response.headers_mut().insert(CATALOG_VERSION, version);
    }
    response
}

/// `If-None-Match` compares weakly (RFC 9110 §13.1.2).
fn has_tag(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// One page of `items` and the cursor of the next.
///
/// # Errors
/// When `limit` or `cursor` is none that this list gave.
pub(super) fn page<T>(
    items: Vec<T>,
    limit: Option<usize>,
    cursor: Option<&str>,
    limits: &Limits,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let limit = limit.unwrap_or(PAGE_ITEMS.min(limits.page_items));
    let wrong = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    if !(1..=limits.page_items).contains(&limit) {
        return Err(wrong(format!("`limit` is {limit}; expected 1 to {}", limits.page_items)));
    }
    let start = match cursor.map(str::parse::<usize>) {
        None => 0,
        Some(Ok(start)) if start <= items.len() => start,
        Some(_) => {
            return Err(wrong("`cursor` is none of this list; expected the `next` of the page before".to_owned()));
        }
    };
    let next = start.saturating_add(limit);
    let next = (next < items.len()).then(|| next.to_string());
    Ok((items.into_iter().skip(start).take(limit).collect(), next))
}

/// Refuses callers who do not take what a route gives, before any work is done.
///
/// The answer to a batch may also be lines of JSON. Which of the two it is follows from what was sent, and who can read one can
/// read the other: either of them is good enough in `Accept`.
pub(super) fn check_accepted(route: Route, headers: &HeaderMap) -> Result<(), Problem> {
    let route = route.as_str();
    let is_batch = route == "/v1/classify/batch";
    if !route.starts_with("/v1/") || accepts(headers, &JSON) || is_batch && accepts(headers, &LINES) {
        return Ok(());
    }
    let detail = if is_batch {
        "the answer is application/json or application/x-ndjson, which `Accept` rules out; expected one of them or `*/*` in it"
    } else {
        "the answer is application/json, which `Accept` rules out; expected `application/json` or `*/*` in it"
    };
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, detail))
}

const JSON: [&str; 5] = ["", "*/*", "application/*", "application/json", "application/problem+json"];

const LINES: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/// Whether `Accept` lets one of these through (RFC 9110 §12.5.1); no `Accept` at all lets everything.
fn accepts(headers: &HeaderMap, media_types: &[&str]) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    values.peek().is_none()
        || values.flat_map(|value| value.split(',')).any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|p| p.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q == 0.0)));
            !refused && media_types.contains(&media.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn json_is_accepted_unless_ruled_out() {
        for (accept, expected) in [
            ("*/*", true),
            ("application/json", true),
            ("text/html, application/*;q=0.5", true),
            ("image/png", false),
            ("application/json;q=0", false),
            ("text/html", false),
        ] {
            assert_eq!(accepts(&headers(header::ACCEPT, accept), &JSON), expected, "{accept:?}");
        }
        assert!(accepts(&HeaderMap::new(), &JSON));
    }

    #[test]
    fn tags_are_compared_weakly() {
        for (known, expected) in
            [("\"a-en\"", true), ("W/\"a-en\"", true), ("\"x\", \"a-en\"", true), ("*", true), ("\"a\"", false)]
        {
            assert_eq!(has_tag(&headers(header::IF_NONE_MATCH, known), "\"a-en\""), expected, "{known:?}");
        }
    }

    #[test]
    fn pages_follow_each_other() {
        let limits = Limits::default();
        let (first, next) = page(vec![1, 2, 3], Some(2), None, &limits).unwrap();
        assert_eq!((first, next.as_deref()), (vec![1, 2], Some("2")));
        let (second, next) = page(vec![1, 2, 3], Some(2), Some("2"), &limits).unwrap();
        assert_eq!((second, next), (vec![3], None));
        for (limit, cursor) in [(Some(0), None), (Some(501), None), (None, Some("9")), (None, Some("x"))] {
            assert_eq!(page(vec![1, 2, 3], limit, cursor, &limits).unwrap_err().status, 422, "{limit:?} {cursor:?}");
        }
    }
}
