//! The specification that is checked in is the one the code makes, and everything in it has an example.

#![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

use retoure::{catalog::Catalog, http::openapi};
use serde_json::Value;

fn document() -> Value {
    openapi::document(&Catalog::built_in().unwrap())
}

#[test]
fn the_checked_in_specification_is_up_to_date() {
    let checked_in: Value = serde_json::from_str(include_str!("../openapi/openapi.json")).unwrap();
    assert!(
        checked_in == document(),
        "openapi/openapi.json is stale; run: cargo run -- openapi > openapi/openapi.json"
    );
}

#[test]
fn every_operation_and_every_schema_has_an_example() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{what} has a summary");
            for (status, response) in operation["responses"].as_object().unwrap() {
                for (media, content) in response["content"].as_object().into_iter().flatten() {
                    assert!(!content["example"].is_null(), "{what}: {status} {media}");
                }
            }
            for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                assert!(!content["example"].is_null(), "{what}: request {media}");
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let examples = schema["examples"].as_array();
        assert!(
            examples.is_some_and(|examples| examples.iter().all(|example| !example.is_null())),
            "schema {name}: {schema:#}"
        );
    }
}
