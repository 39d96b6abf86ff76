//! That each line of an NDJSON answer is what the specification says: the tool that tests it reads no lines (`.ci/specification`).

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use retoure::{catalog::Catalog, http::openapi};
use serde_json::{Map, Value, json};

use crate::server::post;

/// Checks values by what our own document uses of JSON Schema (draft 2020-12).
struct Specification(Value);

impl Specification {
    /// What is wrong with `value`, and where; keys that are not specified as well.
    fn faults(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let known = self.known(schema);
        let keys = value.as_object().into_iter().flat_map(Map::keys);
        let unknown = keys.filter(|key| !known.is_empty() && !known.contains(&key.as_str()));
        let unknown = unknown.map(|key| format!("{at}: {key} is not specified"));
        self.against(schema, value, at).into_iter().chain(unknown).collect()
    }

    /// What is wrong with `value`, which may have more keys than these.
    fn against(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut faults = Vec::new();
        for (keyword, wanted) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "$ref" => faults.extend(self.against(self.referred(wanted), value, at)),
                "allOf" => {
                    faults.extend(wanted.as_array().unwrap().iter().flat_map(|each| self.against(each, value, at)));
                }
                "oneOf" => {
                    let each: Vec<_> =
                        wanted.as_array().unwrap().iter().map(|each| self.faults(each, value, at)).collect();
                    if each.iter().filter(|faults| faults.is_empty()).count() != 1 {
                        faults.push(format!("{at}: not exactly one of these: {each:?}"));
                    }
                }
                "type" if !is_type(wanted, value) => faults.push(format!("{at}: not of type {wanted}: {value}")),
                "enum" if !wanted.as_array().unwrap().contains(value) => faults.push(format!("{at}: {value} is new")),
                "minimum" if value.is_number() && value.as_f64() < wanted.as_f64() => {
                    faults.push(format!("{at}: {value} is too small"));
                }
                "maximum" if value.is_number() && value.as_f64() > wanted.as_f64() => {
                    faults.push(format!("{at}: {value} is too large"));
                }
                "required" => {
                    let missing =
                        wanted.as_array().unwrap().iter().filter(|key| value.get(key.as_str().unwrap()).is_none());
                    faults.extend(missing.map(|key| format!("{at}: {key} is missing")));
                }
                "properties" => {
                    for (key, schema) in wanted.as_object().unwrap() {
                        if let Some(value) = value.get(key) {
                            faults.extend(self.faults(schema, value, &format!("{at}/{key}")));
                        }
                    }
                }
                "items" => {
                    for (number, value) in value.as_array().into_iter().flatten().enumerate() {
                        faults.extend(self.faults(wanted, value, &format!("{at}/{number}")));
                    }
                }
                _ => {}
            }
        }
        faults
    }

    /// The keys that an object of this schema may have; none where it may have any.
    fn known<'a>(&'a self, schema: &'a Value) -> Vec<&'a str> {
        let own = schema["properties"].as_object().into_iter().flat_map(Map::keys).map(String::as_str);
        let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| self.known(part));
        let referred = schema.get("$ref").into_iter().flat_map(|name| self.known(self.referred(name)));
        own.chain(parts).chain(referred).collect()
    }

    fn referred(&self, name: &Value) -> &Value {
        self.0.pointer(name.as_str().unwrap().strip_prefix('#').unwrap()).unwrap()
    }
}

fn is_type(wanted: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    };
    wanted.as_array().map_or_else(|| is(wanted), |any| any.iter().any(is))
}

/// Replies, mails and lines that are wrong.
fn questions() -> String {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let replies = fs::read_to_string(tests.join("labelled/replies.jsonl")).unwrap();
    let replies = replies.lines().step_by(5).map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        json!({ "id": 7, "reply": line["text"], "recipient": "anna@example.org", "remote_host": "mx.example.org" })
            .to_string()
    });
    let mails = fs::read_dir(tests.join("reports")).unwrap().map(|file| file.unwrap().path());
    let mails = mails.filter(|file| file.extension().is_some_and(|extension| extension == "eml")).map(|file| {
        json!({ "id": "a mail", "message_base64": BASE64_STANDARD.encode(fs::read(file).unwrap()) }).to_string()
    });
    let wrong = ["{", "[]", "{\"reply\":\"\"}", "{\"reply\":\"550\",\"comand\":\"x\"}", "{\"message_base64\":\"?\"}"];
    replies.chain(mails).chain(wrong.map(str::to_owned)).map(|line| line + "\n").collect()
}

#[tokio::test]
async fn each_line_of_an_answer_is_as_specified() {
    let specification = Specification(openapi::document(&Catalog::built_in().unwrap()));
    let pointer = "/paths/~1v1~1classify~1batch/post/responses/200/content/application~1x-ndjson/schema";
    let schema = specification.0.pointer(pointer).unwrap();
    let questions = questions();
    for query in ["", "?fields=core&headers=X-Campaign-Id", "?lang=de"] {
        let path = format!("/v1/classify/batch{query}");
        let answer = post(&path, "application/x-ndjson", questions.clone()).await.text().await.unwrap();
        assert_eq!(answer.lines().count(), questions.lines().count());
        for line in answer.lines() {
            let faults = specification.faults(schema, &serde_json::from_str(line).unwrap(), "");
            assert!(faults.is_empty(), "{faults:#?} in {line}");
        }
    }
    assert!(!specification.faults(schema, &json!({ "index": -1, "problem": { "detail": 3 } }), "").is_empty());
}
