//! `POST /v1/classify/batch` in its three forms, from outside.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Client;
use retoure::limits::Limits;
use serde_json::{Value, json};

use crate::server::{post, server, server_with};

const PATH: &str = "/v1/classify/batch";

const MAIL: &str = "From: MAILER-DAEMON@mx.example.com\r\nSubject: failure notice\r\n\r\n\
    <anna@example.org>:\r\n550 5.1.1 User unknown\r\n";

const COMPLAINT: &str = "From: feedback@mail.example.org\r\nContent-Type: multipart/report; \
    report-type=feedback-report; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
    Feedback-Type: abuse\r\nVersion: 1\r\nOriginal-Rcpt-To: anna@example.org\r\n--b--\r\n";

/// One item of each kind, and some that are wrong.
fn items() -> Vec<Value> {
    vec![
        json!({"id": "a", "reply": "550 5.1.1 <anna@example.org>: User unknown", "command": "RCPT TO"}),
        json!({"id": 7, "reply": "554 5.7.1 blocked using zen.spamhaus.org", "remote_host": "mx.example.org"}),
        json!({"id": "typo", "replyy": "550"}),
        json!({"message": MAIL}),
        json!({"message_base64": STANDARD.encode(COMPLAINT)}),
        json!({"id": "none"}),
        json!({"reply": "250 2.0.0 OK"}),
    ]
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn stream(query: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Vec<Value> {
    let answer = post(&format!("{PATH}{query}"), content_type, body).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    lines(&answer.text().await.unwrap())
}

async fn document(body: &Value) -> Value {
    let answer = post(PATH, "application/json", body.to_string()).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn every_item_has_its_result_in_its_place() {
    let answer = document(&json!({"items": items()})).await;
    let results = answer["results"].as_array().unwrap();
    let ids: Vec<&Value> = results.iter().map(|result| &result["id"]).collect();
    assert_eq!(json!(ids), json!(["a", 7, "typo", null, null, "none", null]));
    let indices: Vec<u64> = results.iter().map(|result| result["index"].as_u64().unwrap()).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(results[0]["verdict"]["type"], "hard");
    assert_eq!(results[0]["verdict"]["reply"]["command"], "RCPT TO");
    assert_eq!(results[1]["verdict"]["category"], "ip_blocklisted");
    assert_eq!(results[3]["report"]["recipients"][0]["recipient"], "anna@example.org");
    assert_eq!(results[4]["report"]["kind"], "complaint");
    assert_eq!(results[6]["verdict"]["kind"], "delivered");
    for (at, pointer, words) in
        [(2, "/items/2/replyy", "unknown field `replyy`"), (5, "/items/5", "nothing to classify; expected `reply`")]
    {
        let problem = &results[at]["problem"];
        assert_eq!(problem["status"], 422);
        assert_eq!(problem["errors"][0]["pointer"], pointer);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
        assert!(["type", "title", "instance"].iter().all(|key| problem[key].is_string()), "{problem}");
    }
}

#[tokio::test]
async fn the_summary_counts_every_verdict() {
    let summary = document(&json!({"items": items()})).await["summary"].clone();
    let counted = json!({
        "items": 7, "verdicts": 5, "problems": 2,
        // Two of seven items: the reply and the mail.
        "hard_bounce_rate": 0.2857,
        "kind": {"bounce": 3, "delay": 0, "delivered": 1, "intermediate": 0, "complaint": 1, "auto_reply": 0, "other": 0},
        "type": {"hard": 2, "soft": 1, "none": 2},
        "group": {"invalid_address": 2, "antispam_block": 1},
        "category": {"ip_blocklisted": 1, "mailbox_not_found": 2},
        "provider": {},
    });
    assert_eq!(summary, counted);
}

#[tokio::test]
async fn lines_are_answered_as_the_document_is() {
    let body: String = items().iter().map(|item| format!("{item}\n")).collect();
    let streamed = stream("?summary=true", "application/x-ndjson", body).await;
    let document = document(&json!({"items": items()})).await;
    let results = document["results"].as_array().unwrap();
    assert_eq!(streamed.len(), results.len() + 1);
    for (line, result) in streamed.iter().zip(results) {
        if result.get("problem").is_none() {
            assert!(line == result, "{line} is not {result}");
        }
    }
    assert_eq!(streamed[2]["problem"]["errors"][0]["pointer"], "/replyy", "of a line, not of a document");
    assert_eq!(streamed.last().unwrap()["summary"], document["summary"]);
}

#[tokio::test]
async fn a_bad_line_is_one_problem_and_the_rest_goes_on() {
    let body = "\r\n{\"id\":\"a\",\"reply\":\"550 5.1.1 User unknown\"}\r\n\n   \nnonsense\n[1]\n\"x\"\n\
        {\"id\":\"\\ud83d\\ude00\",\"reply\":\"421 4.7.0 Try later\",\"x\":1}\n{\"reply\":\"550 \u{fc}\"}";
    let results = stream("", "application/x-ndjson; charset=utf-8", body).await;
    let told: Vec<(u64, u64)> = results
        .iter()
        .map(|result| (result["index"].as_u64().unwrap(), result["problem"]["status"].as_u64().unwrap_or(200)))
        .collect();
    assert_eq!(told, [(0, 200), (1, 400), (2, 422), (3, 422), (4, 422), (5, 200)]);
    assert_eq!(results[4]["id"], "\u{1f600}");
    let mut wrong = b"{\"reply\":\"550 \xff\"}\n".to_vec();
    wrong.extend_from_slice(b"{\"reply\":\"550\"}\n");
    let results = stream("", "application/x-ndjson", wrong).await;
    assert_eq!((&results[0]["problem"]["status"], results[1]["verdict"].is_object()), (&json!(400), true));
}

#[tokio::test]
async fn results_stay_in_order_however_many_there_are() {
    let body: String =
        (0..5_000).map(|n| format!("{{\"id\":{n},\"reply\":\"550 5.1.1 User {n} unknown\"}}\n")).collect();
    let results = stream("?fields=core", "application/x-ndjson", body).await;
    assert_eq!(results.len(), 5_000);
    for (n, result) in results.iter().enumerate() {
        assert_eq!((result["id"].as_u64(), result["index"].as_u64()), (Some(n as u64), Some(n as u64)));
        assert_eq!(result["verdict"]["reply"]["text"], format!("User {n} unknown"));
    }
    let items: Vec<Value> = (0..3_000).map(|n| json!({"id": n, "reply": "550"})).collect();
    let answer = document(&json!({"items": items})).await;
    let ids: Vec<u64> = answer["results"].as_array().unwrap().iter().map(|r| r["id"].as_u64().unwrap()).collect();
    assert!(ids.into_iter().eq(0..3_000));
}

#[tokio::test]
async fn nothing_is_answered_with_nothing() {
    assert!(stream("", "application/x-ndjson", "").await.is_empty());
    assert!(stream("", "application/x-ndjson", "\n \r\n").await.is_empty());
    assert!(stream("", "application/mbox", "").await.is_empty());
    let summary = stream("?summary=true", "application/x-ndjson", "").await;
    assert_eq!(summary[0]["summary"]["items"], 0);
    assert_eq!(summary[0]["summary"]["hard_bounce_rate"], Value::Null);
    let answer = document(&json!({"items": []})).await;
    assert_eq!((&answer["results"], &answer["summary"]["items"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn a_mailbox_is_answered_mail_by_mail() {
    let quoted = MAIL.replace("550 5.1.1 User unknown", "550 5.1.1 User unknown\r\n\r\n>From here\r\n>>From there");
    let mailbox = format!(
        "From MAILER-DAEMON Mon Nov 23 07:12:45 2026\r\n{quoted}\r\nFrom - Mon Nov 23 07:12:46 2026\r\n{COMPLAINT}\r\n"
    );
    for mailbox in [mailbox.clone(), mailbox.replace("\r\n", "\n")] {
        let results = stream("?fields=core", "application/mbox", mailbox).await;
        assert_eq!(results.len(), 2);
        assert_eq!(results[0]["report"]["recipients"][0]["category"], "mailbox_not_found");
        let diagnostic = results[0]["report"]["recipients"][0]["diagnostic"].as_str().unwrap();
        assert!(diagnostic.contains("\n>From there"), "one quote is taken off: {diagnostic:?}");
        assert_eq!((&results[1]["index"], &results[1]["report"]["kind"]), (&json!(1), &json!("complaint")));
    }
    let results = stream("", "application/mbox", "Subject: no mailbox\n\n").await;
    assert_eq!(results[0]["problem"]["status"], 422);
}

#[tokio::test]
async fn what_is_over_a_bound_is_a_problem_and_the_rest_goes_on() {
    let limits = Limits { line_bytes: 1000, mail_bytes: 2000, batch_items: 2, batch_bytes: 5000, ..Limits::default() };
    let (url, _) = server_with(limits);
    let ask = |content_type: &'static str, body: String| {
        let request = Client::new().post(format!("{url}{PATH}")).header("content-type", content_type);
        async move { request.body(body).send().await.unwrap() }
    };
    let line = "{\"reply\":\"550 5.1.1 User unknown\"}";
    let long = "x".repeat(3_000_000);
    let answer = ask("application/x-ndjson", format!("{line}\n{long}\n{line}\n{long}")).await;
    let results = lines(&answer.text().await.unwrap());
    assert_eq!(results.len(), 4);
    assert!(results[0]["verdict"].is_object() && results[2]["verdict"].is_object());
    for at in [1, 3] {
        assert_eq!((&results[at]["index"], &results[at]["problem"]["status"]), (&json!(at), &json!(413)));
    }
    let from = "From MAILER-DAEMON Mon Nov 23 07:12:45 2026\n";
    let answer = ask("application/mbox", format!("{from}{MAIL}\n{from}{long}\n\n{from}{MAIL}\n")).await;
    let results = lines(&answer.text().await.unwrap());
    assert_eq!(results.len(), 3);
    assert_eq!(results[1]["problem"]["status"], 413);
    assert!(results[0]["report"].is_object() && results[2]["report"].is_object());

    let answer = ask("application/json", json!({"items": [{}, {}, {}]}).to_string()).await;
    assert_eq!(answer.status(), 413);
    assert!(answer.text().await.unwrap().contains("more than 2 items; for more, send application/x-ndjson"));
    let answer = ask("application/json", json!({"items": ["x".repeat(6000)]}).to_string()).await;
    assert_eq!(answer.status(), 413);
}

#[tokio::test]
async fn documents_of_another_form_are_refused_whole() {
    for (content_type, body, status, words) in [
        ("application/json", "{\"items\":[{]}", 400, "the body is not JSON"),
        ("application/json", "[]", 422, "is a JSON array; expected an object with `items`"),
        ("application/json", "{}", 422, "missing field `items`"),
        ("application/json", "{\"items\":{}}", 422, "expected an array of items"),
        ("application/json", "{\"items\":[],\"itens\":[]}", 422, "unknown field `itens`"),
        ("text/csv", "", 415, "expected `application/json` or `application/x-ndjson` or `application/mbox`"),
    ] {
        let answer = post(PATH, content_type, body).await;
        assert_eq!(answer.status(), status, "{body}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let text = answer.text().await.unwrap();
        assert!(text.contains(words), "{body}: {text}");
    }
    assert_eq!(post(&format!("{PATH}?fields=most"), "application/json", "{}").await.status(), 422);
    assert_eq!(post(&format!("{PATH}?headers=a%20b"), "application/json", "{}").await.status(), 422);
}

#[tokio::test]
async fn either_form_is_good_enough_in_accept() {
    for (accept, status) in [("application/x-ndjson", 200), ("application/json", 200), ("*/*", 200), ("text/html", 406)]
    {
        let request = Client::new().post(format!("{}{PATH}", server().await)).header("accept", accept);
        let answer = request.header("content-type", "application/x-ndjson").body("{}").send().await.unwrap();
        assert_eq!(answer.status(), status, "{accept}");
    }
}

#[tokio::test]
async fn what_the_caller_knows_stands_in_where_a_mail_tells_nothing() {
    let silent = MAIL.replace("<anna@example.org>:", "Somebody:");
    let result = document(&json!({"items": [
        {"message": silent, "recipient": "ben@example.org"},
        {"message": MAIL, "recipient": "ben@example.org"},
    ]}))
    .await;
    assert_eq!(result["results"][1]["report"]["recipients"][0]["recipient"], "anna@example.org");
    let first = &result["results"][0]["report"]["recipients"];
    assert!(first.as_array().unwrap().iter().all(|one| one["recipient"] == "ben@example.org"), "{first}");
}
