//! A mail taken apart as far as a report needs it: its header, its words, its machine-readable parts, and the mail that it
//! reports on. `mail-parser` reads MIME and charsets; here is what it means for reports, and the bounds.

use std::borrow::Cow;

use mail_parser::{Encoding, Message, MessagePart, MimeHeaders, PartType};

use super::{
    field::{self, Field},
    html,
    lines::{head, split_at_byte},
    words,
};
use crate::{
    catalog::{HeaderField, Rescue, RescueSign},
    limits::Limits,
};

/// A report mail in parts.
#[derive(Debug, Default)]
pub(super) struct Mail<'m> {
    /// The header fields in their order.
    pub(super) fields: Vec<Field<'m>>,
    /// The words for people, before the original begins.
    pub(super) text: String,
    /// How many bytes of `text` stand before an original that it quotes.
    report_bytes: usize,
    /// `message/delivery-status` and its international form, each its text.
    pub(super) delivery_status: Vec<String>,
    /// `message/feedback-report`.
    pub(super) feedback: Option<String>,
    /// `message/disposition-notification`.
    pub(super) disposition: Option<String>,
    /// The header of the original mail, or as much of the mail as came back.
    pub(super) original: Option<String>,
    /// A mail that is attached to one that is no report by its form: it may be the report that somebody passes on.
    pub(super) attached_mail: Option<Cow<'m, [u8]>>,
    /// Whether the delivery status stands in a mail within the mail.
    pub(super) is_wrapping: bool,
    /// The text of what is attached besides, such as a file of headers.
    pub(super) attached: Vec<String>,
    /// Bounds that were reached.
    pub(super) cut: Vec<&'static str>,
}

impl<'m> Mail<'m> {
    /// Takes `bytes` ([`with_line_feeds`]) apart; what is no mail becomes words.
    pub(super) fn read(bytes: &'m [u8], rescue: &Rescue, limits: &Limits) -> Self {
        let mut mail = Self::default();
        let bytes = without_mailbox_line(bytes);
        let bytes = mail.without_deep_mails(bytes, limits);
        match field::parse(bytes) {
            Some(mut message) => {
                mail.heed_fields(&message, limits);
                mail.attached_mail = attached_mail(&message, bytes, limits);
                mail.walk(&message, limits, 0);
                let headers = message.parts.first_mut().map(|root| std::mem::take(&mut root.headers));
                let headers = headers.into_iter().flatten().take(limits.header_fields);
                mail.fields = headers.map(|header| Field::new(header, bytes, limits)).collect();
            }
            None => mail.add_text(&String::from_utf8_lossy(bytes), limits),
        }
        if mail.text.trim().is_empty() && !mail.attached.is_empty() {
            // The only words came as a file: `deliveryproblems.txt`.
            mail.text = mail.attached.remove(0);
        }
        if mail.delivery_status.is_empty() && rescue.header_shows(RescueSign::Forward, &mail.fields) {
            mail.unwrap_forward(rescue);
        }
        mail.report_bytes = words::report_part(&mail.text, rescue).len();
        mail
    }

    /// Of a mail that a person passes on, the words are those below the line that announces it and the few fields that mail
    /// programs write there.
    fn unwrap_forward(&mut self, rescue: &Rescue) {
        let Some(announced) = words::announcements(&self.text, rescue).next() else { return };
        let below = self.text[announced..].split_once('\n').map_or("", |(_, below)| below).trim_start();
        let is_field =
            |line: &str| line.split_once(':').is_some_and(|(name, _)| name.len() < 40 && !name.contains('@'));
        let has_fields = below.lines().next().is_some_and(is_field);
        let body = below.split_once("\n\n").filter(|_| has_fields).map_or(below, |(_, body)| body);
        self.text = body.to_owned();
    }

    /// The words before a quoted original, and before the lines that announce one.
    pub(super) fn report_part(&self) -> &str {
        &self.text[..self.report_bytes]
    }

    /// The first field of this name (in lower case).
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name().eq_ignore_ascii_case(name)).map(HeaderField::value)
    }

    /// A mail in a mail in a mail is dropped one by one, each on the stack of the one before; cutting the file before the
    /// first that is too deep keeps that bounded.
    fn without_deep_mails(&mut self, bytes: &'m [u8], limits: &Limits) -> &'m [u8] {
        let mut found = 0;
        let mut line_start = 0;
        for at in memchr::memchr_iter(b'\n', bytes) {
            let line = &bytes[line_start..at];
            line_start = at + 1;
            let may_be = line.len() > 20 && matches!(line[0], b'c' | b'C');
            if may_be && line[..13].eq_ignore_ascii_case(b"content-type:") && contains_message_type(line) {
                found += 1;
                if found > limits.nested_mails {
                    self.cut.push("nested_mails");
                    return &bytes[..at - line.len()];
                }
            }
        }
        bytes
    }

    fn walk(&mut self, message: &Message<'_>, limits: &Limits, depth: usize) {
        if message.parts.len() > limits.mime_parts {
            self.cut.push("mime_parts");
        }
        let is_plain = |part: &MessagePart<'_>| {
            matches!(&part.body, PartType::Text(text) if !text.trim().is_empty()) && is_words(part)
        };
        let has_plain_text = message.parts.iter().any(is_plain);
        for part in message.parts.iter().take(limits.mime_parts) {
            match (&part.body, kind_of(part)) {
                (PartType::Multipart(_), _) => {}
                (_, PartKind::Unparted) => self.add_unparted(message, part, limits, depth),
                (_, PartKind::DeliveryStatus) => self.delivery_status.push(text_of(part, limits)),
                (_, PartKind::Feedback) => self.feedback = Some(text_of(part, limits)),
                (_, PartKind::Disposition) => self.disposition = Some(text_of(part, limits)),
                (PartType::Message(inner), _) => self.add_message(inner, limits, depth),
                (_, PartKind::Original) => self.add_original(&text_of(part, limits)),
                (PartType::Html(html), _) if !has_plain_text => {
                    let html = head(html, limits.text_bytes);
                    self.add_text(&html::to_text(html), limits);
                }
                (PartType::Text(text), PartKind::Words) => self.add_text(&as_meant(message, part, text), limits),
                (PartType::Text(text), PartKind::Attached) => {
                    self.attached.push(head(text, limits.text_bytes).to_owned());
                }
                _ => {}
            }
        }
    }

    /// A mail within the mail: the original, or, where a gateway wraps reports, the report itself.
    fn add_message(&mut self, inner: &Message<'_>, limits: &Limits, depth: usize) {
        let is_report = inner.parts.iter().any(|part| matches!(kind_of(part), PartKind::DeliveryStatus));
        if is_report && self.delivery_status.is_empty() && depth < limits.nested_mails {
            self.is_wrapping = true;
            return self.walk(inner, limits, depth + 1);
        }
        if self.original.is_none() {
            let text = inner.parts.iter().find_map(|part| match &part.body {
                PartType::Text(text) | PartType::Html(text) => Some(head(text, limits.text_bytes)),
                _ => None,
            });
            let mut original = String::new();
            self.heed_fields(inner, limits);
            for header in inner.parts.iter().take(1).flat_map(|root| &root.headers).take(limits.header_fields) {
                let name = original.len();
                original.push_str(header.name.as_str());
                original[name..].make_ascii_lowercase();
                original.push_str(": ");
                let raw = field::raw(header, &inner.raw_message);
                original.push_str(&field::value(&header.name, raw, limits.reply_bytes));
                original.push('\n');
            }
            original.push('\n');
            original.push_str(text.unwrap_or_default());
            self.original = Some(original);
        }
    }

    /// Reads a multipart by the boundary that it really uses: its first line that begins with `--`.
    fn add_unparted(&mut self, message: &Message<'_>, part: &MessagePart<'_>, limits: &Limits, depth: usize) {
        let raw = message.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
        let mut lines = raw.split(|byte| *byte == b'\n').take(200).map(<[u8]>::trim_ascii_end);
        let boundary =
            lines.find(|line| line.len() > 4 && line.len() < 200 && line.starts_with(b"--") && !line.contains(&b' '));
        let Some(boundary) = boundary.and_then(|line| std::str::from_utf8(&line[2..]).ok()).filter(|_| depth < 2)
        else {
            return self.add_text(&text_of(part, limits), limits);
        };
        let header =
            format!("Content-Type: multipart/mixed; boundary=\"{}\"\r\n\r\n", boundary.replace(['"', '\\'], ""));
        let repaired = [header.as_bytes(), raw].concat();
        match field::parse(&repaired) {
            Some(repaired) if repaired.parts.len() > 1 => self.walk(&repaired, limits, depth + 1),
            _ => self.add_text(&text_of(part, limits), limits),
        }
    }

    /// Notes when there are more fields than are read.
    fn heed_fields(&mut self, message: &Message<'_>, limits: &Limits) {
        let has_more = message.parts.first().is_some_and(|root| root.headers.len() > limits.header_fields);
        if has_more && !self.cut.contains(&"header_fields") {
            self.cut.push("header_fields");
        }
    }

    fn add_original(&mut self, text: &str) {
        if self.original.is_none() && !text.trim().is_empty() {
            self.original = Some(text.to_owned());
        }
    }

    fn add_text(&mut self, text: &str, limits: &Limits) {
        let room = limits.text_bytes.saturating_sub(self.text.len());
        let kept = head(text, room);
        if kept.len() < text.len() && !self.cut.contains(&"text_bytes") {
            self.cut.push("text_bytes");
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.reserve(kept.len());
        // CRLF is one line end, a bare CR is one too.
        for (at, line) in split_at_byte(kept, b'\n').enumerate() {
            if at > 0 {
                self.text.push('\n');
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            for (at, line) in split_at_byte(line, b'\r').enumerate() {
                if at > 0 {
                    self.text.push('\n');
                }
                self.text.push_str(line.trim_end());
            }
        }
    }
}

/// Whether a mail says itself that it is a report.
fn is_report_form(message: &Message<'_>) -> bool {
    message.parts.first().and_then(|root| root.content_type()).is_some_and(|content_type| {
        content_type.ctype().eq_ignore_ascii_case("multipart")
            && content_type.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"))
    })
}

/// Reports are small; of what is attached so much is kept, so that a large mail is not copied.
const MOST_ATTACHED_BYTES: usize = 1 << 20;

/// The first mail that is attached to one in no form of a report.
fn attached_mail<'m>(message: &Message<'_>, mail: &'m [u8], limits: &Limits) -> Option<Cow<'m, [u8]>> {
    if is_report_form(message) {
        return None;
    }
    message.parts.iter().take(limits.mime_parts).find_map(|part| {
        let (PartType::Message(inner), PartKind::Words | PartKind::Original | PartKind::Attached | PartKind::Other) =
            (&part.body, kind_of(part))
        else {
            return None;
        };
        let as_it_stands = mail.get(part.offset_body as usize..part.offset_end as usize);
        let bytes = match as_it_stands.filter(|_| part.encoding == Encoding::None) {
            Some(bytes) => Cow::Borrowed(&bytes[..bytes.len().min(MOST_ATTACHED_BYTES)]),
            None => {
                let decoded = &inner.raw_message;
                Cow::Owned(decoded[..decoded.len().min(MOST_ATTACHED_BYTES)].to_vec())
            }
        };
        Some(bytes)
    })
}

/// What a part is in a report.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PartKind {
    Words,
    Attached,
    DeliveryStatus,
    Feedback,
    Disposition,
    Original,
    /// A multipart whose boundary is missing or never occurs.
    Unparted,
    Other,
}

fn kind_of(part: &MessagePart<'_>) -> PartKind {
    let Some(content_type) = part.content_type() else { return PartKind::Words };
    let is = |main: &str| content_type.ctype().eq_ignore_ascii_case(main);
    let is_any = |known: &[&str]| {
        let sub = content_type.subtype().unwrap_or("plain");
        known.iter().any(|known| known.eq_ignore_ascii_case(sub))
    };
    if is("text") {
        if is_any(&["rfc822-headers", "rfc822", "rfc822-header"]) {
            PartKind::Original
        } else if is_words(part) {
            PartKind::Words
        } else {
            PartKind::Attached
        }
    } else if is("message") {
        if is_any(&["delivery-status", "global-delivery-status"]) {
            PartKind::DeliveryStatus
        } else if is_any(&["feedback-report"]) {
            PartKind::Feedback
        } else if is_any(&["disposition-notification", "global-disposition-notification"]) {
            PartKind::Disposition
        } else {
            PartKind::Original
        }
    } else if is("multipart") {
        PartKind::Unparted
    } else {
        PartKind::Other
    }
}

/// A part's text in the charset that was meant: mailers that label everything `us-ascii` write UTF-8, and those that label
/// nothing wrote Latin-1.
fn as_meant<'t>(message: &'t Message<'_>, part: &MessagePart<'_>, text: &'t str) -> Cow<'t, str> {
    if text.is_ascii() || part.encoding != Encoding::None {
        return Cow::Borrowed(text);
    }
    let raw = message.raw_message.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    match std::str::from_utf8(raw) {
        Ok(utf8) if !utf8.contains('\x1b') => Cow::Borrowed(utf8),
        _ if text.contains(char::REPLACEMENT_CHARACTER) => {
            Cow::Owned(raw.iter().map(|byte| char::from(*byte)).collect())
        }
        _ => Cow::Borrowed(text),
    }
}

/// Text meant to be read at once, not a file of text.
fn is_words(part: &MessagePart<'_>) -> bool {
    let is_named = part.content_type().is_some_and(|content_type| content_type.attribute("name").is_some());
    let is_attached = part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment);
    !is_named && !is_attached && matches!(part.body, PartType::Text(_) | PartType::Html(_))
}

fn text_of(part: &MessagePart<'_>, limits: &Limits) -> String {
    match &part.body {
        PartType::Text(text) | PartType::Html(text) => head(text, limits.text_bytes).to_owned(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => lossy(&bytes[..bytes.len().min(limits.text_bytes)]),
        PartType::Message(message) => {
            let raw = &message.raw_message;
            lossy(&raw[..raw.len().min(limits.text_bytes)])
        }
        PartType::Multipart(_) => String::new(),
    }
}

/// The same as [`String::from_utf8_lossy`], which reads UTF-8 more slowly.
fn lossy(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes).into_owned(), str::to_owned)
}

/// Files with bare carriage returns, as old Macs wrote them.
pub(super) fn with_line_feeds(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.contains(&b'\n') || !bytes.contains(&b'\r') {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
}

/// Without blank lines before the header and without the `From ` line of mbox files.
fn without_mailbox_line(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    if !bytes.starts_with(b"From ") {
        return bytes;
    }
    bytes.iter().position(|byte| *byte == b'\n').map_or(bytes, |end| &bytes[end + 1..])
}

fn contains_message_type(line: &[u8]) -> bool {
    line.windows(8).any(|window| window.eq_ignore_ascii_case(b"message/"))
}
