//! Reading what is to be classified out of a request, and saying precisely what is wrong with it.

use std::borrow::Cow;

use axum::{
    body::HttpBody,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{AppState, Problem, memory::Reserved, packing};
use crate::{
    batch::{self, Fault, FaultKind, Item, Known, Subject},
    limits::Limits,
    smtp::Command,
};

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
    #[serde(default, deserialize_with = "batch::command")]
    #[schema(value_type = Option<Command>, example = "RCPT TO")]
    pub(super) command: Option<Command>,
}

/// A reply that may be classified.
#[derive(Debug)]
pub(super) struct AskedReply {
    pub(super) item: Item<'static>,
    /// How many bytes it came in.
    pub(super) bytes: usize,
}

impl AskedReply {
    /// Reads it out of a request with these fields.
    pub(super) async fn read(headers: &HeaderMap, request: Request, state: &AppState) -> Result<Self, Problem> {
        let is_json = media_type(headers, &["application/json", "text/plain"])? == "application/json";
        let limits = state.limits();
        // JSON may write each byte as six (`\u0041`), and adds names and the other fields.
        let most = if is_json { limits.reply_bytes * 6 + limits.field_bytes * 4 } else { limits.reply_bytes };
        let (bytes, _room) = read(request, most, state).await?.ok_or_else(|| batch::reply_too_large(limits))?;
        let length = bytes.len();
        let asked = if is_json {
            json(&bytes, "`reply`, such as {\"reply\": \"550 5.1.1 User unknown\"}")?
        } else {
            ReplyRequest { reply: text(bytes)?, recipient: None, remote_host: None, command: None }
        };
        let item = asked.item();
        item.check(limits).map_err(|fault| if is_json { fault } else { without_pointer(fault) })?;
        Ok(Self { item, bytes: length })
    }
}

impl ReplyRequest {
    fn item(self) -> Item<'static> {
        let known = Known {
            recipient: self.recipient.map(Cow::Owned),
            remote_host: self.remote_host.map(Cow::Owned),
            command: self.command,
        };
        Item { subject: Subject::Reply(Cow::Owned(self.reply)), known }
    }
}

/// A body that is no JSON has no fields to point at.
fn without_pointer(fault: Fault) -> Fault {
    Fault { pointer: None, ..fault }
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

/// A mail to classify, as it came.
#[derive(Debug)]
pub(super) struct AskedMail {
    bytes: Vec<u8>,
    is_json: bool,
    /// The room that it takes, until it is done with.
    room: Reserved,
}

impl AskedMail {
    /// Reads it out of a request with these fields.
    pub(super) async fn read(headers: &HeaderMap, request: Request, state: &AppState) -> Result<Self, Problem> {
        let is_json = media_type(headers, &["application/json", "message/rfc822"])? == "application/json";
        let limits = state.limits();
        let most = if is_json { limits.mail_bytes.saturating_mul(2) } else { limits.mail_bytes };
        let (bytes, room) = read(request, most, state).await?.ok_or_else(|| batch::mail_too_large(limits))?;
        Ok(Self { bytes, is_json, room })
    }

    /// How long it is, as it came.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The mail itself, if it may be classified, with the room that it takes.
    pub(super) fn open(self, limits: &Limits) -> Result<(Item<'static>, Reserved), Problem> {
        let Self { bytes, is_json, room } = self;
        let mail =
            if is_json { json::<MessageFields>(&bytes, "`message` or `message_base64`")?.mail()? } else { bytes };
        let item = Item { subject: Subject::Mail(Cow::Owned(mail)), known: Known::default() };
        item.check(limits)?;
        Ok((item, room))
    }
}

impl MessageFields {
    fn mail(self) -> Result<Vec<u8>, Problem> {
        match (self.message, self.message_base64) {
            (Some(text), None) => Ok(text.into_bytes()),
            (None, Some(text)) => Ok(batch::from_base64(&text)?),
            (Some(_), Some(_)) => Err(Problem::field(
                "/message_base64",
                "both `message` and `message_base64` are given; expected one of them",
            )),
            (None, None) => Err(Problem::field("", "the mail is missing; expected `message` or `message_base64`")),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let status = StatusCode::from_u16(fault.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Self::new(status, fault.detail);
        match fault.pointer {
            Some(pointer) => {
                let errors = Self::field(pointer, problem.detail.as_str()).errors;
                Self { errors, ..problem }
            }
            None => problem,
        }
    }
}

/// The one of `taken` that `Content-Type` names. JSON stands first, the media type of the thing itself second.
pub(super) fn media_type(headers: &HeaderMap, taken: &[&'static str]) -> Result<&'static str, Problem> {
    let expected = || {
        let names: Vec<String> = taken.iter().map(|name| format!("`{name}`")).collect();
        format!("expected {}", names.join(" or "))
    };
    let refused = |what: String| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
    let value = headers.get(header::CONTENT_TYPE);
    // As most callers write it.
    if let Some(name) = taken.iter().find(|name| value.is_some_and(|value| value.as_bytes() == name.as_bytes())) {
        return Ok(name);
    }
    let Some(value) = value.and_then(|value| value.to_str().ok()) else {
        return refused(format!("there is no usable Content-Type; {}", expected()));
    };
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let media = match media.as_str() {
        "message/global" => "message/rfc822",
        "application/ndjson" | "application/jsonl" => "application/x-ndjson",
        other => other,
    };
    let is_utf8 = |name: &str| matches!(name.trim_matches('"'), "utf-8" | "utf8" | "us-ascii");
    let charset = parts.map(str::to_ascii_lowercase).find_map(|p| p.strip_prefix("charset=").map(is_utf8));
    match taken.iter().find(|name| **name == media) {
        // A mail tells its charsets itself.
        Some(name) if matches!(*name, "message/rfc822" | "application/mbox") || charset != Some(false) => Ok(name),
        Some(_) => refused("the text is not in UTF-8; expected `charset=utf-8` or none".to_owned()),
        None if media == "application/x-www-form-urlencoded" => refused(format!(
            "the Content-Type is that of a form, which curl sends by itself; {}, as with -H 'content-type: {}'",
            expected(),
            taken.get(1).unwrap_or(&"application/json"),
        )),
        None => refused(format!("the Content-Type is not one that is taken here; {}", expected())),
    }
}

/// The whole body, unpacked; none where it is more than `most` bytes.
///
/// A body that is too long is read on for a while and thrown away: a client that still writes when the connection closes
/// would see a broken pipe instead of the answer. One that was packed small is not worth unpacking for that.
pub(super) async fn read(
    request: Request,
    most: usize,
    state: &AppState,
) -> Result<Option<(Vec<u8>, Reserved)>, Problem> {
    const THROWN_AWAY: usize = 64 << 20;
    let limits = state.limits();
    let thrown_away = if packing::is_packed(&request) { 0 } else { THROWN_AWAY };
    let mut body = request.into_body();
    let announced = body.size_hint().lower().min(most as u64) as usize;
    let mut room = state.gate().memory.reserve();
    let mut is_room = room.grow_to(announced);
    let mut bytes = Vec::with_capacity(if is_room { announced } else { 0 });
    let mut total = 0;
    loop {
        let Ok(frame) = timeout(limits.body_idle_time, body.frame()).await else { return Err(stood_still()) };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| broken(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        total += data.len();
        is_room &= total > most || room.grow_to(total);
        if total <= most && is_room {
            bytes.extend_from_slice(data);
        } else if total > most + thrown_away {
            break;
        }
    }
    match is_room {
        _ if total > most => Ok(None),
        true => Ok(Some((bytes, room))),
        false => Err(state.gate().shed()),
    }
}

fn stood_still() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "the body stood still for too long; expected it to go on sooner")
}

/// Why a body cannot be read to its end.
pub(super) fn broken(error: &axum::Error) -> Fault {
    if packing::is_caused_by::<packing::CannotUnpack>(error) {
        let detail = "the body cannot be unpacked; expected what Content-Encoding says, whole";
        return Fault::new(FaultKind::Malformed, detail);
    }
    Fault::new(FaultKind::Malformed, "the body broke off; expected as many bytes as were announced")
}

fn text(bytes: Vec<u8>) -> Result<String, Fault> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let detail = format!("the body is not UTF-8: byte {at} is wrong; expected UTF-8 text");
        Fault::new(FaultKind::Malformed, detail)
    })
}

/// A JSON object of the form `T`.
pub(super) fn json<'de, T: Deserialize<'de>>(bytes: &'de [u8], expected: &str) -> Result<T, Fault> {
    batch::read_json(bytes, "the body", expected)
}
