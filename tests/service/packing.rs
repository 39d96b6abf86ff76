//! Packed requests and answers, from outside.

use async_compression::tokio::bufread::{GzipDecoder, GzipEncoder, ZstdDecoder, ZstdEncoder};
use reqwest::{Client, Response};
use retoure::limits::Limits;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::server::{server, server_with};

const REPLY: &str = "550 5.1.1 <anna@example.org>: User unknown";

async fn packed(coding: &str, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "gzip" => GzipEncoder::new(text).read_to_end(&mut out).await.unwrap(),
        _ => ZstdEncoder::new(text).read_to_end(&mut out).await.unwrap(),
    };
    out
}

async fn unpacked(answer: Response) -> Value {
    let coding = answer.headers()["content-encoding"].to_str().unwrap().to_owned();
    assert!(!answer.headers().contains_key("content-length"));
    let bytes = answer.bytes().await.unwrap();
    let mut text = Vec::new();
    match coding.as_str() {
        "gzip" => GzipDecoder::new(bytes.as_ref()).read_to_end(&mut text).await.unwrap(),
        _ => ZstdDecoder::new(bytes.as_ref()).read_to_end(&mut text).await.unwrap(),
    };
    serde_json::from_slice(&text).unwrap()
}

async fn post(url: &str, path: &str, content_type: &str, coding: &str, body: Vec<u8>) -> Response {
    let request = Client::new().post(format!("{url}{path}")).header("content-type", content_type);
    request.header("content-encoding", coding).body(body).send().await.unwrap()
}

#[tokio::test]
async fn every_route_takes_packed_bodies() {
    let mail = "From: MAILER-DAEMON@mx.example.com\r\nSubject: failure notice\r\n\r\n<anna@example.org>:\r\n550 No\r\n";
    let batch = json!({"items": [{"reply": REPLY}]}).to_string();
    for coding in ["gzip", "zstd"] {
        for (path, content_type, body) in [
            ("/v1/classify/reply", "text/plain", REPLY),
            ("/v1/classify/message", "message/rfc822", mail),
            ("/v1/classify/batch", "application/json", batch.as_str()),
            ("/v1/classify/batch", "application/x-ndjson", r#"{"reply":"550"}"#),
        ] {
            let answer = post(server().await, path, content_type, coding, packed(coding, body.as_bytes()).await).await;
            assert_eq!(answer.status(), 200, "{coding} {content_type}");
            let text = answer.text().await.unwrap();
            assert!(text.contains("\"kind\":\"bounce\""), "{coding} {content_type}: {text}");
        }
    }
    // Two files, one after the other, are one.
    let two = [packed("gzip", b"550 5.1.1 ").await, packed("gzip", b"User unknown").await].concat();
    let answer = post(server().await, "/v1/classify/reply", "text/plain", "gzip", two).await;
    assert_eq!(answer.json::<Value>().await.unwrap()["reply"]["text"], "User unknown");
}

#[tokio::test]
async fn answers_and_problems_are_packed_for_who_asks() {
    for coding in ["gzip", "zstd"] {
        let ask = |body: &'static str| async move {
            let request = Client::new().post(format!("{}/v1/classify/reply", server().await));
            request
                .header("content-type", "text/plain")
                .header("accept-encoding", coding)
                .body(body)
                .send()
                .await
                .unwrap()
        };
        assert_eq!(unpacked(ask(REPLY).await).await["category"], "mailbox_not_found");
        let problem = ask("").await;
        assert_eq!(problem.status(), 422);
        assert_eq!(problem.headers()["content-type"], "application/problem+json");
        assert_eq!(unpacked(problem).await["status"], 422);
    }
    let request = Client::new().get(format!("{}/v1/codes/550", server().await)).header("accept-encoding", "gzip");
    let answer = request.send().await.unwrap();
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = Client::new().get(format!("{}/v1/codes/550", server().await)).header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
}

#[tokio::test]
async fn what_is_small_packed_and_huge_unpacked_is_bounded() {
    let huge = vec![b'5'; 100 << 20];
    let (url, _) = server_with(Limits { line_bytes: 1000, ..Limits::default() });
    for coding in ["gzip", "zstd"] {
        let bomb = packed(coding, &huge).await;
        assert!(bomb.len() < 200_000);
        for (path, content_type) in [
            ("/v1/classify/reply", "text/plain"),
            ("/v1/classify/reply", "application/json"),
            ("/v1/classify/message", "message/rfc822"),
            ("/v1/classify/batch", "application/json"),
        ] {
            let answer = post(&url, path, content_type, coding, bomb.clone()).await;
            assert_eq!(answer.status(), 413, "{coding} {path} {content_type}");
        }
        let answer = post(&url, "/v1/classify/batch", "application/x-ndjson", coding, bomb).await;
        let result: Value = answer.json().await.unwrap();
        assert_eq!(result["problem"]["status"], 413, "{coding}");
    }
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_told() {
    let whole = packed("gzip", REPLY.as_bytes()).await;
    let cut = whole[..whole.len() - 6].to_vec();
    for (coding, body, status, words) in [
        ("gzip", b"550 5.1.1 User unknown".to_vec(), 400, "cannot be unpacked"),
        ("zstd", b"550 5.1.1 User unknown".to_vec(), 400, "cannot be unpacked"),
        ("gzip", cut, 400, "cannot be unpacked"),
        ("br", b"550".to_vec(), 415, "expected `gzip`, `zstd`, or none"),
        ("gzip, gzip", whole, 415, "expected `gzip`, `zstd`, or none"),
        ("identity", b"550".to_vec(), 200, "bounce"),
    ] {
        let answer = post(server().await, "/v1/classify/reply", "text/plain", coding, body).await;
        assert_eq!(answer.status(), status, "{coding}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(words), "{coding}: {text}");
    }
    // In a stream the answer has begun before anything is known to be wrong.
    let mut broken = packed("gzip", b"{\"reply\":\"550\"}\n").await;
    broken.extend_from_slice(b"junk");
    let answer = post(server().await, "/v1/classify/batch", "application/x-ndjson", "gzip", broken).await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["verdict"].is_object());
    assert_eq!((&lines[1]["problem"]["status"], lines.len()), (&json!(400), 2));
}
