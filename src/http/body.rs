//! Reading what is to be classified out of a request, and saying precisely what is wrong with it.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use http_body_util::Limited;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AppState, Problem};
use crate::smtp::Command;

/// A reply to classify, and what is known besides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplyRequest {
    /// What the server said: one line or many, bare or inside a log line.
    #[schema(example = "550 5.1.1 <anna@example.org>: Recipient address rejected: User unknown", min_length = 1)]
    pub(super) reply: String,
    /// The address the message was for.
    #[schema(example = "anna@example.org")]
    pub(super) recipient: Option<String>,
    /// The host that answered.
    #[schema(example = "mx.example.org")]
    pub(super) remote_host: Option<String>,
    /// The command it answered.
    #[serde(default, deserialize_with = "command")]
    #[schema(value_type = Option<Command>, example = "RCPT TO")]
    pub(super) command: Option<Command>,
}

fn command<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Command>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    // What was sent is not repeated: error details hold nothing of what callers pass on.
    let wrong = |_| serde::de::Error::custom(format!("unknown command, expected one of {}", Command::names()));
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

impl FromRequest<AppState> for ReplyRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let form = Form::of(&request)?;
        let limits = state.limits();
        // JSON may write each byte as six (`\u0041`), and adds names and the other fields.
        let most = match form {
            Form::Text => limits.reply_bytes,
            Form::Json => limits.reply_bytes * 6 + limits.field_bytes * 4,
        };
        let bytes =
            read(request, most).await.map_err(|problem| problem.unwrap_or_else(|| too_large(limits.reply_bytes)))?;
        let asked = match form {
            Form::Text => Self { reply: text(&bytes)?, recipient: None, remote_host: None, command: None },
            Form::Json => json(&bytes)?,
        };
        asked.check(form, limits.reply_bytes, limits.field_bytes)
    }
}

impl ReplyRequest {
    fn check(self, form: Form, reply_bytes: usize, field_bytes: usize) -> Result<Self, Problem> {
        let wrong = |detail: &str| match form {
            Form::Json => Problem::field("/reply", detail),
            Form::Text => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
        };
        if self.reply.trim().is_empty() {
            return Err(wrong("the reply is empty; expected what the server said, such as `550 5.1.1 User unknown`"));
        }
        if self.reply.contains('\0') {
            return Err(wrong("the reply holds a NUL character; expected text (RFC 5321 §4.2)"));
        }
        if self.reply.len() > reply_bytes {
            return Err(too_large(reply_bytes));
        }
        let fields = [("/recipient", &self.recipient), ("/remote_host", &self.remote_host)];
        let too_long = |value: &Option<String>| value.as_ref().is_some_and(|value| value.len() > field_bytes);
        if let Some((pointer, _)) = fields.into_iter().find(|(_, value)| too_long(value)) {
            return Err(Problem::field(
                pointer,
                format!("longer than {field_bytes} bytes; expected a name or an address"),
            ));
        }
        Ok(self)
    }
}

/// The two forms in which a reply may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

impl Form {
    fn of(request: &Request) -> Result<Self, Problem> {
        const EXPECTED: &str = "expected `application/json` or `text/plain`";
        let refused = |what: String| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        let Some(value) = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
            return refused(format!("there is no usable Content-Type; {EXPECTED}"));
        };
        let mut parts = value.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.find_map(|p| {
            p.to_ascii_lowercase().strip_prefix("charset=").map(|name| name.trim_matches('"').to_owned())
        });
        if charset.is_some_and(|name| !matches!(name.as_str(), "utf-8" | "utf8" | "us-ascii")) {
            return refused("the text is not in UTF-8; expected `charset=utf-8` or none".to_owned());
        }
        match media.as_str() {
            "text/plain" => Ok(Self::Text),
            "application/json" => Ok(Self::Json),
            "application/x-www-form-urlencoded" => refused(format!(
                "the Content-Type is that of a form, which curl sends by itself; {EXPECTED}, as with -H 'content-type: text/plain'"
            )),
            _ => refused(format!("the Content-Type is not one that a reply comes in; {EXPECTED}")),
        }
    }
}

/// The whole body; `Err(None)` where it is more than `most` bytes.
async fn read(request: Request, most: usize) -> Result<Bytes, Option<Problem>> {
    let (parts, body) = request.into_parts();
    let declared = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > most as u64) {
        return Err(None);
    }
    let limited = Request::from_parts(parts, Body::new(Limited::new(body, most)));
    Bytes::from_request(limited, &()).await.map_err(|rejection| {
        let broke_off = "the body broke off; expected as many bytes as were announced";
        (rejection.status() != StatusCode::PAYLOAD_TOO_LARGE).then(|| Problem::new(StatusCode::BAD_REQUEST, broke_off))
    })
}

fn too_large(most: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the reply is longer than {most} bytes; expected one server's reply"),
    )
}

fn text(bytes: &[u8]) -> Result<String, Problem> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let detail = format!("the body is not UTF-8: byte {} is wrong; expected UTF-8 text", error.valid_up_to());
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// A JSON object of the form `T`. What is no JSON is a 400; what is JSON of another form, a 422 with a pointer to it.
fn json<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: byte {} is no UTF-8", error.valid_up_to()))
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // A struct would also be read from an array, field by field; that is never meant.
    if text.trim_start().starts_with('[') {
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| no_json(&error))?;
        return Err(Problem::field(
            "",
            "the body is a JSON array; expected an object with `reply`, such as {\"reply\": \"550 5.1.1 User unknown\"}",
        ));
    }
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path: String = error.path().iter().map(|segment| format!("/{segment}")).collect();
        let error = error.into_inner();
        if error.is_data() { Problem::field(pointer(&path, &error), without_place(&error)) } else { no_json(&error) }
    })?;
    deserializer.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

fn no_json(error: &serde_json::Error) -> Problem {
    let place = format!("line {}, column {}", error.line(), error.column());
    Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: {} ({place})", without_place(error)))
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
