//! What the gate before all routes adds to the document: the keys, and the answers with which it turns callers away.

use serde_json::{Value, json};

/// The answers that any route may give without its own doing.
const ANSWERS: [(&str, &str); 4] = [
    ("401", "There is no key, or a wrong one; only where keys are configured"),
    ("408", "The request did not come in time"),
    ("429", "The caller is over its rate; only where one is configured"),
    ("503", "More is asked than can be answered at once"),
];

/// Adds keys to the whole document, and to every versioned route the answers that the gate gives in its stead.
pub(super) fn add_to(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "A key that the operator has given out"},
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in a field of its own"},
    });
    // The empty one: where no keys are configured, none is needed.
    document["security"] = json!([{"bearer": []}, {"api_key": []}, {}]);
    for (path, operations) in document["paths"].as_object_mut().into_iter().flatten() {
        for operation in operations.as_object_mut().into_iter().flat_map(|operations| operations.values_mut()) {
            if !path.starts_with("/v1/") {
                operation["security"] = json!([]);
                continue;
            }
            let has_body = operation.get("requestBody").is_some();
            let Some(responses) = operation["responses"].as_object_mut() else { continue };
            for (status, description) in ANSWERS {
                if (has_body || status != "408") && !responses.contains_key(status) {
                    responses.insert(status.to_owned(), answer(status, description));
                }
            }
            responses.sort_keys();
        }
    }
}

fn answer(status: &str, description: &str) -> Value {
    let mut answer = json!({
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    match status {
        "401" => {
            answer["headers"] = json!({"WWW-Authenticate": {
                "description": "How a key is shown", "schema": {"type": "string"}, "example": "Bearer realm=\"retoure\"",
            }});
        }
        "429" | "503" => {
            answer["headers"] = json!({"Retry-After": {
                "description": "Seconds after which to come back", "schema": {"type": "integer"}, "example": 1,
            }});
        }
        _ => {}
    }
    answer
}
