//! `POST /v1/classify/reply` and `/v1/classify/message`.

use std::mem;

use axum::{
    extract::{Request, State},
    response::Response,
};

use crate::{
    batch::Classifier,
    classify::{ReportView, Verdict},
    http::{
        AppState, Problem, answer,
        body::{AskedMail, AskedReply, MessageFields, ReplyRequest},
        language,
        query::{Classify, ClassifyMessage, Query},
    },
};

/// Tell what one reply means
///
/// Takes what a server said, bare or as it stands in a log line, and says what it is, hard or soft, why, how far it reaches,
/// what to do and how to mend it. What is not understood is no error: the category is then `unknown`.
#[utoipa::path(
    post,
    path = "/v1/classify/reply",
    tag = "classify",
    params(Classify),
    request_body(description = "The reply: as JSON with what is known besides, or as plain text.",
        content((ReplyRequest = "application/json"), (String = "text/plain"))),
    responses(
        (status = 200, description = "What the reply means", body = Verdict<'static>),
        (status = 400, description = "The body is not JSON, or not UTF-8", body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "`Accept` rules out JSON", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The reply is longer than the service takes", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`Content-Type` is missing or another, or so is `Content-Encoding`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing, unknown, empty or of the wrong form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn reply(State(state): State<AppState>, mut request: Request) -> Result<Response, Problem> {
    let query = Query::<Classify>::of(request.uri())?;
    let headers = mem::take(request.headers_mut());
    let AskedReply { item, bytes } = AskedReply::read(&headers, request, &state).await?;
    let tell = {
        let state = state.clone();
        move || {
            let catalog = state.catalog();
            let language = language::choose(&catalog, query.lang.as_deref(), &headers);
            let fields = query.fields.into();
            let metrics = Some(state.metrics().as_ref());
            let limits = state.limits();
            let classifier = Classifier { catalog: &catalog, limits, language, fields, headers: &[], metrics };
            answer::of(&catalog, classifier.classify(&item, |outcome| answer::outcome(outcome, language)))
        }
    };
    state.gate().work(bytes, tell).await
}

/// Tell what a report mail means
///
/// Takes any mail that came back (an NDR, a complaint, an automatic answer) and says what it is, what mail it is about, and
/// what it means for each recipient. What cannot be understood is no error: `kind` is then `other`, or the category
/// `unknown`.
#[utoipa::path(
    post,
    path = "/v1/classify/message",
    tag = "classify",
    params(ClassifyMessage),
    request_body(description = "The mail: its raw bytes, or in JSON as text or in base64.",
        content((String = "message/rfc822"), (MessageFields = "application/json"))),
    responses(
        (status = 200, description = "What the mail means", body = ReportView<'static>),
        (status = 400, description = "The body is not JSON, or its base64 is broken", body = Problem, content_type = "application/problem+json"),
        (status = 406, description = "`Accept` rules out JSON", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The mail is longer than the service takes", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`Content-Type` is missing or another, or so is `Content-Encoding`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A field is missing, unknown, empty or of the wrong form", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn message(State(state): State<AppState>, mut request: Request) -> Result<Response, Problem> {
    let query = Query::<ClassifyMessage>::of(request.uri())?;
    let headers = mem::take(request.headers_mut());
    let asked = AskedMail::read(&headers, request, &state).await?;
    let bytes = asked.len();
    let tell = {
        let state = state.clone();
        move || {
            let limits = state.limits();
            let (item, _room) = asked.open(limits)?;
            let catalog = state.catalog();
            let language = language::choose(&catalog, query.lang.as_deref(), &headers);
            let (fields, wanted) = (query.fields.into(), query.wanted());
            let metrics = Some(state.metrics().as_ref());
            let classifier = Classifier { catalog: &catalog, limits, language, fields, headers: &wanted, metrics };
            Ok(answer::of(&catalog, classifier.classify(&item, |outcome| answer::outcome(outcome, language))))
        }
    };
    state.gate().work(bytes, tell).await?
}
