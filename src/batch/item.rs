//! One item: a reply or a mail to classify, and what is known besides.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Fault, FaultKind, json};
use crate::{limits::Limits, smtp::Command};

/// What is to be classified.
#[derive(Clone, Debug)]
pub enum Subject<'a> {
    /// What a server said.
    Reply(Cow<'a, str>),
    /// The bytes of a mail that came back.
    Mail(Cow<'a, [u8]>),
}

/// What the caller knows besides. Of a mail it counts only where the mail does not tell it itself.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// The address the message was for.
    pub recipient: Option<Cow<'a, str>>,
    /// The host that answered.
    pub remote_host: Option<Cow<'a, str>>,
    /// The command it answered.
    pub command: Option<Command>,
}

/// One item that may be classified.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// What to classify.
    pub subject: Subject<'a>,
    /// What is known besides.
    pub known: Known<'a>,
}

/// One thing to classify, in a batch: exactly one of `reply`, `message` and `message_base64`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BatchItem)]
pub struct ItemFields<'a> {
    /// Yours, a string or a number of at most 512 bytes; given back as it came.
    #[serde(borrow, default)]
    #[schema(value_type = Option<ItemId>)]
    id: Option<&'a RawValue>,
    /// What the server said: one line or many, bare or inside a log line.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, example = "550 5.1.1 <anna@example.org>: User unknown")]
    reply: Option<Words<'a>>,
    /// A mail as text.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    message: Option<Words<'a>>,
    /// A mail's bytes in base64 (RFC 4648 §4); line breaks in it do not matter.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>)]
    message_base64: Option<Words<'a>>,
    /// The address the message was for. With a mail, it stands in where the mail names none.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, example = "anna@example.org")]
    recipient: Option<Words<'a>>,
    /// The host that answered. With a mail, it stands in where the mail names none.
    #[serde(borrow, default)]
    #[schema(value_type = Option<String>, example = "mx.example.org")]
    remote_host: Option<Words<'a>>,
    /// The command it answered. With a mail, it stands in where the mail names none.
    #[serde(default, deserialize_with = "command")]
    #[schema(value_type = Option<Command>, example = "RCPT TO")]
    command: Option<Command>,
}

/// An item's own name. It passes through unread; this is how the specification tells it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = BatchId)]
pub enum ItemId {
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
}

/// Text that borrows from the input unless it holds an escape.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Words<'a>(#[serde(borrow)] Cow<'a, str>);

/// The id alone, of an item that is wrong elsewhere.
#[derive(Deserialize)]
struct OnlyId<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// A command as JSON tells it: a string in any of the forms that [`Command`] reads.
///
/// # Errors
/// When it is none.
pub fn command<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Command>, D::Error> {
    let text = Option::<Words<'de>>::deserialize(deserializer)?;
    // What was sent is not repeated: error details hold nothing of what callers pass on.
    let wrong = |_| serde::de::Error::custom(format!("unknown command, expected one of {}", Command::names()));
    text.map(|text| text.0.parse().map_err(wrong)).transpose()
}

impl<'a> Item<'a> {
    /// Reads one item and its id. `what` it is that is read, for the words of a fault: "the line".
    pub(super) fn read(json: &'a [u8], what: &str, limits: &Limits) -> (Option<&'a RawValue>, Result<Self, Fault>) {
        let is_object = json.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        // The way on which every byte is looked at once; a second look finds out what is wrong, and where.
        let quick = is_object.then(|| serde_json::from_slice::<ItemFields<'a>>(json).ok()).flatten();
        let fields = match quick {
            Some(fields) => Ok(fields),
            None => json::read(json, what, "`reply`, `message` or `message_base64`"),
        };
        match fields {
            Ok(fields) => match check_id(fields.id, limits) {
                Ok(id) => (id, fields.item(limits)),
                Err(fault) => (None, Err(fault)),
            },
            Err(fault) => {
                let id = is_object
                    .then(|| serde_json::from_slice::<OnlyId<'a>>(json).ok())
                    .flatten()
                    .and_then(|only| only.id);
                (check_id(id, limits).ok().flatten(), Err(fault))
            }
        }
    }
}

/// An id is given back as it came, so that no digit of a long number is lost.
fn check_id<'a>(id: Option<&'a RawValue>, limits: &Limits) -> Result<Option<&'a RawValue>, Fault> {
    let Some(id) = id else { return Ok(None) };
    let text = id.get();
    if !text.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        return Err(Fault::field("/id", "wrong type; expected a string or a number"));
    }
    if text.len() > limits.field_bytes {
        return Err(Fault::field("/id", format!("longer than {} bytes; expected a short name", limits.field_bytes)));
    }
    Ok(Some(id))
}

impl<'a> ItemFields<'a> {
    fn item(self, limits: &Limits) -> Result<Item<'a>, Fault> {
        let subject = match (self.reply, self.message, self.message_base64) {
            (Some(Words(reply)), None, None) => Subject::Reply(reply),
            (None, Some(Words(mail)), None) => Subject::Mail(match mail {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            (None, None, Some(Words(text))) => Subject::Mail(Cow::Owned(from_base64(&text)?)),
            (None, None, None) => {
                let detail = "nothing to classify; expected `reply`, `message` or `message_base64`";
                return Err(Fault::field("", detail));
            }
            _ => {
                let detail = "several of `reply`, `message` and `message_base64` are given; expected one of them";
                return Err(Fault::field("", detail));
            }
        };
        let known = Known {
            recipient: self.recipient.map(|words| words.0),
            remote_host: self.remote_host.map(|words| words.0),
            command: self.command,
        };
        let item = Item { subject, known };
        item.check(limits)?;
        Ok(item)
    }
}

impl Item<'_> {
    /// Whether it is not empty and within bounds.
    ///
    /// # Errors
    /// What is wrong, with a pointer to it.
    pub fn check(&self, limits: &Limits) -> Result<(), Fault> {
        match &self.subject {
            Subject::Reply(reply) => check_reply(reply, limits)?,
            Subject::Mail(mail) => check_mail(mail, limits)?,
        }
        let fields = [("/recipient", &self.known.recipient), ("/remote_host", &self.known.remote_host)];
        let too_long =
            |value: &Option<Cow<'_, str>>| value.as_ref().is_some_and(|value| value.len() > limits.field_bytes);
        match fields.into_iter().find(|(_, value)| too_long(value)) {
            Some((pointer, _)) => {
                let detail = format!("longer than {} bytes; expected a name or an address", limits.field_bytes);
                Err(Fault::field(pointer, detail))
            }
            None => Ok(()),
        }
    }
}

fn check_reply(reply: &str, limits: &Limits) -> Result<(), Fault> {
    if reply.trim().is_empty() {
        let detail = "the reply is empty; expected what the server said, such as `550 5.1.1 User unknown`";
        return Err(Fault::field("/reply", detail));
    }
    if reply.contains('\0') {
        let detail = "the reply holds a NUL character; expected text (RFC 5321 §4.2)";
        return Err(Fault::field("/reply", detail));
    }
    if reply.len() > limits.reply_bytes {
        return Err(reply_too_large(limits));
    }
    Ok(())
}

fn check_mail(mail: &[u8], limits: &Limits) -> Result<(), Fault> {
    if mail.len() > limits.mail_bytes {
        return Err(mail_too_large(limits));
    }
    if mail.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::new(FaultKind::Wrong, "the mail is empty; expected its header and its body"));
    }
    Ok(())
}

/// A reply over the bound.
pub fn reply_too_large(limits: &Limits) -> Fault {
    let detail = format!("the reply is longer than {} bytes; expected one server's reply", limits.reply_bytes);
    Fault::new(FaultKind::TooLarge, detail)
}

/// A mail over the bound.
pub fn mail_too_large(limits: &Limits) -> Fault {
    let detail = format!(
        "the mail is longer than {} bytes; expected one report, without the attachments of the original",
        limits.mail_bytes
    );
    Fault::new(FaultKind::TooLarge, detail)
}

/// A mail's bytes, from base64 with or without line breaks.
///
/// # Errors
/// When it is none.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Fault> {
    let packed: Cow<'_, str> = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        Cow::Owned(text.split_ascii_whitespace().collect())
    } else {
        Cow::Borrowed(text)
    };
    STANDARD.decode(packed.as_bytes()).map_err(|_| {
        let detail = "`message_base64` is no base64; expected the alphabet of RFC 4648 §4 with its padding";
        Fault { kind: FaultKind::Malformed, ..Fault::field("/message_base64", detail) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> (Option<String>, Result<Item<'_>, Fault>) {
        let (id, item) = Item::read(json.as_bytes(), "the line", &Limits::default());
        (id.map(|id| id.get().to_owned()), item)
    }

    #[test]
    fn ids_are_given_back_as_they_came() {
        for (json, expected) in [
            (r#"{"id":"a\u00e9","reply":"550"}"#, Some(r#""a\u00e9""#)),
            (r#"{"id":12345678901234567890123,"reply":"550"}"#, Some("12345678901234567890123")),
            (r#"{"id":null,"reply":"550"}"#, None),
            (r#"{"reply":"550"}"#, None),
        ] {
            let (id, item) = read(json);
            assert_eq!(id.as_deref(), expected, "{json}");
            assert!(item.is_ok(), "{json}");
        }
    }

    #[test]
    fn what_is_wrong_is_pointed_at_and_the_id_is_kept() {
        for (json, id, kind, pointer, words) in [
            (
                r#"{"id":"a","replyy":"550"}"#,
                Some("\"a\""),
                FaultKind::Wrong,
                Some("/replyy"),
                "unknown field `replyy`",
            ),
            (r#"{"id":"a","reply":550}"#, Some("\"a\""), FaultKind::Wrong, Some("/reply"), "expected a string"),
            (r#"{"id":["a"],"reply":"550"}"#, None, FaultKind::Wrong, Some("/id"), "a string or a number"),
            (r#"{"id":"a","reply":" "}"#, Some("\"a\""), FaultKind::Wrong, Some("/reply"), "the reply is empty"),
            (r#"{"id":"a"}"#, Some("\"a\""), FaultKind::Wrong, Some(""), "nothing to classify"),
            (r#"{"id":1,"reply":"550","message":"x"}"#, Some("1"), FaultKind::Wrong, Some(""), "expected one of them"),
            (r#"{"message_base64":"%"}"#, None, FaultKind::Malformed, Some("/message_base64"), "is no base64"),
            (r#"{"reply":"550","command":"SEND"}"#, None, FaultKind::Wrong, Some("/command"), "unknown command"),
            (r#"["550"]"#, None, FaultKind::Wrong, Some(""), "the line is a JSON array"),
            (r#"{"id":"a","reply":"550""#, None, FaultKind::Malformed, None, "the line is not JSON"),
            (r#""550""#, None, FaultKind::Wrong, Some(""), "wrong type"),
        ] {
            let (found, item) = read(json);
            let fault = item.unwrap_err();
            assert_eq!(found.as_deref(), id, "{json}");
            assert_eq!((fault.kind, fault.pointer.as_deref()), (kind, pointer), "{json}: {fault:?}");
            assert!(fault.detail.contains(words), "{json}: {fault:?}");
        }
    }

    #[test]
    fn text_without_escapes_is_not_copied() {
        let (_, item) = read(r#"{"reply":"550 5.1.1 User unknown"}"#);
        assert!(matches!(item.unwrap().subject, Subject::Reply(Cow::Borrowed(_))));
    }
}
