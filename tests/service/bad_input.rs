//! Bad input: each its own status and a sentence that says what was expected, and never a 500.

use crate::server::{get, post, server};
use reqwest::{Client, Response};
use serde_json::Value;

/// Whether an answer is a problem of this status whose detail holds these words.
async fn is_problem(answer: Response, status: u16, words: &str, what: &str) {
    assert_eq!(answer.status(), status, "{what}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{what}");
    assert!(
        answer.headers().contains_key("x-request-id") && answer.headers().contains_key("catalog-version"),
        "{what}"
    );
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], status, "{what}");
    assert!(problem["title"].is_string() && problem["type"].is_string(), "{what}");
    assert!(problem["instance"].as_str().unwrap().starts_with('/'), "{what}: {problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(words), "{what}: {detail:?} does not say {words:?}");
}

#[tokio::test]
async fn bodies_that_are_wrong() {
    const REPLY: &str = "/v1/classify/reply";
    const JSON: &str = "application/json";
    const TEXT: &str = "text/plain";
    let a_mebibyte = vec![b'A'; 1 << 20];
    let rows: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        (TEXT, b"".to_vec(), 422, "the reply is empty; expected"),
        (TEXT, b" \r\n".to_vec(), 422, "the reply is empty; expected"),
        (JSON, b"".to_vec(), 400, "the body is not JSON"),
        (TEXT, a_mebibyte.clone(), 413, "longer than 65536 bytes; expected"),
        (JSON, [br#"{"reply":""#.as_slice(), &a_mebibyte, br#""}"#].concat(), 413, "longer than 65536 bytes; expected"),
        (TEXT, b"550 User\0unknown".to_vec(), 422, "NUL character; expected text"),
        (JSON, br#"{"reply":"550 User\u0000unknown"}"#.to_vec(), 422, "NUL character; expected text"),
        (TEXT, b"550 Gr\xfc\xdfe".to_vec(), 400, "byte 6 is wrong; expected UTF-8"),
        (JSON, b"{\"reply\":\"550 Gr\xfc\xdfe\"}".to_vec(), 400, "byte 16 is no UTF-8"),
        (JSON, br#"[{"reply":"550"}]"#.to_vec(), 422, "is a JSON array; expected an object with `reply`"),
        (JSON, br#"["550 5.1.1 User unknown"]"#.to_vec(), 422, "is a JSON array; expected an object with `reply`"),
        (JSON, br#"{"replyy":"550"}"#.to_vec(), 422, "unknown field `replyy`, expected one of `reply`"),
        (JSON, br#"{"reply":"550","recipent":"x"}"#.to_vec(), 422, "unknown field `recipent`"),
        (JSON, br#"{}"#.to_vec(), 422, "missing field `reply`"),
        (JSON, br#"{"reply":550}"#.to_vec(), 422, "wrong type; expected a string"),
        (JSON, br#"{"reply":"550","command":"SEND"}"#.to_vec(), 422, "unknown command, expected one of \"CONNECT\""),
        (JSON, br#"{"reply":"550"} trailing"#.to_vec(), 400, "the body is not JSON"),
        (JSON, br#"{"reply":"550""#.to_vec(), 400, "the body is not JSON"),
        (JSON, br#"{"reply":"  "}"#.to_vec(), 422, "the reply is empty; expected"),
        (JSON, br#""550""#.to_vec(), 422, "wrong type; expected"),
        ("image/png", b"550".to_vec(), 415, "expected `application/json` or `text/plain`"),
        ("application/x-www-form-urlencoded", b"550".to_vec(), 415, "which curl sends by itself; expected"),
        ("text/plain; charset=iso-8859-1", b"550".to_vec(), 415, "not in UTF-8; expected"),
    ];
    for (content_type, body, status, words) in rows {
        let what = format!("{content_type}: {}", String::from_utf8_lossy(&body[..body.len().min(60)]));
        is_problem(post(REPLY, content_type, body).await, status, words, &what).await;
    }
    let untyped = Client::new().post(format!("{}{REPLY}", server().await)).body("550").send().await.unwrap();
    is_problem(untyped, 415, "no usable Content-Type; expected", "no content type").await;
}

#[tokio::test]
async fn a_wrong_field_is_pointed_at() {
    for (body, pointer) in [
        (r#"{"replyy":"550"}"#, "/replyy"),
        (r#"{"reply":550}"#, "/reply"),
        (r#"{"reply":"550","command":"SEND"}"#, "/command"),
        (r#"{"reply":" "}"#, "/reply"),
    ] {
        let problem: Value = post("/v1/classify/reply", "application/json", body).await.json().await.unwrap();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    let long = format!(r#"{{"reply":"550","recipient":"{}"}}"#, "a".repeat(600));
    let problem: Value = post("/v1/classify/reply", "application/json", long).await.json().await.unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/recipient");
}

#[tokio::test]
async fn details_never_repeat_what_was_sent() {
    for body in [
        r#"{"reply":["anna@example.org"]}"#,
        r#"{"reply":"550","command":"anna@example.org"}"#,
        r#"{"reply":"550","recipient":{"anna@example.org":1}}"#,
        r#""anna@example.org""#,
    ] {
        let answer = post("/v1/classify/reply", "application/json", body).await;
        assert_eq!(answer.status(), 422, "{body}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("anna"), "{body}: {text}");
    }
}

#[tokio::test]
async fn paths_methods_and_parameters_that_are_wrong() {
    for (path, status, words) in [
        ("/nowhere", 404, "nothing at this path; GET /openapi.json"),
        ("/v1/codes/", 404, "nothing at this path"),
        ("/v1/codes/999999", 404, "is not a code; expected a reply code such as 550"),
        ("/v1/codes/599", 404, "599 is not in the catalogue"),
        ("/v1/codes/5.7.999", 404, "See /v1/codes/5.7.0"),
        ("/v1/codes/550-5.7.999", 404, "5.7.999 is not in the catalogue"),
        ("/v1/codes/7xx", 404, "there is no class 7; expected"),
        ("/v1/codes/%00", 404, "is not a code"),
        ("/v1/codes/%FF", 400, ""),
        ("/v1/categories/nonsense", 404, "there is no such category; GET /v1/categories"),
        ("/v1/codes?clas=5", 422, "unknown field `clas`"),
        ("/v1/codes?class=x", 422, "the query string is wrong"),
        ("/v1/codes?class=0", 422, "expected 1 to 9"),
        ("/v1/codes?limit=0", 422, "expected 1 to 500"),
        ("/v1/codes?cursor=abc", 422, "`cursor` is none of this list"),
        ("/v1/codes?kind=funny", 422, "unknown variant"),
        ("/v1/codes/550?lang=d_e", 422, "not a language tag"),
        ("/v1/classify/reply", 405, "GET is not possible here; expected POST"),
    ] {
        is_problem(get(path).await, status, words, path).await;
    }
    let answer = Client::new().delete(format!("{}/v1/codes/550", server().await)).send().await.unwrap();
    assert_eq!(answer.headers()["allow"], "GET,HEAD");
    is_problem(answer, 405, "DELETE is not possible here; expected GET", "DELETE").await;
    let answer = post("/v1/classify/reply?fields=most", "text/plain", "550").await;
    is_problem(answer, 422, "unknown variant", "fields=most").await;
}

#[tokio::test]
async fn an_accept_that_rules_out_json() {
    for (method, path) in [("GET", "/v1/codes/550"), ("POST", "/v1/classify/reply")] {
        let request = Client::new().request(method.parse().unwrap(), format!("{}{path}", server().await));
        let answer = request
            .header("accept", "image/png")
            .header("content-type", "text/plain")
            .body("550")
            .send()
            .await
            .unwrap();
        is_problem(answer, 406, "expected `application/json`", path).await;
    }
}

#[tokio::test]
async fn the_callers_request_id_is_kept() {
    let ask = |id: String| async move {
        let request = Client::new().get(format!("{}/livez", server().await)).header("x-request-id", id);
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(ask("bounce-4711".to_owned()).await, "bounce-4711");
    let (first, second) = (ask("x".repeat(500)).await, ask("x".repeat(500)).await);
    assert!(first.len() < 100 && first != second, "an endless id is replaced by one of our own");
}
