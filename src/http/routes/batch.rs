//! `POST /v1/classify/batch`: as many as come, in three forms.

use std::{collections::VecDeque, ops::Range};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    batch::{CHUNK_BYTES, Chunk, Cutter, Form, ItemFields, ItemId, Summary, Wanted},
    classify::{ReportView, Verdict},
    http::{
        AppState, Problem, answer, body, language,
        memory::Reserved,
        query::{ClassifyBatch, Query},
        stream::{self, Shape, Source},
    },
};

/// The media types that are taken.
const TAKEN: [&str; 3] = ["application/json", "application/x-ndjson", "application/mbox"];

/// Many things to classify.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BatchRequest)]
pub(in crate::http) struct BatchRequest<'a> {
    /// Replies and mails, in any mixture.
    #[serde(borrow)]
    #[schema(value_type = Vec<ItemFields>)]
    items: Elements<'a>,
}

/// The elements of an array, unread, so that a wrong one does not spoil the others.
#[derive(Debug, Default)]
struct Elements<'a> {
    kept: Vec<&'a RawValue>,
    count: usize,
}

/// No setting allows more items than this: an array of a million zeros is not worth its pointers.
const MOST_ELEMENTS: usize = 1 << 20;

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array of items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Elements<'de>, A::Error> {
                let mut elements = Elements::default();
                while elements.count < MOST_ELEMENTS {
                    let Some(element) = array.next_element()? else { return Ok(elements) };
                    elements.kept.push(element);
                    elements.count += 1;
                }
                while array.next_element::<IgnoredAny>()?.is_some() {
                    elements.count += 1;
                }
                Ok(elements)
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

/// The results of a batch.
#[derive(Debug, ToSchema)]
#[schema(as = BatchAnswer)]
#[expect(dead_code, reason = "results are written as they come; this is how the specification tells them")]
pub(in crate::http) struct BatchAnswer<'a> {
    /// One for each item, in the same order.
    results: Vec<BatchResult<'a>>,
    /// What they come to.
    summary: Summary,
}

/// What came of one item: exactly one of `verdict`, `report` and `problem`.
#[derive(Debug, ToSchema)]
#[schema(as = BatchResult)]
#[expect(dead_code, reason = "results are written as they come; this is how the specification tells them")]
pub(in crate::http) struct BatchResult<'a> {
    /// The item's own, as it came: a string or a number; null where it has none.
    id: Option<ItemId>,
    /// The item's place, from 0.
    index: u64,
    /// What the reply means.
    #[schema(nullable = false)]
    verdict: Option<Verdict<'a>>,
    /// What the mail means.
    #[schema(nullable = false)]
    report: Option<ReportView<'a>>,
    /// Why the item could not be read; the others are not affected.
    #[schema(nullable = false)]
    problem: Option<Problem>,
}

/// Tell what many replies and mails mean
///
/// Takes replies and mails in any mixture, in one of three forms. An item that is wrong is one `problem` in its place; the rest
/// goes on.
///
/// - `application/json`: at most 10000 items and 67108864 bytes; answered with all results and their summary in one document.
/// - `application/x-ndjson`: an item a line, as many as come; answered with a result a line, in the same order, as soon as each
///   is there. Read while you send: who does not read is not read from. A line has at most 50331648 bytes; blank lines are
///   skipped. A stream that stands still for 60 seconds is ended; a blank line now and then keeps it.
/// - `application/mbox` (RFC 4155): messages one after the other; answered likewise, with a `report` a line.
///
/// Bodies may be packed (`Content-Encoding: gzip` or `zstd`), and so are the answers if `Accept-Encoding` says so. What ends a
/// stream early (a body that breaks off, that cannot be unpacked, that stands still, that there is no room for) is
/// told as a `problem` in the last line.
#[utoipa::path(
    post,
    path = "/v1/classify/batch",
    tag = "classify",
    params(ClassifyBatch),
    request_body(description = "Items in one JSON document, an item a line, or a mailbox.",
        content((BatchRequest = "application/json"), (String = "application/x-ndjson"), (String = "application/mbox"))),
    responses(
        (status = 200, description = "A result for each item", content((BatchAnswer<'static> = "application/json"), (BatchResult<'static> = "application/x-ndjson"))),
        (status = 400, description = "The body is not JSON, or cannot be unpacked", body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "`Accept` rules out the answer's form", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The document has too many items or bytes", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`Content-Type` is missing or another, or so is `Content-Encoding`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The document has another form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn batch(
    State(state): State<AppState>,
    Query(query): Query<ClassifyBatch>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let catalog = state.catalog();
    let limits = state.limits();
    let version_of = catalog.clone();
    let media_type = body::media_type(&headers, &TAKEN)?;
    let wanted = Wanted {
        language: language::choose(&catalog, query.lang.as_deref(), &headers).to_owned(),
        catalog,
        limits: limits.clone(),
        fields: query.fields.into(),
        headers: query.wanted(),
        metrics: Some(state.metrics().clone()),
    };
    let (source, shape, room) = match media_type {
        "application/json" => {
            let (chunks, room) = chunks(request, &state).await?;
            (Source::Ready(chunks), Shape::Document, room)
        }
        streamed => {
            let form = if streamed == "application/mbox" { Form::Mbox } else { Form::Lines };
            let source = Source::Stream(request.into_body(), Cutter::new(form, limits));
            (source, Shape::Lines { summary: query.summary == Some(true) }, state.gate().memory.reserve())
        }
    };
    let language = HeaderValue::from_str(&wanted.language);
    let body = stream::start(source, wanted, shape, state.workers(), room);
    let media_type = if shape == Shape::Document { "application/json" } else { "application/x-ndjson" };
    let mut response = ([(header::CONTENT_TYPE, media_type)], body).into_response();
    let answer = response.headers_mut();
    answer.insert(header::VARY, HeaderValue::from_static("accept-language"));
    if let Ok(language) = language {
        answer.insert(header::CONTENT_LANGUAGE, language);
    }
    if shape != Shape::Document {
        // nginx would else keep the results back until it has a buffer full of them.
        answer.insert("x-accel-buffering", HeaderValue::from_static("no"));
    }
    Ok(answer::of(&version_of, response))
}

/// Reads a document and divides its items into chunks.
async fn chunks(request: Request, state: &AppState) -> Result<(VecDeque<Chunk>, Reserved), Problem> {
    let (most, most_items) = (state.limits().batch_bytes, state.limits().batch_items);
    let (document, room) = body::read(request, most, state).await?.ok_or_else(|| {
        too_large(format!("the batch is longer than {most} bytes; for more, send application/x-ndjson"))
    })?;
    let chunks = state.gate().work(document.len(), move || divide(&document, most_items)).await??;
    Ok((chunks, room))
}

fn too_large(detail: String) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Divides the items of a document into chunks.
fn divide(document: &[u8], most: usize) -> Result<VecDeque<Chunk>, Problem> {
    let items = body::json::<BatchRequest<'_>>(document, "`items`, such as {\"items\": [{\"reply\": \"550\"}]}")?.items;
    if items.count > most {
        return Err(too_large(format!("the batch has more than {most} items; for more, send application/x-ndjson")));
    }
    // Where in the document each item stands: its text is part of it.
    let start = document.as_ptr().addr();
    let place = |item: &&RawValue| {
        let from = item.get().as_ptr().addr() - start;
        from..from + item.get().len()
    };
    let places: Vec<Range<usize>> = items.kept.iter().map(place).collect();
    let mut chunks = VecDeque::new();
    let mut first = 0;
    while first < places.len() {
        let end = places[first].start + CHUNK_BYTES;
        let next = places[first..].iter().position(|place| place.start > end).map_or(places.len(), |at| first + at);
        chunks.push_back(Chunk::of_elements(document, &places[first..next], first as u64));
        first = next;
    }
    Ok(chunks)
}
