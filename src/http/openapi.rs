//! The OpenAPI document: made from the code, with examples that the service itself has answered, so that neither can be wrong.

mod forms;
mod gate;

use std::sync::OnceLock;

use axum::{extract::State, http::header, response::IntoResponse};
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{AppState, Problem, routes};
use crate::{
    batch::{Classifier, Cutter, Form},
    catalog::{Catalog, CodeQuery},
    classify::{self, Evidence, Fields, ReportView, Verdict},
    limits::Limits,
    report,
    smtp::{Command, Reply},
};

/// What the document says of the service as a whole.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "retoure",
        description = "Tells what a bounced e-mail means: what it is, hard or soft, why, how far it reaches, what to do, and \
            how to mend it, in German and English. Every failure is `application/problem+json` (RFC 9457). Every answer \
            carries `x-request-id` (the caller's own is kept) and `catalog-version`. Unknown keys and parameters are refused, \
            so that a typo is never silently ignored.\n\n\
            Bounds: a reply has at most 65536 bytes, a mail 33554432, another field 512, a page of a list 500 items; a request \
            must be complete within 30 seconds. Of a mail at most 16 mails within mails, 1000 MIME parts, 1000 header fields, \
            262144 bytes of words and 1000 recipients are read; a report that was cut says so in `cut`. A batch in one document \
            has at most 10000 items and 67108864 bytes; a stream has no end, but no line over 50331648 bytes and no pause over \
            60 seconds. Bodies may be packed with gzip or zstd; bounds are those of what they unpack to.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
        contact(name = "The retoure developers"),
    ),
    servers((url = "/", description = "Where this document came from")),
    tags(
        (name = "classify", description = "What a reply means"),
        (name = "catalogue", description = "What codes and categories mean"),
        (name = "operations", description = "For those who run it"),
    ),
    components(schemas(Problem))
)]
pub(super) struct Document;

/// The whole document, with examples from `catalog`.
pub fn document(catalog: &Catalog) -> Value {
    let (_, openapi) = routes::all().split_for_parts();
    let mut document = serde_json::to_value(&openapi).unwrap_or_default();
    gate::add_to(&mut document);
    forms::add_to(&mut document);
    let examples = Examples::new(catalog);
    examples.add_to_operations(&mut document);
    examples.add_to_schemas(&mut document);
    document
}

/// `GET /openapi.json`.
pub(super) async fn serve(State(state): State<AppState>) -> impl IntoResponse {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let body = DOCUMENT.get_or_init(|| document(&state.catalog()).to_string());
    ([(header::CONTENT_TYPE, "application/json")], body.as_str())
}

/// The reply that the examples are about.
const BLOCKED: &str = "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org";

/// The report that the examples are about.
const RETURNED: &str = "From: MAILER-DAEMON@mx.example.com (Mail Delivery System)\r\n\
    To: news@example.com\r\n\
    Subject: Undelivered Mail Returned to Sender\r\n\
    Date: Mon, 23 Nov 2026 06:33:12 +0000\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\
    \r\n\
    --b\r\n\
    \r\n\
    This is the mail system at host mx.example.com.\r\n\
    \r\n\
    <anna@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1 No such user\r\n\
    (in reply to RCPT TO command)\r\n\
    --b\r\n\
    Content-Type: message/delivery-status\r\n\
    \r\n\
    Reporting-MTA: dns; mx.example.com\r\n\
    Arrival-Date: Mon, 23 Nov 2026 06:33:11 +0000\r\n\
    \r\n\
    Final-Recipient: rfc822; anna@example.org\r\n\
    Original-Recipient: rfc822;anna@example.org\r\n\
    Action: failed\r\n\
    Status: 5.1.1\r\n\
    Remote-MTA: dns; mx.example.org\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n\
    --b\r\n\
    Content-Type: text/rfc822-headers\r\n\
    \r\n\
    From: news@example.com\r\n\
    To: anna@example.org\r\n\
    Subject: News in November\r\n\
    Date: Mon, 23 Nov 2026 06:33:10 +0000\r\n\
    Message-ID: <20261123063310.4711@example.com>\r\n\
    X-Campaign-Id: november\r\n\
    --b--\r\n";

/// The complaint that the examples are about.
const COMPLAINT: &str = "From: feedback@mail.example.org\r\n\
    Subject: FW: News in November\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=feedback-report; boundary=\"b\"\r\n\
    \r\n\
    --b\r\n\
    Content-Type: message/feedback-report\r\n\
    \r\n\
    Feedback-Type: abuse\r\n\
    User-Agent: ExampleFBL/1.0\r\n\
    Version: 1\r\n\
    Original-Rcpt-To: anna@example.org\r\n\
    Source-IP: 192.0.2.7\r\n\
    --b--\r\n";

/// Answers of the service itself.
struct Examples {
    verdict: Value,
    report: Value,
    complaint: Value,
    code: Value,
    pair: Value,
    batch: Value,
    codes: Value,
    category: Value,
    categories: Value,
    provider: Value,
    blocklist: Value,
}

impl Examples {
    fn new(catalog: &Catalog) -> Self {
        let reply = Reply::parse(BLOCKED);
        let evidence = Evidence { command: Some(Command::RcptTo), ..Evidence::of(&reply) };
        let decision = classify::weigh(catalog, &evidence);
        let with = (evidence.command, Some("anna@example.org"));
        let verdict = json!(Verdict::new(catalog, &decision, &reply, with, "en", Fields::All));
        let code = |text: &str| {
            let query: Option<CodeQuery> = text.parse().ok();
            query.and_then(|query| catalog.look_up(query, "en").ok()).map_or(Value::Null, |view| json!(view))
        };
        let category =
            catalog.category_named("mailbox_full").map(|category| json!(catalog.category_view(category, "en")));
        let category = category.unwrap_or_default();
        let read = |mail: &str| {
            let wanted = ["x-campaign-id".to_owned()];
            let report = report::read(catalog, mail.as_bytes(), &wanted, &Limits::default());
            json!(ReportView::new(catalog, &report, "en", Fields::All))
        };
        Self {
            batch: batch_example(catalog),
            report: read(RETURNED),
            complaint: read(COMPLAINT),
            verdict,
            code: code("552"),
            pair: code("550-5.7.1"),
            codes: json!({"codes": [code("552")], "next": "1"}),
            categories: json!({"categories": [category], "next": "1"}),
            category,
            provider: catalog
                .provider_named("gmail")
                .map(|(_, gmail)| json!(catalog.provider_view(gmail, "en")))
                .unwrap_or_default(),
            blocklist: catalog
                .blocklists()
                .first()
                .map(|list| json!(catalog.blocklist_view(list, "en")))
                .unwrap_or_default(),
        }
    }

    fn add_to_operations(&self, document: &mut Value) {
        let request = json!({"reply": BLOCKED, "recipient": "anna@example.org", "command": "RCPT TO"});
        for (path, method, example) in [
            ("/v1/classify/reply", "post", &self.verdict),
            ("/v1/classify/message", "post", &self.report),
            ("/v1/classify/batch", "post", &self.batch),
            ("/v1/codes", "get", &self.codes),
            ("/v1/codes/{code}", "get", &self.pair),
            ("/v1/categories", "get", &self.categories),
            ("/v1/categories/{id}", "get", &self.category),
            ("/v1/providers", "get", &json!({"providers": [self.provider], "next": "1"})),
            ("/v1/providers/{id}", "get", &self.provider),
            ("/v1/blocklists", "get", &json!({"blocklists": [self.blocklist], "next": "1"})),
            ("/v1/blocklists/{id}", "get", &self.blocklist),
            ("/v1/unmatched", "get", &unmatched()),
            ("/livez", "get", &json!({"status": "ok"})),
            ("/readyz", "get", &json!({"status": "ready"})),
        ] {
            let operation = &mut document["paths"][path][method];
            operation["responses"]["200"]["content"]["application/json"]["example"] = example.clone();
            let Some(responses) = operation["responses"].as_object_mut() else { continue };
            for (status, response) in responses {
                let content =
                    response.get_mut("content").and_then(|content| content.get_mut("application/problem+json"));
                if let Some(content) = content {
                    content["example"] = problem(status, path);
                }
            }
        }
        document["paths"]["/metrics"]["get"]["responses"]["200"]["content"]["text/plain"]["example"] = json!(METRICS);
        let content = &mut document["paths"]["/v1/classify/reply"]["post"]["requestBody"]["content"];
        content["application/json"]["example"] = request;
        content["text/plain"]["example"] = json!(BLOCKED);
        let content = &mut document["paths"]["/v1/classify/message"]["post"]["requestBody"]["content"];
        content["application/json"]["example"] = json!({"message": RETURNED});
        content["message/rfc822"]["example"] = json!(RETURNED);
        let batch = &mut document["paths"]["/v1/classify/batch"]["post"];
        batch["responses"]["200"]["content"]["application/x-ndjson"]["example"] = self.batch["results"][0].clone();
        let content = &mut batch["requestBody"]["content"];
        content["application/json"]["example"] = json!({"items": batch_items()});
        content["application/x-ndjson"]["example"] = json!(as_lines(&batch_items()));
        content["application/mbox"]["example"] =
            json!(format!("From MAILER-DAEMON Mon Nov 23 06:33:12 2026\n{}\n", RETURNED.replace('\r', "")));
    }

    /// Schemas get what the examples hold at their place; vocabularies, their first value.
    fn add_to_schemas(&self, document: &mut Value) {
        let (verdict, code) = (&self.verdict, &self.code);
        let places = [
            ("Verdict", verdict),
            ("Reply", &verdict["reply"]),
            ("CodeNote", &verdict["codes"][0]),
            ("BlocklistMatch", &verdict["blocklist"]),
            ("Report", &self.report),
            ("RecipientVerdict", &self.report["recipients"][0]),
            ("Original", &self.report["original"]),
            ("Complaint", &self.complaint["complaint"]),
            ("BatchAnswer", &self.batch),
            ("BatchResult", &self.batch["results"][0]),
            ("Summary", &self.batch["summary"]),
            ("RetryAdvice", &verdict["retry"]),
            ("Remediation", &verdict["remediation"]),
            ("Link", &verdict["remediation"]["links"][0]),
            ("Evidence", &verdict["evidence"][0]),
            ("DecidedBy", &verdict["decided_by"]),
            ("Code", code),
            ("Class", &code["class"]),
            ("Subject", &code["subject"]),
            ("Observation", &code["observed"][0]),
            ("Source", &code["sources"][0]),
            ("RegisteredPair", &self.pair["pair"]),
            ("CodeList", &self.codes),
            ("Category", &self.category),
            ("Retry", &self.category["retry"]),
            ("CategoryList", &self.categories),
            ("Provider", &self.provider),
            ("Rule", &self.provider["rules"][0]),
            ("Blocklist", &self.blocklist),
            ("ReturnCode", &self.blocklist["return_codes"][0]),
        ];
        let request = json!({"reply": BLOCKED, "recipient": "anna@example.org", "remote_host": "mx.example.org", "command": "RCPT TO"});
        let others = [
            ("ReplyRequest", &request),
            ("MessageRequest", &json!({"message": RETURNED})),
            ("BatchRequest", &json!({"items": batch_items()})),
            ("BatchItem", &batch_items()[0]),
            ("BatchId", &json!("bounce-4711")),
            ("Problem", &problem("422", "/v1/classify/reply")),
            ("FieldError", &problem("422", "/v1/classify/reply")["errors"][0]),
            ("Health", &json!({"status": "ready"})),
            ("UnmatchedList", &unmatched()),
            ("UnmatchedReply", &unmatched()["unmatched"][0]),
            ("ProviderList", &json!({"providers": [self.provider], "next": "1"})),
            ("BlocklistList", &json!({"blocklists": [self.blocklist], "next": "1"})),
            (
                "ProviderMatch",
                &json!({
                    "id": "gmail", "name": "Gmail and Google Workspace", "recognised_by": "reply",
                    "meaning": "The recipient gets more mail than Gmail takes for one mailbox at a time.",
                }),
            ),
        ];
        let schemas = &mut document["components"]["schemas"];
        for (name, example) in places.into_iter().chain(others) {
            if schemas.get(name).is_some() {
                schemas[name]["examples"] = json!([example]);
            }
        }
        for schema in schemas.as_object_mut().into_iter().flat_map(|schemas| schemas.values_mut()) {
            let first = schema["enum"].get(0).cloned().or_else(|| schema["oneOf"][0]["enum"].get(0).cloned());
            if let (Some(first), true) = (first, schema.get("examples").is_none()) {
                schema["examples"] = json!([first]);
            }
            // Indexing a missing key leaves a null behind.
            if let Some(object) = schema.as_object_mut() {
                object.retain(|_, value| !value.is_null());
            }
        }
    }
}

/// An unknown reply, as the service tells it.
fn unmatched() -> Value {
    json!({"unmatched": [{
        "template": "<email>: quuxified by <host>", "fingerprint": "6ab9d7c44d3b2c6e", "code": 550, "enhanced": "5.9.9",
        "count": 42, "overcount": 0, "first_seen": "2026-11-23T06:33:12Z", "last_seen": "2026-11-23T09:14:55Z",
    }]})
}

/// The beginning of what `/metrics` answers.
const METRICS: &str = "# HELP retoure_classifications_total Verdicts given, one a recipient, by what they say.\n\
    # TYPE retoure_classifications_total counter\n\
    retoure_classifications_total{kind=\"bounce\",type=\"soft\",category=\"mailbox_full\",provider=\"gmail\"} 7\n";

/// The batch that the examples are about: one item of each kind, and a wrong one.
fn batch_items() -> [Value; 3] {
    [
        json!({"id": "bounce-4711", "reply": BLOCKED, "recipient": "anna@example.org"}),
        json!({"id": "bounce-4712", "message": COMPLAINT}),
        json!({"id": 4713, "reply": ""}),
    ]
}

fn as_lines(items: &[Value]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

/// What the service answers to it, without texts, which stand in the other examples.
fn batch_example(catalog: &Catalog) -> Value {
    let limits = Limits::default();
    let classifier =
        Classifier { catalog, limits: &limits, language: "en", fields: Fields::Core, headers: &[], metrics: None };
    let mut cutter = Cutter::new(Form::Lines, &limits);
    cutter.push(as_lines(&batch_items()).as_bytes());
    let Some(chunk) = cutter.take(0) else { return Value::Null };
    let finished = classifier.run(&chunk, &|result, out| {
        result.append_json(out);
        out.push(b'\n');
    });
    let results: Vec<Value> =
        finished.out.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    json!({"results": results, "summary": finished.summary})
}

/// A problem as this route gives it.
fn problem(status: &str, path: &str) -> Value {
    let (title, detail) = match status {
        "400" => ("Bad Request", "the body is not JSON: expected value (line 1, column 1)"),
        "404" if path.contains("codes") => {
            ("Not Found", "999 is not in the catalogue; SMTP's reply codes are 211 to 556")
        }
        "404" if path.contains("providers") => {
            ("Not Found", "there is no such provider; GET /v1/providers lists them, such as gmail")
        }
        "404" if path.contains("blocklists") => {
            ("Not Found", "there is no such blocklist; GET /v1/blocklists lists them, such as spamhaus_zen")
        }
        "404" => ("Not Found", "there is no such category; GET /v1/categories lists them, such as mailbox_not_found"),
        "406" if path.ends_with("batch") => (
            "Not Acceptable",
            "the answer is application/json or application/x-ndjson, which `Accept` rules out; expected one of them or `*/*` in it",
        ),
        "406" => (
            "Not Acceptable",
            "the answer is application/json, which `Accept` rules out; expected `application/json` or `*/*` in it",
        ),
        "413" if path.ends_with("batch") => {
            ("Payload Too Large", "the batch has more than 10000 items; for more, send application/x-ndjson")
        }
        "413" => ("Payload Too Large", "the reply is longer than 65536 bytes; expected one server's reply"),
        "415" if path.ends_with("batch") => (
            "Unsupported Media Type",
            "there is no usable Content-Type; expected `application/json` or `application/x-ndjson` or `application/mbox`",
        ),
        "422" if path.ends_with("batch") => ("Unprocessable Entity", "missing field `items`"),
        "415" => {
            ("Unsupported Media Type", "there is no usable Content-Type; expected `application/json` or `text/plain`")
        }
        "401" => (
            "Unauthorized",
            "there is no key; expected `Authorization: Bearer` or `X-API-Key` with one that its operator has given out",
        ),
        "408" => ("Request Timeout", "the body stood still for too long; expected it to go on sooner"),
        "429" => {
            ("Too Many Requests", "too many requests; expected no more than this service allows a caller each second")
        }
        "503" if path.starts_with("/v1/") => (
            "Service Unavailable",
            "more is asked than can be answered at once; expected the same request again a little later",
        ),
        "503" => ("Service Unavailable", "the service is leaving; expected requests to go elsewhere"),
        _ if path.starts_with("/v1/classify") => {
            let detail = "unknown field `replyy`, expected one of `reply`, `recipient`, `remote_host`, `command`";
            return json!({
                "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": detail, "instance": path,
                "errors": [{"pointer": "/replyy", "detail": detail}],
            });
        }
        _ if path == "/v1/unmatched" => ("Unprocessable Entity", "`limit` is 1000; expected 1 to 500"),
        _ => ("Unprocessable Entity", "`lang` is not a language tag; expected one such as `de` or `en`"),
    };
    let status: u16 = status.parse().unwrap_or_default();
    json!({"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": path})
}
