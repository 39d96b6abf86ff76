//! The README's calls answer what is printed there. `UPDATE_README=1 cargo test --test readme` writes the answers anew.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use std::path::Path;

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use retoure::{
    catalog::{Catalog, Kind},
    http::{AppState, app},
    limits::Limits,
};
use serde_json::Value;
use tower::ServiceExt;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const CALL: &str = "```console\n$ curl ";
const ANSWER: &str = "```json\n";

#[tokio::test]
async fn the_calls_answer_as_printed() {
    let readme = std::fs::read_to_string(README).unwrap();
    let mut rewritten = String::new();
    let mut rest = readme.as_str();
    let mut calls = 0;
    while let Some(at) = rest.find(CALL) {
        let (before, after) = rest.split_at(at + CALL.len());
        let (call, after) = after.split_once("```").unwrap();
        let (between, after) = after.split_once(ANSWER).unwrap();
        let (printed, after) = after.split_once("\n```").unwrap();
        let answer = ask(&words(call.trim())).await;
        if std::env::var_os("UPDATE_README").is_none() {
            let printed: Value = serde_json::from_str(printed).unwrap();
            assert!(
                printed == answer,
                "the README's answer to `curl {call}` is old; run UPDATE_README=1 cargo test --test readme"
            );
        }
        rewritten.push_str(&format!("{before}{call}```{between}{ANSWER}{answer:#}\n```"));
        rest = after;
        calls += 1;
    }
    rewritten.push_str(rest);
    assert!(calls >= 3, "{calls} calls were found");
    if rewritten != readme && std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(README, rewritten).unwrap();
    }
}

/// Splits a command line as a shell would, as far as the README needs it.
fn words(call: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in call.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

async fn ask(words: &[String]) -> Value {
    let mut request = Request::builder();
    let mut body: Option<Vec<u8>> = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => {}
            "-H" => {
                let (name, value) = words.next().unwrap().split_once(": ").unwrap();
                request = request.header(name, value);
            }
            "--data" => body = Some(words.next().unwrap().clone().into_bytes()),
            "--data-binary" => {
                let file = words.next().unwrap().strip_prefix('@').unwrap();
                body = Some(std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap());
            }
            url => request = request.uri(url.strip_prefix("localhost:8080").unwrap()),
        }
    }
    let method = if body.is_some() { "POST" } else { "GET" };
    let request = request.method(method).body(Body::from(body.unwrap_or_default())).unwrap();
    let state = AppState::new(Catalog::built_in().unwrap(), Limits::default());
    let answer = app(state).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[test]
fn every_dialect_is_named() {
    let readme: String = std::fs::read_to_string(README).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let catalog = Catalog::built_in().unwrap();
    let reports = catalog.dialects().iter().filter(|dialect| dialect.kind == Kind::Bounce && !dialect.is_generic());
    let missing: Vec<&str> =
        reports.map(|dialect| dialect.name.as_str()).filter(|name| !readme.contains(name)).collect();
    assert!(missing.is_empty(), "the README does not name {missing:?}");
}
