//! Reading JSON from outside, and saying precisely what is wrong with it without repeating what it held.

use serde::{Deserialize, de::IgnoredAny};

use super::{Fault, FaultKind};

/// A JSON object of the form `T`; `what` it is that is read ("the body"), and what was `expected` in it.
///
/// # Errors
/// What is no JSON is malformed; what is JSON of another form is wrong, with a pointer to it.
pub fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8], what: &str, expected: &str) -> Result<T, Fault> {
    let no_json = |error: &serde_json::Error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Fault::new(FaultKind::Malformed, format!("{what} is not JSON: {} ({place})", without_place(error)))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Fault::new(FaultKind::Malformed, format!("{what} is not JSON: byte {} is no UTF-8", error.valid_up_to()))
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // A struct would also be read from an array, field by field; that is never meant.
    if text.trim_start().starts_with('[') {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| no_json(&error))?;
        return Err(Fault::field("", format!("{what} is a JSON array; expected an object with {expected}")));
    }
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path: String = error.path().iter().map(|segment| format!("/{segment}")).collect();
        let error = error.into_inner();
        if error.is_data() { Fault::field(pointer(&path, &error), without_place(&error)) } else { no_json(&error) }
    })?;
    deserializer.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

/// An unknown key is named in the message only.
fn pointer(path: &str, error: &serde_json::Error) -> String {
    let message = error.to_string();
    let key = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')).map(|(key, _)| key);
    match key {
        Some(key) if !path.ends_with(&format!("/{key}")) => {
            format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
        }
        _ if path == "/." => String::new(),
        _ => path.to_owned(),
    }
}

/// The parser's message without its place and without the value it met, which may be somebody's address.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    match (message.starts_with("invalid "), message.rsplit_once(", expected ")) {
        (true, Some((_, expected))) => format!("wrong type; expected {expected}"),
        _ => message.to_owned(),
    }
}
