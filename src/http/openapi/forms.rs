//! What the types alone do not tell of a request's form: patterns, and keys of which exactly one is expected. A client made from
//! the document then refuses by itself what the service would refuse; `.ci/specification` has machine-made requests prove it.

use serde_json::{Value, json};

/// Query parameters by name, with what their schema lacks.
fn parameter(name: &str) -> Option<Value> {
    Some(match name {
        // RFC 5646 §2.1, as `language::is_tag` reads it.
        "lang" => json!({"pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"}),
        "cursor" => json!({"pattern": "^[0-9]{1,9}$"}),
        "q" => json!({"maxLength": 200}),
        "headers" => json!({"pattern": "^( *[!-+.-9;-~-]{0,128} *)(, *[!-+.-9;-~-]{0,128} *){0,31}$"}),
        _ => return None,
    })
}

/// A mail comes in exactly one of these. A batch's items are not held to such things: a wrong one is a problem in its place.
const MAIL_KEYS: [&str; 2] = ["message", "message_base64"];

/// No reply is blank or holds NUL (RFC 5321 §4.2).
const REPLY: &str = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$";
/// No mail is blank.
const MAIL: &str = "[^ \\t\\r\\n\\f]";

/// Adds all of it.
pub(super) fn add_to(document: &mut Value) {
    for operations in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        for operation in operations.as_object_mut().into_iter().flat_map(|operations| operations.values_mut()) {
            let given = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for given in given.into_iter().flatten() {
                if let Some(more) = given["name"].as_str().and_then(parameter) {
                    merge(&mut given["schema"], &more);
                }
            }
            for (media, pattern) in [("/text~1plain", REPLY), ("/message~1rfc822", MAIL)] {
                if let Some(schema) = operation.pointer_mut(&format!("/requestBody/content{media}/schema")) {
                    merge(schema, &json!({"pattern": pattern}));
                }
            }
        }
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    if let Some(schema) = schemas.get_mut("MessageRequest") {
        let one = |key: &&str| json!({"required": [key], "properties": {*key: {"type": "string"}}});
        schema["oneOf"] = MAIL_KEYS.iter().map(one).collect();
    }
    for name in ["ReplyRequest", "MessageRequest"] {
        let Some(properties) = schemas.get_mut(name).and_then(|schema| schema.get_mut("properties")) else { continue };
        for (key, more) in [
            ("reply", json!({"pattern": REPLY, "maxLength": 65536})),
            ("message", json!({"pattern": MAIL})),
            ("message_base64", json!({"contentEncoding": "base64", "format": "byte", "minLength": 1})),
            ("recipient", json!({"maxLength": 512})),
            ("remote_host", json!({"maxLength": 512})),
        ] {
            if let Some(property) = properties.get_mut(key) {
                merge(property, &more);
            }
        }
    }
}

fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}
