//! Reading what is to be classified out of a request, and saying precisely what is wrong with it.

use axum::{
    body::HttpBody,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{AppState, Problem, memory::Reserved};
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
        let form = Form::of(&request, "text/plain")?;
        let limits = state.limits();
        // JSON may write each byte as six (`\u0041`), and adds names and the other fields.
        let most = match form {
            Form::Plain => limits.reply_bytes,
            Form::Json => limits.reply_bytes * 6 + limits.field_bytes * 4,
        };
        let (bytes, _room) = read(request, most, state)
            .await
            .map_err(|problem| problem.unwrap_or_else(|| reply_too_large(limits.reply_bytes)))?;
        let asked = match form {
            Form::Plain => Self { reply: text(&bytes)?, recipient: None, remote_host: None, command: None },
            Form::Json => json(&bytes, "`reply`, such as {\"reply\": \"550 5.1.1 User unknown\"}")?,
        };
        asked.check(form, limits.reply_bytes, limits.field_bytes)
    }
}

/// A mail to classify: as text, or, where it is not UTF-8, in base64.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageRequest)]
pub(super) struct MessageFields {
    /// The mail as text.
    #[schema(
        example = "From: MAILER-DAEMON@mx.example.com\r\nSubject: failure notice\r\n\r\n<anna@example.org>:\r\n550 5.1.1 User unknown\r\n"
    )]
    message: Option<String>,
    /// The mail's bytes in base64 (RFC 4648 §4); line breaks in it do not matter.
    message_base64: Option<String>,
}

/// The raw bytes of a mail to classify.
#[derive(Debug)]
pub(super) struct MessageRequest {
    pub(super) mail: Vec<u8>,
    /// The room that it takes, until it is done with.
    pub(super) room: Reserved,
}

impl FromRequest<AppState> for MessageRequest {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let form = Form::of(&request, "message/rfc822")?;
        let most_mail = state.limits().mail_bytes;
        let most = match form {
            Form::Plain => most_mail,
            Form::Json => most_mail.saturating_mul(2),
        };
        let (bytes, room) =
            read(request, most, state).await.map_err(|problem| problem.unwrap_or_else(|| mail_too_large(most_mail)))?;
        let mail = match form {
            Form::Plain => bytes,
            Form::Json => json::<MessageFields>(&bytes, "`message` or `message_base64`")?.mail()?,
        };
        if mail.len() > most_mail {
            return Err(mail_too_large(most_mail));
        }
        if mail.iter().all(u8::is_ascii_whitespace) {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the mail is empty; expected its header and its body",
            ));
        }
        Ok(Self { mail, room })
    }
}

impl MessageFields {
    fn mail(self) -> Result<Vec<u8>, Problem> {
        match (self.message, self.message_base64) {
            (Some(text), None) => Ok(text.into_bytes()),
            (None, Some(text)) => {
                let packed: String = text.split_ascii_whitespace().collect();
                STANDARD.decode(packed).map_err(|_| {
                    let detail = "`message_base64` is no base64; expected the alphabet of RFC 4648 §4 with its padding";
                    Problem { status: 400, title: "Bad Request", ..Problem::field("/message_base64", detail) }
                })
            }
            (Some(_), Some(_)) => Err(Problem::field(
                "/message_base64",
                "both `message` and `message_base64` are given; expected one of them",
            )),
            (None, None) => Err(Problem::field("", "the mail is missing; expected `message` or `message_base64`")),
        }
    }
}

impl ReplyRequest {
    fn check(self, form: Form, reply_bytes: usize, field_bytes: usize) -> Result<Self, Problem> {
        let wrong = |detail: &str| match form {
            Form::Json => Problem::field("/reply", detail),
            Form::Plain => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
        };
        if self.reply.trim().is_empty() {
            return Err(wrong("the reply is empty; expected what the server said, such as `550 5.1.1 User unknown`"));
        }
        if self.reply.contains('\0') {
            return Err(wrong("the reply holds a NUL character; expected text (RFC 5321 §4.2)"));
        }
        if self.reply.len() > reply_bytes {
            return Err(reply_too_large(reply_bytes));
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

/// The two forms in which something to classify may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The thing itself.
    Plain,
    /// JSON around it.
    Json,
}

impl Form {
    /// The form that `Content-Type` names; `plain` is the media type of the thing itself.
    fn of(request: &Request, plain: &str) -> Result<Self, Problem> {
        let expected = format!("expected `application/json` or `{plain}`");
        let refused = |what: String| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
        let Some(value) = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
            return refused(format!("there is no usable Content-Type; {expected}"));
        };
        let mut parts = value.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let is_utf8 = |name: &str| matches!(name.trim_matches('"'), "utf-8" | "utf8" | "us-ascii");
        let charset = parts.map(str::to_ascii_lowercase).find_map(|p| p.strip_prefix("charset=").map(is_utf8));
        match media.as_str() {
            // A mail tells its charsets itself.
            "message/rfc822" | "message/global" if plain == "message/rfc822" => Ok(Self::Plain),
            _ if charset == Some(false) => {
                refused("the text is not in UTF-8; expected `charset=utf-8` or none".to_owned())
            }
            "application/json" => Ok(Self::Json),
            media if media == plain => Ok(Self::Plain),
            "application/x-www-form-urlencoded" => refused(format!(
                "the Content-Type is that of a form, which curl sends by itself; {expected}, as with -H 'content-type: {plain}'"
            )),
            _ => refused(format!("the Content-Type is not one that is taken here; {expected}")),
        }
    }
}

/// The whole body; `Err(None)` where it is more than `most` bytes.
///
/// A body that is too long is read on for a while and thrown away: a client that still writes when the connection closes
/// would see a broken pipe instead of the answer.
async fn read(request: Request, most: usize, state: &AppState) -> Result<(Vec<u8>, Reserved), Option<Problem>> {
    const THROWN_AWAY: usize = 64 << 20;
    let broke_off = || {
        let detail = "the body broke off; expected as many bytes as were announced";
        Some(Problem::new(StatusCode::BAD_REQUEST, detail))
    };
    let stood_still = |_| {
        let detail = "the body stood still for too long; expected it to go on sooner";
        Some(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
    };
    let mut body = request.into_body();
    let announced = body.size_hint().lower().min(most as u64) as usize;
    let mut room = state.gate().memory.reserve();
    let mut is_room = room.grow_to(announced);
    let mut bytes = Vec::with_capacity(if is_room { announced } else { 0 });
    let mut total = 0;
    while let Some(frame) = timeout(state.limits().body_idle_time, body.frame()).await.map_err(stood_still)? {
        let frame = frame.map_err(|_| broke_off())?;
        let Some(data) = frame.data_ref() else { continue };
        total += data.len();
        is_room &= total > most || room.grow_to(total);
        if total <= most && is_room {
            bytes.extend_from_slice(data);
        } else if total > most + THROWN_AWAY {
            break;
        }
    }
    match is_room {
        _ if total > most => Err(None),
        true => Ok((bytes, room)),
        false => Err(Some(state.gate().shed())),
    }
}

fn reply_too_large(most: usize) -> Problem {
    let detail = format!("the reply is longer than {most} bytes; expected one server's reply");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn mail_too_large(most: usize) -> Problem {
    let detail =
        format!("the mail is longer than {most} bytes; expected one report, without the attachments of the original");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn text(bytes: &[u8]) -> Result<String, Problem> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let detail = format!("the body is not UTF-8: byte {} is wrong; expected UTF-8 text", error.valid_up_to());
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })
}

/// A JSON object of the form `T`. What is no JSON is a 400; what is JSON of another form, a 422 with a pointer to it.
fn json<'de, T: Deserialize<'de>>(bytes: &'de [u8], expected: &str) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, format!("the body is not JSON: byte {} is no UTF-8", error.valid_up_to()))
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // A struct would also be read from an array, field by field; that is never meant.
    if text.trim_start().starts_with('[') {
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| no_json(&error))?;
        return Err(Problem::field("", format!("the body is a JSON array; expected an object with {expected}")));
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
